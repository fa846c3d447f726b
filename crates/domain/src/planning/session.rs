//! Whether a plan has prices of the running session.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::calendar;

/// Time after the open by which a source of session prices has one, delayed by 15 minutes or not.
const FIRST_PRICES_WITHIN: TimeDelta = TimeDelta::minutes(30);
/// Time for which an answer is trusted that a plan has none.
const TRUSTED: TimeDelta = TimeDelta::days(30);

/// True unless the source answered inside a session with an older session's price, last at
/// `end_of_day_at`; after thirty days one request finds out whether the plan has changed.
pub fn has_session_quotes(end_of_day_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    end_of_day_at.is_none_or(|at| now - at >= TRUSTED)
}

/// What a quote of `trading_day`, received at `now`, says about the source: `Some(true)` if its prices
/// are those of completed sessions only, `None` if that cannot be told at this hour.
pub fn is_end_of_day(trading_day: NaiveDate, now: DateTime<Utc>) -> Option<bool> {
    let session = calendar::last_begun(now);
    let can_tell = calendar::is_open(now) && now - session.opens >= FIRST_PRICES_WITHIN;
    can_tell.then_some(trading_day < session.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(moment: &str) -> DateTime<Utc> {
        moment.parse().unwrap()
    }

    #[test]
    fn only_a_quote_inside_a_session_tells_an_end_of_day_plan() {
        let [friday, monday] = ["2026-11-20", "2026-11-23"].map(|day| day.parse().unwrap());
        assert_eq!(is_end_of_day(friday, at("2026-11-23T17:00:00Z")), Some(true));
        assert_eq!(is_end_of_day(monday, at("2026-11-23T17:00:00Z")), Some(false));
        assert_eq!(
            is_end_of_day(friday, at("2026-11-23T14:40:00Z")),
            None,
            "ten minutes after the open"
        );
        assert_eq!(is_end_of_day(friday, at("2026-11-22T17:00:00Z")), None, "a Sunday");
    }

    #[test]
    fn an_end_of_day_plan_is_asked_again_after_thirty_days() {
        let now = at("2026-11-23T17:00:00Z");
        let learned = |days| has_session_quotes(Some(now - TimeDelta::days(days)), now);
        assert_eq!((has_session_quotes(None, now), learned(29), learned(30)), (true, false, true));
    }
}
