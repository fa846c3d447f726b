//! The sandbox over HTTP and SMTP, as the system under test meets it.

mod content;
mod control;
mod desk;
mod faults;
mod limits;
mod mail;
mod models;
mod sms;
