//! Alert rules: from observations to episodes and their messages.
//!
//! [`advance()`] evaluates one rule for one symbol: [`step`] gives its transitions, and
//! [`notify::Group`] turns them into messages. The states of both can be stored between calls, and both return the time of the next
//! call that they need.

mod advance;
mod band;
mod condition;
mod engine;
mod event;
pub mod notify;
mod price;
mod quiet;
mod replay;
mod rule;
mod stale;
mod state;
mod undelivered;

pub use advance::{Act, Change, Policy, advance};
pub use condition::{Condition, Metric, Op, Value, Values};
pub use engine::{next_timer, step};
pub use event::{Event, Phase, Transition};
pub use quiet::QuietHours;
pub use replay::{Happening, Matcher, Replay, ReplayError, Script, What, replay};
pub use rule::{Calendar, InvalidRule, Kind, OnGap, OnNoData, Resets, Rule};
pub use state::{Episode, State};
pub use undelivered::{Outlived, Undelivered};
