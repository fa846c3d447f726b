//! The database as the queue's statements reach it: straight, or through a transaction pooler.

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
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::timeout;

/// Opens a transaction through a pooler. Statements inside a transaction are prepared by name, by
/// every client from the same first name on, and outlive it on the server's connection: whoever is
/// given that connection next begins by forgetting them. Settings of a session would be everybody's,
/// so [`SETTINGS`] are set here. One round trip, as a plain `begin`.
const BEGIN_POOLED: &str = "begin; deallocate all; set local statement_timeout = '60s'; \
    set local lock_timeout = '30s'; set local idle_in_transaction_session_timeout = '60s'; set local jit = off";

/// Settings to open a direct connection with (`PgConnectOptions::options`): whoever hangs, waits or
/// forgets to end a transaction is ended himself before he keeps others from their work, and small
/// statements are not compiled. Through a pooler every transaction has them.
pub const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("jit", "off"),
];

/// How long a statement's answer is waited for: the server ends its work well before. Nothing else
/// notices that a server, or the way to it, has gone without a word.
const PATIENCE: Duration = Duration::from_secs(70);

/// A pool of connections, and how statements may use it. Clones share the pool, and `&Db` is a
/// [`sqlx::Executor`] wherever `&PgPool` is one.
///
/// Through a pooler in transaction mode (`PgBouncer`), two round trips of one client may meet two
/// servers. sqlx prepares and binds in two, so [`Db::pooled`] runs each statement in a transaction
/// of its own: begun, run to its end and committed before the first row is handed out. An error of
/// the commit is the statement's error, and whoever stops waiting leaves no transaction open.
///
/// There is no `acquire`: what needs one connection for several statements takes a transaction.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    pooled: bool,
    patience: Duration,
}

impl Db {
    /// Every connection of the pool is one server process for as long as it lives.
    pub fn direct(pool: PgPool) -> Self {
        Self { pool, pooled: false, patience: PATIENCE }
    }

    /// The pool's connections lead to a transaction pooler. Hand in a pool that has opened none yet
    /// (`connect_lazy_with`): they are opened without a statement cache, and with no parameter that
    /// `PgBouncer` refuses unless it is told to ignore it.
    pub fn pooled(pool: PgPool) -> Self {
        let options = pool.connect_options().as_ref().clone();
        pool.set_connect_options(options.statement_cache_capacity(0).extra_float_digits(None));
        Self { pool, pooled: true, patience: PATIENCE }
    }

    /// How long the answer to a statement is waited for, 70 s unless told otherwise: longer than the
    /// server's own `statement_timeout`. After that its connection is closed, and the statement ends
    /// as `sqlx::Error::Io`, timed out: whether it took effect is not known.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether a transaction pooler stands in between.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Begins a transaction; dropped without a commit it is rolled back.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let begin = async {
            if self.pooled {
                self.pool.begin_with(BEGIN_POOLED).await
            } else {
                self.pool.begin().await
            }
        };
        timeout(self.patience, begin).await.map_err(|_| silence())?
    }

    /// The pool itself, for its figures and settings. A statement sent to it past this type does
    /// not work through a pooler.
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
    /// Waits for the answer on a connection of its own. One that still owes an answer is closed, not
    /// given to somebody else.
    async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let mut conn = self.pool.acquire().await?;
        if let Ok(answer) = timeout(self.patience, ask(&mut conn)).await {
            return answer;
        }
        conn.close_on_drop();
        Err(silence())
    }

    /// As [`Db::ask`], in a transaction that is committed before the answer is handed out.
    async fn ask_pooled<T>(
        &self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        self.ask(async |conn| {
            let mut tx = conn.begin_with(BEGIN_POOLED).await?;
            let answer = ask(&mut tx).await?;
            tx.commit().await?;
            Ok(answer)
        })
        .await
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
                db.ask_pooled(async |conn| conn.fetch_many(once).try_collect().await).await
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
            db.ask_pooled(async |conn| conn.fetch_optional(once).await).await
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
        if !self.pooled {
            return self.pool.prepare_with(sql, parameters);
        }
        let db = self.clone();
        async move {
            let mut tx = db.begin().await?;
            let statement = tx.prepare_with(sql, parameters).await?;
            tx.commit().await?;
            Ok(statement)
        }
        .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        if !self.pooled {
            return self.pool.describe(sql);
        }
        let db = self.clone();
        async move {
            let mut tx = db.begin().await?;
            let described = tx.describe(sql).await?;
            tx.commit().await?;
            Ok(described)
        }
        .boxed()
    }
}
