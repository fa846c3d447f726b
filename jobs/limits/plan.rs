//! A provider's plan, read from one line of text.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use bellwether_providers::catalog::{self, Entry, Serves};
use bellwether_queue::limits::{Dimension, Period, Unit, Window};

/// The windows of a plan, such as `15/1m, 250000 tokens/1m, 500/day America/Los_Angeles` or `2.50
/// usd/month UTC`: an amount of requests, tokens or US dollars, and either a rolling period (`ms`,
/// `s`, `m`, `h`) or a period of a calendar in a zone. A day whose start at the provider is unknown
/// counts as 25 hours, the longest day of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(Vec<Window>);

const LONGEST: Duration = Duration::from_hours(24 * 3_660);

/// The plans of all providers, by name.
#[derive(Clone, Debug)]
pub struct Plans {
    plans: BTreeMap<&'static str, Plan>,
    /// Of all models of a provider together.
    accounts: BTreeMap<&'static str, Plan>,
}

impl Default for Plans {
    /// The plans of the catalog.
    fn default() -> Self {
        let plans = catalog::ALL.into_iter().map(|entry| (entry.name, of_catalog(entry.plan)));
        Self { plans: plans.collect(), accounts: BTreeMap::new() }
    }
}

fn of_catalog(plan: &str) -> Plan {
    plan.parse().expect("a plan of the catalog is well formed")
}

impl Plans {
    /// Sets the plan of a provider, which is then that of each of its models.
    pub fn set(&mut self, entry: &'static Entry, plan: Plan) {
        self.plans.insert(entry.name, plan);
    }

    /// Limits all models of a provider together.
    pub fn set_account(&mut self, entry: &'static Entry, plan: Plan) {
        self.accounts.insert(entry.name, plan);
    }

    pub(super) fn of(&self, entry: &Entry) -> &Plan {
        &self.plans[entry.name]
    }

    pub(super) fn of_account(&self, entry: &Entry) -> Option<&Plan> {
        self.accounts.get(entry.name)
    }

