//! An HTTP and SMTP server that imitates the outside providers, their limits and their faults.
//!
//! It is a referee: it shares no code with the clients that it checks, counts every request on
//! arrival in its own rolling windows, and writes each into a ledger. Its data follows from a seed:
//! equal seeds and equal times give equal bytes, in whatever order the calls come.

mod alpha_vantage;
mod answer;
mod app;
mod call;
mod clock;
mod control;
mod faults;
mod fixtures;
mod gemini;
mod guard;
mod imitation;
mod ledger;
mod limits;
mod model;
mod newsapi;
mod openai;
mod options;
mod outbox;
mod problem;
mod profile;
mod referee;
mod rss;
mod schema;
mod search;
mod server;
mod smtp;
mod twilio;
mod webhook;
mod world;

pub use limits::{Limits, UnknownLimit};
pub use options::Options;
pub use profile::{Profile, UnknownProfile};
pub use server::{Running, Sandbox};

/// Every imitated provider.
static IMITATIONS: [&imitation::Imitation; 8] = [
    &alpha_vantage::IMITATION,
    &newsapi::IMITATION,
    &gemini::IMITATION,
    &openai::IMITATION,
    &twilio::IMITATION,
    &webhook::IMITATION,
    &rss::IMITATION,
    &smtp::IMITATION,
];
