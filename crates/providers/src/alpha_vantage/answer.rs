//! Classes of answers of Alpha Vantage: data, or one of ten refusals with HTTP 200.

use std::time::Duration;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{Bar, Quote};
use crate::error::Scope;

/// Class of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Class {
    /// The data: an object that is not empty, or a list.
    Data(Value),
    Throttled {
        scope: Scope,
        wait: Option<Duration>,
    },
    BadKey,
    Refused(&'static str),
    Unusable(&'static str),
    Transient,
}

/// A plan without a feature that a parameter asks for.
pub(super) const ENTITLEMENT_PARAM: &str = "entitlement_param";

/// Classifies an answer that should hold `name`. An answer without it is never a success; the
/// wording only selects the error. The order matters: the burst notice names the daily limit too,
/// and a notice about a wrong key mentions limits.
pub fn classify(status: u16, body: &str, name: &str) -> Class {
    let answer: Option<Value> = serde_json::from_str(body).ok();
    let fields = answer.as_ref().and_then(Value::as_object);
    if (200..300).contains(&status)
        && let Some(data) = fields.and_then(|fields| fields.get(name))
    {
        match data {
            Value::Object(fields) if fields.is_empty() => return Class::Refused("unknown_symbol"),
            Value::Object(_) | Value::Array(_) => return Class::Data(data.clone()),
            _ => {}
        }
    }
    if let Some(class) = fields.and_then(notice) {
        return class;
    }
    match status {
        200..300 if fields.is_some_and(Map::is_empty) => Class::Unusable("no_data"),
        200..300 if body.trim_start().starts_with('<') => Class::Unusable("html"),
        200..300 => Class::Unusable("schema_drift"),
        300..=399 => Class::Unusable("redirect"),
        429 => Class::Throttled { scope: Scope::Unknown, wait: None },
        401 => Class::BadKey,
        403 => Class::Unusable("forbidden"),
        408 | 500.. => Class::Transient,
        _ => Class::Refused("bad_request"),
    }
}

/// The table of notices, in its order.
fn notice(fields: &Map<String, Value>) -> Option<Class> {
    let text = |name: &str| {
        fields.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase()
    };
    let (information, note, error) = (text("Information"), text("Note"), text("Error Message"));
    let told = |test: fn(&str) -> bool| test(&information) || test(&note);
    let throttled = |scope, wait| Class::Throttled { scope, wait };

    let class = if told(|t| t.contains("(1 request per second)")) {
        // spacing of two seconds was found reliable where one was not
        throttled(Scope::Burst, Some(Duration::from_secs(2)))
    } else if told(|t| {
        t.contains("detected your api key") || t.starts_with("our standard api rate limit")
    }) {
        // the hour at which the provider's day begins is not documented
        throttled(Scope::Day, None)
    } else if told(|t| t.contains("calls per minute")) {
        throttled(Scope::Minute, Some(Duration::from_mins(1)))
    } else if information.contains("outputsize=full") && information.contains("premium") {
        Class::Refused(ENTITLEMENT_PARAM)
    } else if information.contains("this is a premium endpoint") {
        Class::Refused("entitlement_endpoint")
    } else if information.contains("demo") && information.contains("for demo purposes")
        || [&error, &information].iter().any(|t| t.contains("apikey is invalid or missing"))
    {
        Class::BadKey
    } else if information.starts_with("invalid inputs") {
        Class::Refused("bad_request")
    } else if error.contains("invalid api call") {
        Class::Refused("unknown_symbol")
    } else {
        return None;
    };
    Some(class)
}

/// A quote; the error names the field that does not fit.
pub(super) fn quote(data: &Map<String, Value>, asked: &str) -> Result<Quote, String> {
    let symbol = text(data, "01. symbol").ok_or("01. symbol is missing")?;
    if !symbol.eq_ignore_ascii_case(asked) {
        return Err("01. symbol is not the one asked for".into());
    }
    Ok(Quote {
        symbol: asked.to_owned(),
        trading_day: text(data, "07. latest trading day")
            .and_then(day)
            .ok_or("07. latest trading day is not a date")?,
        price: required(data, "05. price", price)?,
        open: optional(data, "02. open", price)?,
        high: optional(data, "03. high", price)?,
        low: optional(data, "04. low", price)?,
        previous_close: optional(data, "08. previous close", price)?,
        volume: optional(data, "06. volume", volume)?,
    })
}

/// Bars, oldest first; one invalid bar makes the whole answer unusable, because a hole in a series
/// looks like a halted day.
pub(super) fn bars(data: &Map<String, Value>) -> Result<Vec<Bar>, String> {
    let mut bars = data
        .iter()
        .map(|(date, bar)| {
            let bar = bar.as_object().ok_or("a day is not an object")?;
            let bar = Bar {
                day: day(date).ok_or("a day is not a date")?,
                open: required(bar, "1. open", price)?,
                high: required(bar, "2. high", price)?,
                low: required(bar, "3. low", price)?,
                close: required(bar, "4. close", price)?,
                volume: required(bar, "5. volume", volume)?,
            };
            if bar.low > bar.high {
                return Err(format!("{date}: low is above high"));
            }
            Ok(bar)
        })
        .collect::<Result<Vec<_>, String>>()?;
    bars.sort_by_key(|bar| bar.day);
    Ok(bars)
}

/// A value that is present: the provider writes "None", "-" or "" for a missing one.
fn text<'a>(data: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    data.get(name)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|v| !matches!(*v, "" | "-" | "None"))
}

