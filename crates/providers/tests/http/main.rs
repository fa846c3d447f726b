//! The clients over real connections: to a wire that misbehaves, and to the sandbox.

mod feeds;
mod login;
mod market;
mod messages;
mod models;
mod news;
mod outside;
mod secrets;
mod support;
mod wire;
