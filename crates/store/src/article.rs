//! Articles, the symbols they concern, and those that were dropped.

use bellwether_domain::Symbol;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::column::{Word, texts};

/// An article as it arrives, cleaned.
#[derive(Clone, Debug)]
pub struct NewArticle {
    pub canonical_url: String,
    pub url: String,
    pub title: String,
    pub description: Option<String>,
    pub content: Option<String>,
    pub source: String,
    pub provider: String,
    pub language: Option<String>,
    pub published_at: DateTime<Utc>,
    pub fingerprint: Value,
    pub simhash: i64,
    pub title_hash: String,
    pub flags: Vec<String>,
}

/// An article as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Article {
    pub id: i64,
    pub canonical_url: String,
    pub url: String,
    pub title: String,
    pub description: Option<String>,
    pub content: Option<String>,
    pub source: String,
    pub provider: String,
    pub language: Option<String>,
    pub published_at: DateTime<Utc>,
    pub first_seen_at: DateTime<Utc>,
    /// Time from which a decision may use it.
    pub available_at: DateTime<Utc>,
    pub cluster_id: i64,
    pub flags: Vec<String>,
}

/// Result of [`add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    pub id: i64,
    pub cluster_id: i64,
    /// True if it began a story and represents it.
    pub first: bool,
}

/// Adds an article to a story, or as the first of its own, unless its address is known. The
/// caller holds [`crate::cluster::lock`].
pub async fn add(
    conn: &mut PgConnection,
    article: &NewArticle,
    story: Option<i64>,
) -> sqlx::Result<Option<Added>> {
    if !find_known(&mut *conn, std::slice::from_ref(&article.canonical_url)).await?.is_empty() {
        return Ok(None);
    }
    let cluster_id = match story {
        Some(id) => id,
        None => {
            sqlx::query_scalar!(
                "insert into cluster (first_published_at) values ($1) returning id",
                article.published_at,
            )
            .fetch_one(&mut *conn)
            .await?
        }
    };
    let id = sqlx::query_scalar!(
        "insert into article (canonical_url, url, title, description, content, source, provider,
                              language, published_at, cluster_id, fingerprint, simhash, title_hash,
                              flags)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id",
        article.canonical_url,
        article.url,
        article.title,
        article.description,
        article.content,
        article.source,
        article.provider,
        article.language,
        article.published_at,
        cluster_id,
        article.fingerprint,
        article.simhash,
        article.title_hash,
        &article.flags,
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "update cluster
         set first_published_at = least(first_published_at, $3),
             representative = coalesce(representative, $2)
         where id = $1 and (representative is null or first_published_at > $3)",
        cluster_id,
        id,
        article.published_at,
    )
    .execute(&mut *conn)
    .await?;
    Ok(Some(Added { id, cluster_id, first: story.is_none() }))
}

/// Those of these canonical addresses that are known, with the ids of their articles.
pub async fn find_known(
    db: impl PgExecutor<'_>,
    canonical_urls: &[String],
) -> sqlx::Result<Vec<(String, i64)>> {
    let known = sqlx::query!(
        "select canonical_url, id from article where canonical_url = any ($1)",
        canonical_urls,
    )
    .fetch_all(db)
    .await?;
    Ok(known.into_iter().map(|row| (row.canonical_url, row.id)).collect())
}

