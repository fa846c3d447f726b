//! Taking turns: decisions about one symbol that must not overlap, whoever makes them.

use bellwether_domain::Symbol;
use sqlx::PgConnection;

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The next signal, which depends on the label before it.
    Signal,
    /// What alerts become of what is known now.
    Alerts,
}

/// Waits until nobody else decides the same about a symbol, and keeps others waiting until the
/// end of the caller's transaction. Take it before reading anything: what is read after it is not
/// older than what the last one decided on.
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
