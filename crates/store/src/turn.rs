//! Taking turns: work that must not overlap, whoever does it.

use bellwether_domain::Symbol;
use sqlx::PgConnection;

/// Makes derivations of one symbol's signal take turns until the end of the caller's transaction,
/// so that each sees the label before it. Take it before reading anything.
pub async fn take(conn: &mut PgConnection, symbol: &Symbol) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('bellwether.signal/' || $1::text, 0))",
        symbol.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
