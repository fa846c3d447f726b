//! A machine without free file descriptors: alone in its process, since the limit is the process's.

use std::{fs::File, time::Duration};

use bellwether_providers::{Error, Permit, Settings, Taking, alpha_vantage::AlphaVantage};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;

/// Counts what the breaker hears.
#[derive(Default)]
struct Heard(std::sync::atomic::AtomicUsize);

impl Permit for Heard {
    fn take(&self) -> Taking<'_> {
        Box::pin(async { Ok(()) })
    }

    fn fault(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_call_that_this_machine_cannot_make_says_nothing_about_the_provider() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings {
        base_url: format!("http://{}", listener.local_addr().unwrap()).parse().unwrap(),
        key: "key".to_owned().into(),
        timeout: Duration::from_secs(5),
    };
    let market = AlphaVantage::new(&settings).unwrap();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..limit }).unwrap();
    let mut open = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }

    let heard = Heard::default();
    let refused = market.quote("AAPL", &heard).await;
    drop(open);
    setrlimit(Resource::Nofile, limit).unwrap();
    assert!(matches!(refused, Err(Error::Local { .. })), "{refused:?}");
    assert_eq!(heard.0.into_inner(), 0, "its breaker hears of no fault");
}
