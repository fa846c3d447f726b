//! Plans a provider's calls: which symbol's close to request, and when, so that a small quota is not
//! spent on answers without news.
//!
//! A close is published some time after the exchange has closed, at an hour that no provider
//! promises. [`Publication`] learns it; until it is known that a session is published, one symbol is
//! requested on behalf of all. Calls that no close needs go to requests that serve every symbol.

mod closes;
mod feed;
mod publication;
mod quota;
mod session;

pub use closes::{Closes, Tracked, plan_closes};
pub use feed::{FeedState, is_feed_due};
pub use publication::{Arrival, Observation, Publication};
pub use quota::{Quota, Renewal};
pub use session::{has_session_quotes, is_end_of_day};
