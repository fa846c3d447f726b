//! Why the workers ended before they were told to.

/// Errors of [`run`](crate::run).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The process could not be registered or deregistered.
    #[error(transparent)]
    Queue(#[from] bellwether_queue::Error),
    /// An apalis worker ended by an error or a panic of its own; jobs' panics do not come here.
    #[error("a worker broke down: {0}")]
    Broken(Box<dyn std::error::Error + Send + Sync>),
    /// A queue stopped handing out attempts before the shutdown.
    #[error("a queue ended before shutdown")]
    EndedEarly,
}
