//! The cause of a failed statement: another transaction, the server, or the statement itself.

/// Cause of a failed statement, which decides when a repeat may succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Another transaction was in the way (deadlock, serialization failure, lock timeout). The same
    /// statement may succeed a moment later.
    Contention,
    /// The server, the network or this machine cannot serve now: no connection, starting up or
    /// shutting down, disk or memory full, too many connections or open files, read-only after a
    /// failover, statement timeout. The same statement may succeed once that is over.
    Outage,
    /// The statement or its data. Repeating it changes nothing.
    Statement,
}

impl Fault {
    /// Classifies database errors by their codes; the only place that does.
    pub fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Outage,
            sqlx::Error::Database(error) => error.code().map_or(Self::Statement, |c| of_code(&c)),
            _ => Self::Statement,
        }
    }
}

fn of_code(code: &str) -> Fault {
    match code {
        // deadlock, serialization failure, lock timeout
        "40P01" | "40001" | "55P03" => Fault::Contention,
        // read-only transaction; idle in a transaction or in it for too long; statement timeout
        "25006" | "25P03" | "25P04" | "57014" => Fault::Outage,
        // connection, authorization, name of the database: errors of connecting
        _ if ["08", "28"].iter().any(|class| code.starts_with(class)) || code == "3D000" => {
            Fault::Outage
        }
        // resources (disk, memory, connections), shutting down or starting up, input and output
        _ if ["53", "57P", "58"].iter().any(|class| code.starts_with(class)) => Fault::Outage,
        _ => Fault::Statement,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn codes_are_classified_by_their_cause() {
        let cases: [(Fault, &[&str]); 3] = [
            (Fault::Contention, &["40P01", "40001", "55P03"]),
            (
                Fault::Outage,
                &[
                    "53100", "53200", "53300", "53400", "57014", "57P01", "57P02", "57P03",
                    "25006", "25P03", "08006", "08P01", "28P01", "3D000", "58030",
                ],
            ),
            (Fault::Statement, &["23505", "22P02", "42P01", "42501", "25P02", "XX000", "P0001"]),
        ];
        for (fault, codes) in cases {
            for code in codes {
                assert_eq!(of_code(code), fault, "{code}");
            }
        }
    }

    #[test]
    fn errors_of_the_connection_or_the_pool_are_outages() {
        let too_many_files = io::Error::from_raw_os_error(24);
        for error in [
            sqlx::Error::Io(too_many_files),
            sqlx::Error::Protocol("an answer that nothing has asked for".to_owned()),
            sqlx::Error::Tls("the certificate has expired".into()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::WorkerCrashed,
        ] {
            assert_eq!(Fault::of(&error), Fault::Outage, "{error}");
        }
        assert_eq!(Fault::of(&sqlx::Error::RowNotFound), Fault::Statement);
    }
}
