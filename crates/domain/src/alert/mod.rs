//! Alert rules: what was observed in, episodes and the messages about them out.
//!
//! [`step`] moves one rule of one symbol; [`notify::Group`] turns its transitions into
//! messages. Both are values that can be stored between calls, and both say when they want to
//! be called next.

mod band;
mod condition;
mod default;
mod engine;
mod event;
pub mod notify;
mod price;
mod quiet;
mod replay;
mod rule;
mod stale;
mod state;

pub use condition::{Condition, Metric, Op, Value, Values};
pub use default::default_rules;
pub use engine::{next_timer, step};
pub use event::{Event, Phase, Transition};
pub use quiet::QuietHours;
pub use replay::{Happening, Matcher, Replay, ReplayError, Script, What, replay};
pub use rule::{Calendar, InvalidRule, Kind, OnGap, OnNoData, Resets, Rule};
pub use state::{Episode, State};
