//! Settings of a sandbox.

use std::net::{Ipv4Addr, SocketAddr};

use chrono::{DateTime, Utc};

use crate::limits::Limits;
use crate::profile::Profile;

/// Settings of a sandbox. The default: seed 42, real time, free ports on the loopback address.
#[derive(Clone, Debug)]
pub struct Options {
    /// Equal seeds give equal worlds.
    pub seed: u64,
    /// Start of the clock, which runs on from there. `None`: the real time.
    pub now: Option<DateTime<Utc>>,
    /// Port 0 means a free one.
    pub http_addr: SocketAddr,
    /// `None`: no SMTP.
    pub smtp_addr: Option<SocketAddr>,
    pub profile: Profile,
    pub limits: Limits,
    /// Lets other machines use the control routes.
    pub open_control: bool,
}

impl Default for Options {
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            seed: 42,
            now: None,
            http_addr: free,
            smtp_addr: Some(free),
            profile: Profile::default(),
            limits: Limits::default(),
            open_control: false,
        }
    }
}
