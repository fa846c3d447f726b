//! The database as the queue's statements use it: directly, or through a transaction pooler.

use std::{io, time::Duration};

use futures_util::{
    FutureExt, StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    Connection, Describe, Either, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    Transaction,
    error::BoxDynError,
    pool::PoolConnection,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo, types::PgInterval},
};
use tokio::time::timeout;

/// Opens a transaction through a pooler. Inside a transaction sqlx prepares statements by name,
/// every client counts from the same first name, and the names outlive the transaction on the
/// server's connection: the next client on that connection must deallocate them first. Session
/// settings would apply to all clients of the connection, so [`SETTINGS`] are set for the
/// transaction. A statement ends within a second after its client has left: the pooler then closes the
/// server's connection, which a server on Linux notices. One round trip, as a plain `begin`.
const BEGIN_POOLED: &str = "begin; deallocate all; set local statement_timeout = '60s'; \
    set local lock_timeout = '30s'; set local idle_in_transaction_session_timeout = '60s'; set local jit = off; \
    select set_config('client_connection_check_interval', '1s', true) where version() like '%linux%'";

/// Settings of every connection of [`Db::direct`], and of every transaction of [`Db::pooled`]. The
/// timeouts end a session that hangs, waits or leaves a transaction open, before it blocks other
/// processes; compiling small statements (`jit`) costs more than it saves.
pub const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("jit", "off"),
];

/// Time to wait for a statement's answer; the server's timeouts end its work well before. Without
/// this, a client does not notice that the server, or the network to it, is gone without closing
/// the connection.
const PATIENCE: Duration = Duration::from_secs(70);

/// A pool of connections, and how statements may use it. Clones share the pool, and `&Db` is a
/// [`sqlx::Executor`] wherever `&PgPool` is one.
///
/// Through a pooler in transaction mode (`PgBouncer`), two round trips of one client may meet two
/// servers. sqlx prepares and binds in two, so [`Db::pooled`] runs each statement in a transaction
/// of its own: begun, run to its end and committed before the first row is returned. An error of
/// the commit is the statement's error, and a caller that stops waiting leaves no transaction open.
///
/// There is no `acquire`: code that needs one connection for several statements uses a transaction.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    pooled: bool,
    patience: Duration,
}

impl Db {
    /// Takes a pool whose connections are sessions of the server. Connections opened from now on
    /// have the [`SETTINGS`], except those that the pool's own options set.
    pub fn direct(pool: PgPool) -> Self {
        let options = pool.connect_options().as_ref().clone();
        let own = options.get_options().unwrap_or_default().to_owned();
        let sets = |name: &str| {
            let mut words = own.split_whitespace().map(|word| word.trim_start_matches("-c"));
            words.any(|word| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
        };
        let missing = SETTINGS.into_iter().filter(|(name, _)| !sets(name));
        pool.set_connect_options(options.options(missing));
        Self::without_settings(pool)
    }

    /// As [`Db::direct`], with only the pool's own settings: without a timeout of its own, a wait
    /// has no limit.
    pub fn without_settings(pool: PgPool) -> Self {
        Self { pool, pooled: false, patience: PATIENCE }
    }

    /// Takes a pool whose connections lead to a transaction pooler. The pool must have opened none
    /// yet (`connect_lazy_with`): they are opened without a statement cache, and without the
    /// startup parameter that `PgBouncer` refuses unless it is configured to ignore it.
    pub fn pooled(pool: PgPool) -> Self {
        let options = pool.connect_options().as_ref().clone();
        pool.set_connect_options(options.statement_cache_capacity(0).extra_float_digits(None));
        Self { pool, pooled: true, patience: PATIENCE }
    }

    /// Sets the time to wait for a statement's answer, 70 s by default; it must exceed the server's
    /// `statement_timeout`. After it the connection is closed, and the statement fails with
    /// `sqlx::Error::Io`, timed out: it is unknown if it took effect.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the same database with a pool of its own, whose connections are opened on demand.
    pub(crate) fn sibling(&self, connections: u32) -> Self {
        let options = self.pool.options().clone().min_connections(0).max_connections(connections);
        let pool = options.connect_lazy_with(self.pool.connect_options().as_ref().clone());
        Self { pool, pooled: self.pooled, patience: self.patience }
    }

    /// True if a transaction pooler stands in between.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Begins a transaction; dropped without a commit, it is rolled back.
    ///
    /// It begins in a task of its own: a `begin` that is dropped halfway would return a connection
    /// to the pool inside an open transaction, and later statements on it would not be committed.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let Self { pool, pooled, patience } = self.clone();
        let begun = tokio::spawn(async move {
            if pooled { pool.begin_with(BEGIN_POOLED).await } else { pool.begin().await }
        });
        let begun = timeout(patience, begun).await.map_err(|_| silence())?;
        begun.map_err(|e| sqlx::Error::Io(io::Error::other(e)))?
    }

