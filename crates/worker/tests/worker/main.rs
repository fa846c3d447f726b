//! Ends of jobs as people see them, through the queue's own views.

mod drain;
mod endings;
mod stage;
mod stopping;
