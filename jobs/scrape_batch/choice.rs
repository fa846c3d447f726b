//! Choice of the symbols of a batch.

use bellwether_domain::{Symbol, calendar};
use chrono::{DateTime, TimeDelta, Utc};

use super::ROUND;
use crate::scrape_quotes::Need;

/// Factor on the age of a symbol with an open alert or a rule of its own.
const MATTERS: i32 = 3;
/// Age of data that was never fetched: staler than any other.
const FOR_EVER: TimeDelta = TimeDelta::days(36_500);

pub(super) struct Wanted {
    pub(super) symbol: Symbol,
    pub(super) need: Need,
    pub(super) seen_at: Option<DateTime<Utc>>,
    /// True if an open alert or a rule depends on it.
    pub(super) important: bool,
}

/// Age of a symbol's data, multiplied by the symbol's weight.
pub(super) fn staleness(
    seen_at: Option<DateTime<Utc>>,
    important: bool,
    now: DateTime<Utc>,
) -> TimeDelta {
    let waited = seen_at.map_or(FOR_EVER, |at| (now - at).max(TimeDelta::zero()));
    waited * if important { MATTERS } else { 1 }
}

/// Bars first, the stalest first. Quotes of a running session share what is left until its close,
/// however long it is today, after one call for each symbol's bar and `later` calls of others have
/// been put aside. `asked`: a caller waits for this round, so it gets a quote if any call is to
/// spare.
pub(super) fn choose(
    mut wanted: Vec<Wanted>,
    free: u32,
    later: u32,
    asked: bool,
    now: DateTime<Utc>,
) -> Vec<Symbol> {
    let reserve = wanted.len() as u32 + later;
    wanted.sort_by(|a, b| {
        let of = |w: &Wanted| staleness(w.seen_at, w.important, now);
        of(b).cmp(&of(a)).then_with(|| a.symbol.cmp(&b.symbol))
    });
    let of = |need: Need| wanted.iter().filter(move |w| w.need == need).map(|w| w.symbol.clone());

    let mut chosen: Vec<Symbol> = of(Need::Bars).take(free as usize).collect();
    let spare = (free - chosen.len() as u32).saturating_sub(reserve);
    let latest = wanted.iter().filter_map(|w| w.seen_at).max();
    let share = share_of(spare, latest, now).max(spare.min(asked.into()));
    chosen.extend(of(Need::Quote).take(share as usize));
    chosen
}

/// Share of this round in the spare calls. If there are fewer calls than rounds, a round gets one
/// once its part of the rest of the session has passed since the `latest`.
fn share_of(spare: u32, latest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u32 {
    if !calendar::is_open(now) {
        return spare;
    }
    let left = calendar::next_close(now) - now;
    let rounds = u32::try_from(left.num_minutes() / ROUND.num_minutes() + 1).unwrap_or(1);
    if spare == 0 || spare >= rounds {
        return spare.div_ceil(rounds);
    }
    let pace = left / i32::try_from(spare).unwrap_or(i32::MAX);
    u32::from(latest.is_none_or(|at| now - at + ROUND / 2 >= pace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(symbol: &str, need: Need, seen_at: Option<&str>) -> Wanted {
        let seen_at = seen_at.map(|at| at.parse().unwrap());
        Wanted { symbol: symbol.parse().unwrap(), need, seen_at, important: false }
    }

    fn names(chosen: &[Symbol]) -> Vec<&str> {
        chosen.iter().map(Symbol::as_str).collect()
    }

    const NOON: &str = "2026-11-23T17:00:00Z";

    #[test]
    fn what_was_never_seen_comes_first_and_what_is_current_not_at_all() {
        let wanted = vec![
            wanted("OLD", Need::Bars, Some("2026-11-20T15:00:00Z")),
            wanted("NEW", Need::Bars, None),
            wanted("DONE", Need::Nothing, None),
        ];
        assert_eq!(names(&choose(wanted, 10, 0, false, NOON.parse().unwrap())), ["NEW", "OLD"]);
    }

    #[test]
    fn no_more_is_asked_than_is_free() {
        let wanted = (0..30).map(|n| wanted(&format!("S{n}"), Need::Bars, None)).collect();
        assert_eq!(choose(wanted, 7, 0, false, NOON.parse().unwrap()).len(), 7);
    }

    #[test]
    fn quotes_of_a_session_leave_a_call_for_each_closing_bar() {
        let five = || ["A", "B", "C", "D", "E"].map(|s| wanted(s, Need::Quote, None)).into();
        // 4 h to go are 9 rounds; 20 of 25 calls are to spare
        assert_eq!(choose(five(), 25, 0, false, NOON.parse().unwrap()).len(), 3);
        assert_eq!(choose(five(), 5, 0, false, NOON.parse().unwrap()).len(), 0);
    }

    #[test]
    fn few_calls_are_spread_over_the_session_and_not_spent_in_the_morning() {
        let opens = calendar::session("2026-11-23".parse().unwrap()).unwrap().opens;
        let (mut spare, mut latest) = (5, Some(opens - TimeDelta::hours(17)));
        let mut asked = Vec::new();
        for round in 0..13 {
            let now = opens + ROUND * round;
            let share = share_of(spare, latest, now);
            if share > 0 {
                asked.push(round);
                latest = Some(now);
            }
            spare -= share;
        }
        assert_eq!((asked.as_slice(), spare), ([0, 3, 6, 8, 11].as_slice(), 0));
    }

    #[test]
    fn a_short_session_is_asked_about_more_often_an_hour() {
        let five = || ["A", "B", "C", "D", "E"].map(|s| wanted(s, Need::Quote, None)).into();
        // eleven in New York: two hours to go on the day after Thanksgiving, five on a full day
        let half_day = "2026-11-27T16:00:00Z".parse().unwrap();
        let full_day = "2026-11-30T16:00:00Z".parse().unwrap();
        assert_eq!(choose(five(), 25, 0, false, half_day).len(), 4);
        assert_eq!(choose(five(), 25, 0, false, full_day).len(), 2);
        assert_eq!(
            choose(five(), 25, 20, false, half_day).len(),
            0,
            "others will want what is left"
        );
    }

    #[test]
    fn what_matters_comes_first_but_does_not_starve_the_rest() {
        let seen = |symbol: &str, minutes: i64, important| Wanted {
            symbol: symbol.parse().unwrap(),
            need: Need::Quote,
            seen_at: Some(NOON.parse::<DateTime<Utc>>().unwrap() - TimeDelta::minutes(minutes)),
            important,
        };
        let noon = NOON.parse().unwrap();
        let first = |wanted: Vec<Wanted>| choose(wanted, 12, 0, false, noon)[0].to_string();
        assert_eq!(first(vec![seen("REST", 40, false), seen("MINE", 30, true)]), "MINE");
        assert_eq!(first(vec![seen("REST", 120, false), seen("MINE", 30, true)]), "REST");
    }
}
