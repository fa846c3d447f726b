//! Advisory locks on decisions about one symbol that must not overlap.

use bellwether_domain::Symbol;
use sqlx::PgConnection;

/// The decision that is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The next signal, which depends on the label before it.
    Signal,
    /// The evaluation of alerts.
    Alerts,
}

/// Waits until no other transaction decides the same about a symbol, and holds the lock until the
/// end of the caller's transaction. Take it before reading anything: rows read after it are not
/// older than those of the last decision.
pub async fn take(conn: &mut PgConnection, turn: Turn, symbol: &Symbol) -> sqlx::Result<()> {
    let what = match turn {
        Turn::Signal => "signal",
        Turn::Alerts => "alerts",
    };
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('bellwether.' || $1::text || '/' || $2::text, 0))",
        what,
        symbol.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