fn optional<T>(
    data: &Map<String, Value>,
    name: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, String> {
    match (text(data, name), data.get(name)) {
        (Some(value), _) => parse(value).map(Some).ok_or_else(|| format!("{name} is not a number")),
        (None, None | Some(Value::Null | Value::String(_))) => Ok(None),
        (None, Some(_)) => Err(format!("{name} is not a text")),
    }
}

fn required<T>(
    data: &Map<String, Value>,
    name: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, String> {
    optional(data, name, parse)?.ok_or_else(|| format!("{name} is missing"))
}

/// Digits with at most one point, above zero: no sign, no exponent, no separators.
fn price(text: &str) -> Option<Decimal> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    Decimal::from_str_exact(text).ok().filter(|price| *price > Decimal::ZERO)
}

fn volume(text: &str) -> Option<i64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(body: &str, name: &str) -> Map<String, Value> {
        match classify(200, body, name) {
            Class::Data(Value::Object(data)) => data,
            class => panic!("{class:?}"),
        }
    }

    fn ibm() -> Map<String, Value> {
        data(include_str!("../../tests/fixtures/alpha_vantage/quote.json"), "Global Quote")
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_observation_date_of_a_quote_is_field_07() {
        let quote = quote(&ibm(), "IBM").unwrap();
        assert_eq!(quote.trading_day, NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
        assert_eq!(quote.price, decimal("259.44"));
        assert_eq!(quote.volume, Some(3_120_933));
        assert_eq!(quote.previous_close, Some(decimal("257.01")));
    }

    #[test]
    fn a_value_that_is_not_there_is_none_or_makes_the_quote_unusable() {
        for nothing in [Some("None"), Some("-"), Some(""), Some(" "), None] {
            for (field, wanted) in [
                ("02. open", false),
                ("03. high", false),
                ("06. volume", false),
                ("08. previous close", false),
                ("05. price", true),
                ("07. latest trading day", true),
                ("01. symbol", true),
            ] {
                let mut data = ibm();
                match nothing {
                    Some(text) => data.insert(field.into(), text.into()),
                    None => data.remove(field),
                };
                let quote = quote(&data, "IBM");
                assert_eq!(quote.is_err(), wanted, "{field} {nothing:?}: {quote:?}");
                if field == "02. open" {
                    assert_eq!(quote.unwrap().open, None);
                }
            }
        }
    }

    #[test]
    fn a_value_that_is_no_plain_number_makes_a_quote_unusable() {
        for odd in ["1e3", "+5", "-5", "0", "1,000.5", "NaN", "5.", ".5", "five", "0x10"] {
            let mut data = ibm();
            data.insert("05. price".into(), odd.into());
            assert!(quote(&data, "IBM").is_err(), "price {odd}");
            let mut data = ibm();
            data.insert("02. open".into(), odd.into());
            assert!(quote(&data, "IBM").is_err(), "open {odd}");
        }
        let mut data = ibm();
        data.insert("05. price".into(), 259.44.into());
        assert!(quote(&data, "IBM").is_err(), "a number where texts are promised");
        assert!(quote(&ibm(), "AAPL").is_err(), "another symbol's quote");
    }

    #[test]
    fn bars_come_oldest_first_and_all_or_none() {
        let body = include_str!("../../tests/fixtures/alpha_vantage/daily.json");
        let name = "Time Series (Daily)";
        let found = bars(&data(body, name)).unwrap();
        let days: Vec<_> = found.iter().map(|bar| bar.day.to_string()).collect();
        assert_eq!(days, ["2026-11-19", "2026-11-20"]);
        assert_eq!(found[1].close, decimal("259.44"));
        assert!(bars(&data(&body.replace("257.01", "None"), name)).is_err());
        assert!(bars(&data(&body.replace("255.10", "299.10"), name)).is_err(), "low above high");
        assert!(bars(&data(&body.replace("2026-11-19", "19.11.2026"), name)).is_err());
    }
}