    /// Limits of a model: each family has its own free plan, unless a plan is set.
    pub(super) fn of_model(&self, entry: &Entry, model: &str) -> Plan {
        let own = self.of(entry);
        let Serves::Models(models) = entry.serves else { return own.clone() };
        match (models.plan)(model) {
            Some(family) if *own == of_catalog(entry.plan) => of_catalog(family),
            _ => own.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{window}` is no window of a plan: {problem}; one is `15/1m`, `250000 tokens/1m`, `500/day America/Los_Angeles` or `2.50 usd/month UTC`"
)]
pub struct PlanError {
    window: String,
    problem: &'static str,
}

impl Plan {
    /// Multiplies the amounts of requests and tokens; none becomes less than one.
    pub(super) fn scaled(&self, factor: f64) -> Vec<Window> {
        let scale = |window: &Window| {
            if window.dimension == Dimension::Money {
                return window.clone();
            }
            let amount = (window.amount as f64 * factor).round().max(1.0) as u64;
            Window { amount, ..window.clone() }
        };
        self.0.iter().map(scale).collect()
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        text.split(',').map(window).collect::<Result<Vec<_>, _>>().map(Self)
    }
}

fn window(text: &str) -> Result<Window, PlanError> {
    let text = text.trim();
    let refuse = |problem| PlanError { window: text.to_owned(), problem };
    let (amount, period) = text.split_once('/').ok_or(refuse("it has no period"))?;
    let mut words = amount.split_whitespace();
    let number = words.next().ok_or(refuse("it has no amount"))?;
    let dimension = match words.next().map(str::to_lowercase).as_deref() {
        None | Some("requests") => Dimension::Requests,
        Some("tokens") => Dimension::Tokens,
        Some("usd") => Dimension::Money,
        Some(_) => return Err(refuse("amounts are requests, tokens or usd")),
    };
    let amount = match dimension {
        Dimension::Money => {
            let dollars: f64 = number.parse().map_err(|_| refuse("the amount is no number"))?;
            (dollars * 1e6).round() as u64
        }
        _ => number.parse().map_err(|_| refuse("the amount is no whole number"))?,
    };
    if amount == 0 || words.next().is_some() {
        return Err(refuse("the amount allows nothing"));
    }
    let period = period_of(period.trim()).ok_or(refuse("the period is neither"))?;
    Ok(Window { dimension, amount, period })
}

/// `None` also if a word is left over: half of a misread plan would be no limit.
fn period_of(text: &str) -> Option<Period> {
    let mut words = text.split_whitespace();
    let (first, zone) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    let unit = match (first, zone) {
        ("minute", _) => Unit::Minute,
        ("hour", _) => Unit::Hour,
        ("day", _) => Unit::Day,
        ("month", _) => Unit::Month,
        (length, None) => return rolling(length),
        _ => return None,
    };
    Some(Period::Calendar { unit, zone: zone.unwrap_or("UTC").to_owned() })
}

/// At most ten years, which no plan exceeds.
fn rolling(length: &str) -> Option<Period> {
    let digits = length.find(|c: char| !c.is_ascii_digit())?;
    let n: u64 = length[..digits].parse().ok().filter(|n| *n > 0)?;
    let ms = match &length[digits..] {
        "ms" => n,
        "s" => n.checked_mul(1_000)?,
        "m" => n.checked_mul(60_000)?,
        "h" => n.checked_mul(3_600_000)?,
        _ => return None,
    };
    let length = Duration::from_millis(ms);
    (length <= LONGEST).then_some(Period::Rolling(length))
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, window) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            match window.dimension {
                Dimension::Requests => write!(f, "{comma}{}/", window.amount)?,
                Dimension::Tokens => write!(f, "{comma}{} tokens/", window.amount)?,
                Dimension::Money => write!(f, "{comma}{} usd/", window.amount as f64 / 1e6)?,
            }
            match &window.period {
                Period::Rolling(length) => {
                    let ms = length.as_millis();
                    let (n, unit) = match ms {
                        ms if ms % 3_600_000 == 0 => (ms / 3_600_000, "h"),
                        ms if ms % 60_000 == 0 => (ms / 60_000, "m"),
                        ms if ms % 1_000 == 0 => (ms / 1_000, "s"),
                        ms => (ms, "ms"),
                    };
                    write!(f, "{n}{unit}")?;
                }
                Period::Calendar { unit, zone } => write!(f, "{} {zone}", unit.as_str())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_as_it_is_written() {
        let long = "500/day America/Los_Angeles, 2.5 usd/month UTC";
        for text in catalog::ALL.into_iter().map(|entry| entry.plan).chain([long]) {
            let plan: Plan = text.parse().unwrap();
            assert_eq!(plan.to_string(), text);
        }
        let plan: Plan = " 15 requests/60s , 2.50 usd/day ".parse().unwrap();
        assert_eq!(plan.0[0], Window::requests(15, Duration::from_mins(1)));
        assert_eq!(plan.0[1], Window::calendar(Dimension::Money, 2_500_000, Unit::Day, "UTC"));
    }

    #[test]
    fn what_is_no_plan_is_refused_with_an_example() {
        let odd = [
            "",
            "15",
            "15/",
            "0/1m",
            "x/1m",
            "15/1d",
            "15/0s",
            "1.5/1m",
            "15 apples/1m",
            "15/1m America/Los_Angeles",
            "15/day America/Los_Angeles 25h",
            "15/99999999999999999999h",
            "15/9999999999999999h",
            "NaN usd/month",
            "-1 usd/month",
            "15/1m,",
        ];
        for text in odd {
            let error = text.parse::<Plan>().unwrap_err().to_string();
            assert!(error.contains("15/1m"), "{error}");
        }
    }

    #[test]
    fn each_family_of_models_has_its_own_free_plan_and_a_plan_that_is_set_is_for_all() {
        let gemini = Entry::find("gemini").unwrap();
        let of = |plans: &Plans, model: &str| plans.of_model(gemini, model).to_string();
        let mut plans = Plans::default();
        for model in ["gemini-3.5-flash-lite", "gemini-flash-lite-latest"] {
            assert_eq!(of(&plans, model), gemini.plan);
        }
        let flash = "5/1m, 250000 tokens/1m, 20/25h";
        assert_eq!(of(&plans, "gemini-3.6-flash"), flash);
        assert_eq!(of(&plans, "gemini-3.1-pro"), flash);
        assert_eq!(of(&plans, "gemma-4-31b-it"), "30/1m, 16000 tokens/1m, 14400/25h");
        plans.set(gemini, "1000/1m".parse().unwrap());
        assert_eq!(of(&plans, "gemini-3.6-flash"), "1000/1m");
    }

    #[test]
    fn scaling_leaves_money_alone_and_something_of_everything() {
        let plan: Plan = "15/1m, 2 usd/day UTC".parse().unwrap();
        let amounts: Vec<u64> = plan.scaled(0.01).iter().map(|w| w.amount).collect();
        assert_eq!(amounts, [1, 2_000_000]);
        assert_eq!(plan.scaled(2.0)[0].amount, 30);
    }
}
