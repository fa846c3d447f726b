//! News: events that lead returns, told by one to twelve outlets, among stories without meaning.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::companies::COMPANIES;
use super::phrases::{EVERGREEN, FILLER, PHRASES, fill};
use super::{Company, chance, hash};

/// Words of a headline under which it is looked up.
pub(crate) const START: usize = 5;

#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) id: Option<&'static str>,
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
}

#[rustfmt::skip]
static OUTLETS: [Outlet; 16] = [
    Outlet { id: Some("reuters"), name: "Reuters", domain: "www.reuters.com" },
    Outlet { id: Some("bloomberg"), name: "Bloomberg", domain: "www.bloomberg.com" },
    Outlet { id: Some("the-wall-street-journal"), name: "The Wall Street Journal", domain: "www.wsj.com" },
    Outlet { id: None, name: "CNBC", domain: "www.cnbc.com" },
    Outlet { id: None, name: "MarketWatch", domain: "www.marketwatch.com" },
    Outlet { id: Some("business-insider"), name: "Business Insider", domain: "www.businessinsider.com" },
    Outlet { id: Some("fortune"), name: "Fortune", domain: "fortune.com" },
    Outlet { id: None, name: "Yahoo Entertainment", domain: "finance.yahoo.com" },
    Outlet { id: Some("the-verge"), name: "The Verge", domain: "www.theverge.com" },
    Outlet { id: Some("associated-press"), name: "Associated Press", domain: "apnews.com" },
    Outlet { id: None, name: "Benzinga", domain: "www.benzinga.com" },
    Outlet { id: None, name: "Financial Times", domain: "www.ft.com" },
    Outlet { id: None, name: "GlobeNewswire", domain: "www.globenewswire.com" },
    Outlet { id: None, name: "Barron's", domain: "www.barrons.com" },
    Outlet { id: None, name: "Investor's Business Daily", domain: "www.investors.com" },
    Outlet { id: Some("bbc-news"), name: "BBC News", domain: "www.bbc.co.uk" },
];

/// Reason why an event moves no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Noise {
    /// About the company, but never new.
    Evergreen,
    /// Contains the company's name and means something else.
    WrongTicker,
}

/// An event, before any outlet writes about it.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) at: DateTime<Utc>,
    /// The hidden truth, -1 to 1.
    pub(crate) polarity: f64,
    text: usize,
    noise: Option<Noise>,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) symbol: &'static str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) polarity: f64,
    pub(crate) kind: &'static str,
    pub(crate) noise: Option<Noise>,
    pub(crate) articles: Vec<Article>,
}

#[derive(Clone, Debug)]
pub(crate) struct Article {
    pub(crate) outlet: &'static Outlet,
    pub(crate) author: Option<String>,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) content: String,
    pub(crate) url: String,
    pub(crate) published_at: DateTime<Utc>,
    /// Title, description and content, ready to be searched.
    pub(crate) searchable: [String; 3],
}

impl Event {
    pub(crate) fn label(&self) -> &'static str {
        match self.polarity {
            p if p >= 0.15 => "positive",
            p if p <= -0.15 => "negative",
            _ => "neutral",
        }
    }

    /// Relevance of the story for its company.
    pub(crate) fn relevance(&self) -> f64 {
        match self.noise {
            None => 0.9,
            Some(Noise::Evergreen) => 0.5,
            Some(Noise::WrongTicker) => 0.03,
        }
    }
}

/// One day's news of all companies.
pub(crate) struct Day {
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) by_start: HashMap<u64, Vec<Headline>>,
}

pub(crate) struct Headline {
    pub(crate) event: usize,
    pub(crate) title: Vec<String>,
}

/// Letters and digits in lower case, which any cleaning of a text keeps.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// A text prepared for search: its words, each between spaces.
pub(crate) fn searchable(text: &str) -> String {
    format!(" {} ", words(text).join(" "))
}

pub(crate) fn key(start: &[String]) -> u64 {
    start.iter().fold(7, |h, word| hash(word.as_bytes(), h).rotate_left(5))
}

impl Day {
    pub(crate) fn new(seed: u64, day: NaiveDate) -> Self {
        let mut events = Vec::new();
        let mut by_start: HashMap<u64, Vec<Headline>> = HashMap::new();
        for company in &COMPANIES {
            for (number, fact) in facts(seed, company, day).into_iter().enumerate() {
                let event = write(seed, company, day, number, &fact);
                for article in &event.articles {
                    let title = words(&article.title);
                    if title.len() >= START {
                        let headline = Headline { event: events.len(), title };
                        by_start.entry(key(&headline.title[..START])).or_default().push(headline);
                    }
                }
                events.push(Arc::new(event));
            }
        }
        Self { events, by_start }
    }
}