    /// The pool itself, for its figures and settings. A statement sent to it directly fails through
    /// a pooler.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl From<PgPool> for Db {
    /// As [`Db::direct`].
    fn from(pool: PgPool) -> Self {
        Self::direct(pool)
    }
}

/// A statement taken out of its query, to be prepared without a name.
struct Once {
    sql: SqlStr,
    arguments: Option<PgArguments>,
}

impl Once {
    fn of<'q>(mut query: impl Execute<'q, Postgres>) -> sqlx::Result<Self> {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode)?;
        Ok(Self { sql: query.sql(), arguments })
    }
}

impl Execute<'_, Postgres> for Once {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        false
    }
}

type Steps = Vec<Either<PgQueryResult, PgRow>>;

fn silence() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the database has not answered for too long").into()
}

impl Db {
    /// Runs `ask` on a connection of the pool; through a pooler in a transaction, which is
    /// committed before the answer is returned.
    async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let mut asked = Asked { conn: self.pool.acquire().await?, answered: false };
        let conn = &mut asked.conn;
        let steps = async {
            if !self.pooled {
                return ask(conn).await;
            }
            let mut tx = conn.begin_with(BEGIN_POOLED).await?;
            let answer = ask(&mut tx).await?;
            tx.commit().await?;
            Ok(answer)
        };
        let answer = timeout(self.patience, steps).await.map_err(|_| silence())?;
        asked.answered = true;
        answer
    }
}

/// A connection with a pending answer. If the caller stops waiting for it, it is closed: it may be
/// silent, or inside a transaction that would stay open.
struct Asked {
    conn: PoolConnection<Postgres>,
    answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.answered {
            self.conn.close_on_drop();
        }
    }
}

impl<'c> Executor<'c> for &'_ Db {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let db = self.clone();
        let steps: BoxFuture<'e, sqlx::Result<Steps>> = if db.pooled {
            let once = Once::of(query);
            async move {
                let once = once?;
                db.ask(async |conn| conn.fetch_many(once).try_collect().await).await
            }
            .boxed()
        } else {
            async move { db.ask(async |conn| conn.fetch_many(query).try_collect().await).await }
                .boxed()
        };
        stream::once(steps)
            .flat_map(|steps| match steps {
                Ok(steps) => stream::iter(steps).map(Ok).left_stream(),
                Err(e) => stream::iter([Err(e)]).right_stream(),
            })
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let db = self.clone();
        if !db.pooled {
            return async move { db.ask(async |conn| conn.fetch_optional(query).await).await }
                .boxed();
        }
        let once = Once::of(query);
        async move {
            let once = once?;
            db.ask(async |conn| conn.fetch_optional(once).await).await
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        let db = self.clone();
        async move { db.ask(async |conn| conn.prepare_with(sql, parameters).await).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        let db = self.clone();
        async move { db.ask(async |conn| conn.describe(sql).await).await }.boxed()
    }
}

pub(crate) fn interval(d: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(d.as_micros()).unwrap_or(i64::MAX / 2),
    }
}