/// Links an article to the symbols it concerns, as far as they are known instruments, and keeps
/// the links it has; returns the newly linked ones by symbol.
pub async fn link(
    db: impl PgExecutor<'_>,
    article: i64,
    mentions: &[(Symbol, f64)],
) -> sqlx::Result<Vec<Symbol>> {
    let (symbols, relevance): (Vec<Symbol>, Vec<f64>) = mentions.iter().cloned().unzip();
    let mut linked = sqlx::query_scalar!(
        r#"insert into article_symbol (article_id, symbol, relevance, published_at)
           select a.id, i.symbol, given.relevance, a.published_at
           from unnest($2::text[], $3::float8[]) as given (symbol, relevance)
           join instrument i on i.symbol = given.symbol
           join article a on a.id = $1
           order by i.symbol
           on conflict do nothing
           returning symbol as "symbol: Word<Symbol>""#,
        article,
        &texts(&symbols),
        &relevance,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Symbol::from)
    .collect::<Vec<_>>();
    linked.sort();
    Ok(linked)
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Article>> {
    sqlx::query_as!(
        Article,
        r#"select id, canonical_url, url, title, description, content, source, provider, language,
                  published_at, first_seen_at, available_at as "available_at!", cluster_id, flags
           from article where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// The symbols an article concerns, most relevant first.
pub async fn list_symbols(
    db: impl PgExecutor<'_>,
    article: i64,
) -> sqlx::Result<Vec<(Symbol, f64)>> {
    let linked = sqlx::query!(
        r#"select symbol as "symbol: Word<Symbol>", relevance from article_symbol
           where article_id = $1 order by relevance desc, symbol"#,
        article,
    )
    .fetch_all(db)
    .await?;
    Ok(linked.into_iter().map(|row| (row.symbol.into(), row.relevance)).collect())
}

/// The symbols that any article of a story concerns, with the highest relevance, by symbol.
pub async fn list_story_symbols(
    db: impl PgExecutor<'_>,
    cluster: i64,
) -> sqlx::Result<Vec<(Symbol, f64)>> {
    let linked = sqlx::query!(
        r#"select l.symbol as "symbol: Word<Symbol>", max(l.relevance) as "relevance!"
           from article a join article_symbol l on l.article_id = a.id
           where a.cluster_id = $1 group by l.symbol order by l.symbol"#,
        cluster,
    )
    .fetch_all(db)
    .await?;
    Ok(linked.into_iter().map(|row| (row.symbol.into(), row.relevance)).collect())
}

/// An article that may tell the same story as a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub id: i64,
    pub cluster_id: i64,
    pub fingerprint: Value,
    pub simhash: i64,
    pub title_hash: String,
    pub published_at: DateTime<Utc>,
}

/// Articles published in `from..=to` that share a symbol or a title with the given ones, by id.
pub async fn find_candidates(
    db: impl PgExecutor<'_>,
    symbols: &[Symbol],
    title_hashes: &[String],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> sqlx::Result<Vec<Candidate>> {
    sqlx::query_as!(
        Candidate,
        r#"with near as (
               select article_id as id from article_symbol
               where symbol = any ($1)
                 and published_at between $3 and $4
               union
               select id from article
               where title_hash = any ($2)
                 and published_at between $3 and $4
           )
           select a.id, a.cluster_id, a.fingerprint, a.simhash, a.title_hash, a.published_at
           from near join article a on a.id = near.id
           order by a.id"#,
        &texts(symbols),
        title_hashes,
        from,
        to,
    )
    .fetch_all(db)
    .await
}

/// An article without a reading by an analyzer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanalyzed {
    pub id: i64,
    pub cluster_id: i64,
    pub published_at: DateTime<Utc>,
}

/// Representatives of stories about known symbols, published since, that an analyzer has not
/// read; newest first.
pub async fn list_unanalyzed(
    db: impl PgExecutor<'_>,
    analyzer: &str,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Unanalyzed>> {
    sqlx::query_as!(
        Unanalyzed,
        "select a.id, a.cluster_id, a.published_at from article a
         where a.published_at >= $2
           and exists (select from cluster c where c.representative = a.id)
           and exists (
               select from article o join article_symbol l on l.article_id = o.id
               where o.cluster_id = a.cluster_id)
           and not exists (
               select from sentiment s where s.article_id = a.id and s.analyzer = $1)
         order by a.published_at desc, a.id desc limit $3",
        analyzer,
        since,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Representatives of stories about known symbols that a lesser analyzer has read and this one has
/// not been asked about, published since, and known for an hour; those that matter most first: the
/// newest, where a story about an important symbol counts as a day newer.
pub async fn list_rereadable(
    db: impl PgExecutor<'_>,
    analyzer: &str,
    since: DateTime<Utc>,
    important: &[Symbol],
    limit: i64,
) -> sqlx::Result<Vec<Unanalyzed>> {
    sqlx::query_file_as!(
        Unanalyzed,
        "src/article_list_rereadable.sql",
        analyzer,
        since,
        &texts(important),
        limit,
    )
    .fetch_all(db)
    .await
}

/// Stories about known symbols that became known since.
pub async fn count_stories(db: impl PgExecutor<'_>, since: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        // published at most four days before: an older article is no news when it arrives
        r#"select count(distinct a.cluster_id) as "n!" from article a
           where a.published_at >= $1::timestamptz - interval '96 hours' and a.first_seen_at >= $1
             and exists (select from cluster c where c.representative = a.id)"#,
        since,
    )
    .fetch_one(db)
    .await
}

/// Counts dropped articles, by reason.
pub async fn count_drops(
    db: impl PgExecutor<'_>,
    day: NaiveDate,
    provider: &str,
    drops: &[(String, i64)],
) -> sqlx::Result<()> {
    let (reasons, counts): (Vec<String>, Vec<i64>) = drops.iter().cloned().unzip();
    sqlx::query!(
        "insert into article_drop (day, provider, reason, count)
         select $1, $2, given.reason, sum(given.count)
         from unnest($3::text[], $4::bigint[]) as given (reason, count)
         where given.count > 0
         group by given.reason order by given.reason
         on conflict (day, provider, reason)
             do update set count = article_drop.count + excluded.count",
        day,
        provider,
        &reasons,
        &counts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Number of dropped articles of one day, provider and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drops {
    pub day: NaiveDate,
    pub provider: String,
    pub reason: String,
    pub count: i64,
}

/// Articles dropped since a day, newest first.
pub async fn list_drops(db: impl PgExecutor<'_>, since: NaiveDate) -> sqlx::Result<Vec<Drops>> {
    sqlx::query_as!(
        Drops,
        "select day, provider, reason, count from article_drop
         where day >= $1 order by day desc, provider, reason",
        since,
    )
    .fetch_all(db)
    .await
}

/// Deletes the counts of days before; returns their number.
pub async fn prune_drops(db: impl PgExecutor<'_>, before: NaiveDate) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from article_drop where day < $1", before).execute(db).await?;
    Ok(done.rows_affected())
}