/// Events of a company on a day, in the order in which they were drawn.
pub(crate) fn facts(seed: u64, company: &Company, day: NaiveDate) -> Vec<Fact> {
    // The second share class and the index fund make no news of their own.
    if matches!(company.symbol, "GOOG" | "SPY") {
        return Vec::new();
    }
    let mut rng = chance(seed, &format!("events/{}", company.symbol), number_of(day));
    let count = if company.followed { rng.random_range(2..=3) } else { rng.random_range(0..=2) };
    let mut facts: Vec<Fact> = Vec::new();
    while facts.len() < count {
        let text = rng.random_range(0..PHRASES.len());
        if facts.iter().any(|f| PHRASES[f.text].event == PHRASES[text].event) {
            continue;
        }
        let strength: f64 = rng.random_range(0.4..1.0);
        let polarity = match PHRASES[text].sign {
            0 => (strength - 0.7) * 0.25,
            sign => f64::from(sign) * strength,
        };
        facts.push(Fact { at: moment(&mut rng, day), polarity, text, noise: None });
    }
    if company.followed && rng.random_bool(0.35) {
        let text = rng.random_range(0..EVERGREEN.len());
        let at = moment(&mut rng, day);
        facts.push(Fact { at, polarity: 0.0, text, noise: Some(Noise::Evergreen) });
    }
    if !company.namesakes.is_empty() && rng.random_bool(0.3) {
        let text = rng.random_range(0..company.namesakes.len());
        let at = moment(&mut rng, day);
        facts.push(Fact { at, polarity: 0.0, text, noise: Some(Noise::WrongTicker) });
    }
    facts
}

fn moment(rng: &mut ChaCha8Rng, day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::seconds(rng.random_range(0..86_400))
}

fn number_of(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce())
}

fn write(seed: u64, company: &Company, day: NaiveDate, number: usize, fact: &Fact) -> Event {
    let id = format!("{}-{day}-{number}", company.symbol);
    let mut rng = chance(seed, &format!("write/{id}"), number_of(day));
    let (a, b) = (rng.random_range(3..20), rng.random_range(21..98) * 10 + rng.random_range(1..9));
    let told = |text: &str| fill(text, company.name, company.product, a, b);
    let (kind, title, said) = match fact.noise {
        None => {
            let phrase = &PHRASES[fact.text];
            let said = format!("{} {}", company.listing(), told(phrase.said));
            (phrase.event, told(phrase.title), said)
        }
        Some(Noise::Evergreen) => {
            let said = format!(
                "A look at {}, its {} and what long-term investors might consider.",
                company.listing(),
                company.product
            );
            ("other", told(EVERGREEN[fact.text]), said)
        }
        Some(Noise::WrongTicker) => {
            let title = company.namesakes[fact.text].to_owned();
            let said = format!("{title}. The story was first told by a local paper.");
            ("other", title, said)
        }
    };
    let tellers = match fact.noise {
        None => 1 + (11.99 * rng.random::<f64>().powi(4)) as usize,
        Some(_) => 1,
    };
    let first = rng.random_range(0..OUTLETS.len());
    let mut published_at = fact.at;
    let articles = (0..tellers)
        .map(|k| {
            if k > 0 {
                published_at += TimeDelta::seconds(rng.random_range(120..7_200));
            }
            let outlet = &OUTLETS[(first + k * 5) % OUTLETS.len()];
            let edited = edit(&title, k, &mut rng);
            tell(outlet, &id, k, edited, &said, published_at, &mut rng)
        })
        .collect();
    Event {
        id,
        symbol: company.symbol,
        at: fact.at,
        polarity: fact.polarity,
        kind,
        noise: fact.noise,
        articles,
    }
}

/// A headline in the words of the k-th outlet; numbers and names stay the same.
fn edit(title: &str, k: usize, rng: &mut ChaCha8Rng) -> String {
    const SWAPS: [(&str, &str); 8] = [
        ("quarterly", "three-month"),
        ("raises", "hikes"),
        ("cuts", "lowers"),
        ("strong", "robust"),
        ("probe", "inquiry"),
        ("wins", "lands"),
        ("full-year", "annual"),
        ("unveils", "shows"),
    ];
    match k {
        0 => title.to_owned(),
        _ => match rng.random_range(0..5) {
            0 => format!("UPDATE 1-{title}"),
            1 => format!("{title}, company says"),
            2 => format!("BRIEF-{title}"),
            3 => SWAPS.iter().fold(title.to_owned(), |t, (from, to)| t.replace(from, to)),
            _ => title.to_owned(),
        },
    }
}

fn tell(
    outlet: &'static Outlet,
    id: &str,
    k: usize,
    title: String,
    said: &str,
    published_at: DateTime<Utc>,
    rng: &mut ChaCha8Rng,
) -> Article {
    const AUTHORS: [&str; 6] =
        ["Jane Doe", "R. Okafor", "Mei Tanaka", "Luis Ortega", "Anna Berg", "Sam Patel"];
    let filler = rng.random_range(0..FILLER.len());
    let full = format!("{said} {} {}", FILLER[filler], FILLER[(filler + 1) % FILLER.len()]);
    let cut: String = full.chars().take(200).collect();
    let more = rng.random_range(800..5_000);
    let slug: Vec<_> = words(&title).into_iter().take(9).collect();
    let mark = hash(format!("{id}/{k}").as_bytes(), 0xcbf2_9ce4_8422_2325) & 0xffff_ffff;
    let tail = if rng.random_bool(0.25) { "?utm_source=newsapi&utm_medium=feed" } else { "" };
    let author = rng.random_bool(0.7).then(|| AUTHORS[rng.random_range(0..AUTHORS.len())]);
    let content = format!("{cut}… [+{more} chars]");
    Article {
        outlet,
        author: author.map(str::to_owned),
        searchable: [&title, said, &content].map(searchable),
        url: format!("https://{}/markets/{}-{mark:08x}{tail}", outlet.domain, slug.join("-")),
        title,
        description: said.to_owned(),
        content,
        published_at,
    }
}
