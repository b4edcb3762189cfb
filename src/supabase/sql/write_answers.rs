//! Answers to the questions of a restore, as types.

use serde::Deserialize;

use crate::format::Digest;
use crate::model::TableName;
use crate::supabase::client::ApiError;
use crate::supabase::sql::answers::read;
use crate::supabase::sql::{ChannelKind, DigestOf, Question, SqlChannel, SqlError};

/// What can be written, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WriteAccess {
    /// The role that writes.
    pub role: String,
    /// Whether it may keep triggers, rules and foreign keys quiet.
    pub quiet: bool,
    /// Why not, in the database's words.
    pub refusal: Option<String>,
    /// Whether whole scripts can be run this way.
    #[serde(skip)]
    pub runs_scripts: bool,
}

/// A foreign key that does not hold, or that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Orphans {
    schema: String,
    table: String,
    /// The key's name.
    pub constraint: String,
    /// Whether the database vouches for it: one that is NOT VALID or NOT ENFORCED may never have held.
    pub validated: bool,
    /// Rows that refer to nothing. `None`: a key over spans of time, which is not looked at.
    pub rows: Option<u64>,
}

impl Orphans {
    /// The table whose rows refer.
    pub fn table(&self) -> TableName {
        TableName::new(self.schema.clone(), self.table.clone())
    }
}

/// How many rows a table has, and their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableDigest {
    /// Rows.
    pub rows: u64,
    /// The sum of their hashes.
    pub digest: Digest,
}

#[derive(Deserialize)]
struct DigestSeen {
    rows: u64,
    digest: String,
}

impl dyn SqlChannel {
    /// Asks who writes, and how. [`SqlError::Absent`] where the helper was installed without the functions
    /// that write.
    pub async fn write_access(&self) -> Result<WriteAccess, SqlError> {
        let text = self.ask(&Question::WriteAccess).await?;
        let access: WriteAccess = read(&text)?;
        Ok(WriteAccess { runs_scripts: self.kind() != ChannelKind::Helper, ..access })
    }

    /// Asks for the exact number of rows and their digest, at one moment.
    pub async fn digest(&self, of: DigestOf) -> Result<TableDigest, SqlError> {
        let text = self.ask(&Question::Digest(of)).await?;
        let seen: DigestSeen = read(&text)?;
        let digest = seen.digest.parse().map_err(|e| {
            SqlError::Question(ApiError::Damaged(format!("the digest {:?} is not a number: {e}", seen.digest)))
        })?;
        Ok(TableDigest { rows: seen.rows, digest })
    }

    /// Asks which foreign keys of these tables do not hold.
    pub async fn orphans(&self, tables: &[TableName]) -> Result<Vec<Orphans>, SqlError> {
        let text = self.ask(&Question::Orphans { tables: tables.to_vec() }).await?;
        read(&text)
    }

    /// Runs a script, all of it or nothing. [`SqlError::Lost`]: nobody knows. [`SqlError::Refused`]: this
    /// channel runs none.
    pub async fn run_script(&self, sql: &str) -> Result<(), SqlError> {
        self.ask(&Question::Script { sql: sql.to_owned() }).await.map(drop)
    }
}
