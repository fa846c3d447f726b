//! The clients over real connections: to a wire that misbehaves, and to the sandbox.

mod sandbox;
mod secrets;
mod support;
mod wire;
