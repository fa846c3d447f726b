//! Choice of the symbols whose running session is quoted.

use bellwether_domain::{Symbol, calendar};
use chrono::{DateTime, TimeDelta, Utc};

use super::ROUND;

/// Factor on the age of a symbol with an open alert or a rule of its own.
const MATTERS: i32 = 3;
/// Age of data that was never fetched: staler than any other.
const FOR_EVER: TimeDelta = TimeDelta::days(36_500);

pub(super) struct Wanted {
    pub(super) symbol: Symbol,
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

/// The stalest first. Quotes of a running session share the `spare` calls until its close, however long
/// it is today. `asked`: a caller waits for this round, so it gets a quote if any call is to spare.
pub(super) fn choose(
    mut wanted: Vec<Wanted>,
    spare: u32,
    asked: bool,
    now: DateTime<Utc>,
) -> Vec<Symbol> {
    wanted.sort_by(|a, b| {
        let of = |w: &Wanted| staleness(w.seen_at, w.important, now);
        of(b).cmp(&of(a)).then_with(|| a.symbol.cmp(&b.symbol))
    });
    let latest = wanted.iter().filter_map(|w| w.seen_at).max();
    let share = share_of(spare, latest, now).max(spare.min(asked.into()));
    wanted.into_iter().take(share as usize).map(|w| w.symbol).collect()
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

    const NOON: &str = "2026-11-23T17:00:00Z";

    fn wanted(symbol: &str, minutes: Option<i64>, important: bool) -> Wanted {
        let noon: DateTime<Utc> = NOON.parse().unwrap();
        let seen_at = minutes.map(|minutes| noon - TimeDelta::minutes(minutes));
        Wanted { symbol: symbol.parse().unwrap(), seen_at, important }
    }

    fn five() -> Vec<Wanted> {
        ["A", "B", "C", "D", "E"].map(|symbol| wanted(symbol, None, false)).into()
    }

    fn first(wanted: Vec<Wanted>) -> String {
        choose(wanted, 12, false, NOON.parse().unwrap())[0].to_string()
    }

    #[test]
    fn spare_calls_are_shared_by_the_rounds_until_the_close() {
        // 4 h to go are 9 rounds
        assert_eq!(choose(five(), 20, false, NOON.parse().unwrap()).len(), 3);
        assert_eq!(choose(five(), 0, true, NOON.parse().unwrap()).len(), 0);
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
        // eleven in New York: two hours to go on the day after Thanksgiving, five on a full day
        let half_day = "2026-11-27T16:00:00Z".parse().unwrap();
        let full_day = "2026-11-30T16:00:00Z".parse().unwrap();
        assert_eq!(choose(five(), 20, false, half_day).len(), 4);
        assert_eq!(choose(five(), 20, false, full_day).len(), 2);
    }

    #[test]
    fn important_symbols_come_first_but_do_not_starve_the_rest() {
        assert_eq!(
            first(vec![wanted("REST", Some(40), false), wanted("MINE", Some(30), true)]),
            "MINE"
        );
        assert_eq!(
            first(vec![wanted("REST", Some(120), false), wanted("MINE", Some(30), true)]),
            "REST"
        );
        assert_eq!(first(vec![wanted("SEEN", Some(120), true), wanted("NEW", None, false)]), "NEW");
    }
}
