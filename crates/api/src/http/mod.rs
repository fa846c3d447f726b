//! Parts that every route shares: state, access, extractors, problems, pages, and the port itself.

pub(crate) mod actor;
pub(crate) mod app;
pub(crate) mod cached;
pub(crate) mod exposure;
pub(crate) mod extract;
pub(crate) mod failures;
pub(crate) mod guard;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod replica;
pub(crate) mod request;
pub(crate) mod serve;
pub(crate) mod spec;
pub(crate) mod token;
pub(crate) mod trigger;
