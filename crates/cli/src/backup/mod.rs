//! Backups: the rows of every table in one file, without `pg_dump`.
//!
//! A file is text, compressed by gzip: a line of JSON that describes it ([`Header`]), for each table
//! its rows as `COPY` writes them between a `copy … from stdin;` line and a `\.` line, a line of JSON
//! with what was written ([`Trailer`]), and the SHA-256 of all lines before it. The schema is not in
//! it: `restore` makes it by the migrations, which have to be those of the backup.

mod file;
mod load;
mod progress;
mod save;
mod tables;

use std::collections::BTreeMap;

use anyhow::bail;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Connection;

pub(crate) use self::{
    file::{Reader, Writer},
    load::{check, load},
    save::save,
    tables::is_empty,
};
use crate::database::migrators;

/// Identifies the kind of file.
const FORMAT: &str = "bellwether-backup";
/// Version of the format; raised if a reader of the one before would misread it.
const VERSION: u32 = 1;
/// Settings under which equal values have equal texts, on any server.
const SETTINGS: &str = "set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; \
    set timezone = 'UTC'; set extra_float_digits = 3; set bytea_output = 'hex'";

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: String,
    pub(crate) version: u32,
    /// The release that wrote it.
    pub(crate) product: String,
    pub(crate) created_at: chrono::DateTime<chrono::Utc>,
    pub(crate) schema: Schema,
    pub(crate) tables: Vec<Table>,
}

/// Which migrations made the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schema {
    /// The newest migration of each part.
    pub(crate) versions: BTreeMap<String, i64>,
    /// Of all migrations.
    pub(crate) sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    /// With its schema.
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// A day that has left the queue's history and is being cleared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) detached: bool,
}

/// The last line but one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    /// Of each table.
    pub(crate) rows: BTreeMap<String, u64>,
    /// The next value of each sequence.
    pub(crate) sequences: BTreeMap<String, i64>,
}

impl Trailer {
    pub(crate) fn total(&self) -> u64 {
        self.rows.values().sum()
    }
}

impl Schema {
    /// This release's.
    pub(crate) fn current() -> Self {
        let mut versions = BTreeMap::new();
        let mut hash = Sha256::new();
        for (name, migrator) in migrators() {
            for migration in migrator.iter().filter(|m| m.migration_type.is_up_migration()) {
                versions.insert(name.to_owned(), migration.version);
                hash.update(name.as_bytes());
                hash.update(migration.version.to_be_bytes());
                hash.update(&migration.checksum);
            }
        }
        Self { versions, sha256: file::hex(&hash.finalize()) }
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<_> = self.versions.iter().map(|(name, v)| format!("{name} {v}")).collect();
        f.write_str(&parts.join(", "))
    }
}

impl Header {
    /// Refuses a file that this release cannot restore.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let here = env!("CARGO_PKG_VERSION");
        if self.version > VERSION {
            bail!(
                "the backup is in format {}, written by bellwether {}; this bellwether {here} reads \
                 format {VERSION}: restore it with that release or a later one",
                self.version,
                self.product
            );
        }
        let schema = Schema::current();
        if self.schema != schema {
            bail!(
                "the backup has the schema of bellwether {} ({}), this bellwether {here} has {schema}: \
                 restore it with the release that wrote it, then run `bellwether migrate up` of this one",
                self.product,
                self.schema
            );
        }
        Ok(())
    }
}

/// The statement that a table's rows follow.
fn copy_line(table: &Table) -> String {
    format!("copy {} ({}) from stdin", quoted(&table.name), columns(table))
}

fn columns(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| ident(column)).collect();
    columns.join(", ")
}

/// `queue.job` as SQL reads it.
fn quoted(name: &str) -> String {
    let parts: Vec<_> = name.splitn(2, '.').map(ident).collect();
    parts.join(".")
}

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The queue's parent table of a table that holds one day, named `queue.PARENT_YYYYMMDD`, and that day.
fn day_of(name: &str) -> Option<(&str, chrono::NaiveDate)> {
    let (parent, day) = name.strip_prefix("queue.")?.rsplit_once('_')?;
    let is_word = parent.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let day = chrono::NaiveDate::parse_from_str(day, "%Y%m%d").ok().filter(|_| day.len() == 8)?;
    (is_word && !parent.is_empty()).then_some((parent, day))
}

/// Connects around any pooler, under a name of its own, without limits of time.
pub(crate) async fn connect(
    options: &sqlx::postgres::PgConnectOptions,
    name: &str,
) -> anyhow::Result<sqlx::PgConnection> {
    let mut conn =
        sqlx::PgConnection::connect_with(&options.clone().application_name(name)).await?;
    sqlx::raw_sql(SETTINGS).execute(&mut conn).await?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_table_of_a_day_has_a_day() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
        assert_eq!(day_of("queue.done_20261130"), Some(("done", day)));
        for other in [
            "queue.done",
            "queue.done_default",
            "queue.done_20261399",
            "queue._20261130",
            "queue.a\"b_20261130",
            "public.done_20261130",
        ] {
            assert_eq!(day_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_newer_format_and_another_schema_are_refused_with_what_to_do() {
        let mut header = Header {
            format: FORMAT.to_owned(),
            version: VERSION + 1,
            product: "9.9.9".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            schema: Schema::current(),
            tables: Vec::new(),
        };
        let refusal = header.check().unwrap_err().to_string();
        assert!(refusal.contains("format 2") && refusal.contains("9.9.9"), "{refusal}");
        header.version = VERSION;
        header.check().unwrap();
        header.schema.versions.insert("queue".to_owned(), 9_999);
        let refusal = header.check().unwrap_err().to_string();
        assert!(refusal.contains("queue 9999") && refusal.contains("migrate up"), "{refusal}");
    }
}
