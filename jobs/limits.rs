//! Whom the jobs ask, how often that is allowed, and which lane waits for which key.

use std::time::Duration;

use bellwether_providers::{alpha_vantage, newsapi, smtp, twilio, webhook};
use bellwether_queue::limits::{Counts, Limit, Window, define as define_limit, set_lane};

use crate::{
    Analyzer, Error, Services, analyze_article, scrape_news, scrape_quotes, send_notification,
};

/// Makes the limit keys of these queues exist, and their lanes wait for them. The amounts are those
/// of the free plans; a day is 25 hours, as the longest one is.
pub async fn define(services: &Services, queues: &[&str]) -> Result<(), Error> {
    for (queue, lane, limit) in lanes(services) {
        if !queues.contains(&queue) {
            continue;
        }
        if let Some(limit) = &limit {
            define_limit(&services.pool, limit).await?;
        }
        let keys: Vec<_> = limit.iter().map(|limit| (limit.key.as_str(), None)).collect();
        set_lane(&services.pool, queue, lane, &keys).await?;
    }
    Ok(())
}

/// Each lane with its key; a lane without one is free.
fn lanes(services: &Services) -> Vec<(&'static str, &'static str, Option<Limit>)> {
    let scale = |amount: u32| (f64::from(amount) * services.limit_scale).round().max(1.0) as u32;
    let limit = |key: &str, counts: Counts, windows: &[(u32, Duration)]| {
        let window = |&(amount, period): &(u32, Duration)| Window { amount: scale(amount), period };
        let windows = windows.iter().map(window).collect();
        Some(Limit { key: key.to_owned(), counts, windows, in_flight: None })
    };
    let start = Counts::Start { guard: Duration::from_millis(500) };
    let second = Duration::from_secs(1);
    // the provider counts one a second from its own clock's view of ours
    let wide_second = Duration::from_millis(1_200);
    let minute = Duration::from_mins(1);
    let day = Duration::from_hours(25);

    let model = match (&*services.analyzer, services.analyzer.key()) {
        (Analyzer::Gemini(_), Some(key)) => limit(key, Counts::Finish, &[(15, minute), (500, day)]),
        (Analyzer::OpenAi(_), Some(key)) => limit(key, Counts::Finish, &[(60, minute)]),
        _ => None,
    };
    vec![
        (
            scrape_quotes::QUEUE,
            scrape_quotes::LANE,
            limit(alpha_vantage::KEY, Counts::Finish, &[(1, wide_second), (25, day)]),
        ),
        (
            scrape_news::QUEUE,
            scrape_news::LANE,
            limit(newsapi::KEY, Counts::Finish, &[(50, Duration::from_hours(12))]),
        ),
        (analyze_article::QUEUE, analyze_article::LANE, model),
        (
            send_notification::QUEUE,
            send_notification::SMS,
            limit(twilio::KEY, Counts::Finish, &[(1, wide_second)]),
        ),
        (
            send_notification::QUEUE,
            send_notification::EMAIL,
            limit(smtp::KEY, start, &[(10, second)]),
        ),
        (
            send_notification::QUEUE,
            send_notification::WEBHOOK,
            limit(webhook::KEY, start, &[(10, second)]),
        ),
    ]
}
