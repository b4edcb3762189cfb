//! The one rule of every story in which something goes wrong: afterwards there is a complete and
//! correct snapshot, or a marked incomplete one, or none and a plain reason. Never a snapshot that
//! looks whole and is not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use supabackup::model::{Artifact, Manifest, ReadAs, Stability, TableEntry};

use super::compare::{Rows, rows_of, stored_rows};
use super::run::{Ran, Run, manifest, snapshots};
use super::stack::Stack;

/// What a run came to.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Exit 0: everything is in the snapshot.
    Complete(PathBuf, Box<Manifest>),
    /// Exit 3: what is in it is right, and what is not is named.
    Incomplete(PathBuf, Box<Manifest>),
    /// Exit 1: no snapshot, and this on standard error.
    Nothing(String),
}

impl Ended {
    /// One word for it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Complete(..) => "complete",
            Self::Incomplete(..) => "incomplete",
            Self::Nothing(_) => "nothing",
        }
    }

    /// The snapshot, which must be complete.
    pub(crate) fn complete(self) -> Result<(PathBuf, Manifest)> {
        match self {
            Self::Complete(path, manifest) => Ok((path, *manifest)),
            Self::Incomplete(_, manifest) => bail!("something is missing: {:?}", manifest.missing),
            Self::Nothing(why) => bail!("there is no snapshot: {why}"),
        }
    }

    /// The snapshot, of which exactly these subjects (in alphabetical order) must be missing.
    pub(crate) fn missing(self, subjects: &[&str]) -> Result<(PathBuf, Manifest)> {
        match self {
            Self::Complete(..) => bail!("nothing is missing"),
            Self::Incomplete(path, manifest) => {
                let mut missing: Vec<&str> = manifest.missing.iter().map(|m| m.subject.as_str()).collect();
                missing.sort_unstable();
                ensure!(missing == subjects, "missing is {:?}", manifest.missing);
                Ok((path, *manifest))
            }
            Self::Nothing(why) => bail!("there is no snapshot: {why}"),
        }
    }

    /// There must be no snapshot, and the reason must say this.
    pub(crate) fn nothing(self, reason: &str) -> Result<()> {
        let Self::Nothing(why) = self else { bail!("there is a snapshot: {}", self.word()) };
        ensure!(why.contains(reason), "the reason is not {reason:?}: {why}");
        Ok(())
    }
}

/// What the database holds, as long as nobody writes to it.
#[derive(Debug)]
pub(crate) struct Truth {
    url: String,
    /// Every table of the exposed schemas that the key may read, with its columns.
    tables: HashMap<String, Vec<String>>,
    rows: std::cell::RefCell<HashMap<String, Rows>>,
}

/// Tables that hold rows, with their columns in order; partitions belong to their parents.
const TABLES: &str = "
    SELECT format('%I.%I', nspname, relname), coalesce(json_agg(attname ORDER BY attnum) FILTER (WHERE attnum > 0), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname = ANY (string_to_array('SCHEMAS', ','))
      AND has_table_privilege('service_role', c.oid, 'SELECT')
    GROUP BY 1";

impl Truth {
    /// Asks the database, not the API.
    pub(crate) fn of(stack: &Stack) -> Result<Self> {
        let conf = std::fs::read_to_string(Path::new(stack.get("STACK_DIR")).join("postgrest.conf"))?;
        let schemas =
            conf.lines().find_map(|l| l.strip_prefix("db-schemas = ")).context("no db-schemas")?.trim_matches('"');
        let mut tables = HashMap::new();
        for line in stack.sql(&TABLES.replace("SCHEMAS", schemas))?.lines() {
            let (name, columns) = line.split_once('|').context("no columns")?;
            tables.insert(name.to_owned(), serde_json::from_str(columns)?);
        }
        let url = stack.get("STACK_DATABASE_URL").to_owned();
        Ok(Self { url, tables, rows: std::cell::RefCell::default() })
    }

    fn rows(&self, table: &TableEntry) -> Result<Rows> {
        let key = format!("{} {:?}", table.name, table.read_as);
        if let Some(rows) = self.rows.borrow().get(&key) {
            return Ok(rows.clone());
        }
        let rows = rows_of(&self.url, table)?;
        self.rows.borrow_mut().insert(key, rows.clone());
        Ok(rows)
    }

    /// Leaves out a table that came into being during the run: nobody promised to have it.
    pub(crate) fn forget(&mut self, table: &str) {
        self.tables.remove(table);
    }

    /// Each captured table has the database's columns and rows, in both forms.
    pub(crate) fn holds(&self, snapshot: &Path, manifest: &Manifest) -> Result<()> {
        for table in &manifest.tables {
            if manifest.missing.iter().any(|m| m.subject == format!("table {}", table.name)) {
                continue; // its rows are there as far as they came, and it does not count as captured
            }
            let name = format!("{}.{}", plain(&table.name.schema), plain(&table.name.name));
            let columns =
                self.tables.get(&name).with_context(|| format!("{name} is in the snapshot and not in the database"))?;
            if table.read_as != ReadAs::Columns {
                let stored: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
                ensure!(stored == *columns, "{name}: its columns are {columns:?}, stored are {stored:?}");
            }
            let rows = self.rows(table)?;
            ensure!(
                rows.len() as u64 == table.rows,
                "{name}: {} rows in the database, {} stored ({:?})",
                rows.len(),
                table.rows,
                table.stability
            );
            for artifact in [Artifact::Sql, Artifact::Json] {
                ensure!(
                    stored_rows(snapshot, table, artifact)? == rows,
                    "{name}: {artifact:?} holds other rows than the database ({:?})",
                    table.stability
                );
            }
        }
        Ok(())
    }

    /// Every table is captured, passed over, or named as missing.
    fn covered(&self, manifest: &Manifest) -> Result<()> {
        let named = |name: &str| {
            let is = |schema: &str, table: &str| format!("{}.{}", plain(schema), plain(table)) == name;
            manifest.tables.iter().any(|t| is(&t.name.schema, &t.name.name))
                || manifest.passed_over.iter().any(|p| is(&p.name.schema, &p.name.name))
                || manifest.missing.iter().any(|m| m.subject.contains(name))
        };
        match self.tables.keys().find(|name| !named(name)) {
            Some(name) => bail!("nothing in the manifest names the table {name}"),
            None => Ok(()),
        }
    }

    /// Judges one run that had the store for itself.
    pub(crate) fn judge(&self, store: &Path, ran: &Ran) -> Result<Ended> {
        self.judged(store, ran)
            .with_context(|| format!("exit code {}\nstdout: {}stderr: {}", ran.code, ran.stdout, ran.stderr))
    }

    fn judged(&self, store: &Path, ran: &Ran) -> Result<Ended> {
        ensure!(!ran.stderr.contains("internal error") && !ran.stderr.contains("panicked"), "a bug shows");
        let found = snapshots(store)?;
        let errors: Vec<&str> = ran.stderr.lines().filter(|l| l.starts_with("error: ")).collect();
        if ran.code == 1 {
            ensure!(files(store)? == 0, "exit 1, and {found:?} is left in the store");
            ensure!(errors.len() == 1, "{} reasons instead of one", errors.len());
            return Ok(Ended::Nothing(ran.stderr.clone()));
        }
        ensure!(errors.is_empty(), "an error, and exit code {}", ran.code);
        ensure!(found.len() == 1, "{} snapshots instead of one", found.len());
        let snapshot = found[0].clone();
        let manifest = manifest(&snapshot)?;
        ensure!(manifest.complete == manifest.missing.is_empty(), "complete contradicts missing");
        self.holds(&snapshot, &manifest)?;
        self.covered(&manifest)?;
        let verified = Run::new(&["verify", "latest"]).store(store).go()?;
        ensure!(verified.code == ran.code, "verify exits {}: {}{}", verified.code, verified.stdout, verified.stderr);
        match ran.code {
            0 => {
                ensure!(manifest.complete, "exit 0, and missing is {:?}", manifest.missing);
                Ok(Ended::Complete(snapshot, Box::new(manifest)))
            }
            3 => {
                ensure!(!manifest.complete, "exit 3, and nothing is missing");
                let unsaid = manifest.missing.iter().find(|m| !ran.stderr.contains(&m.subject));
                ensure!(unsaid.is_none(), "not said: {unsaid:?}");
                Ok(Ended::Incomplete(snapshot, Box::new(manifest)))
            }
            other => bail!("exit code {other}"),
        }
    }
}

/// Judges one run by the database, which must be at rest now.
pub(crate) fn outcome_is_honest(store: &Path, ran: &Ran, stack: &Stack) -> Result<Ended> {
    Truth::of(stack)?.judge(store, ran)
}

/// Whether a table was proven unchanged.
pub(crate) fn is_stable(table: &TableEntry) -> bool {
    matches!(table.stability, Stability::Stable { .. })
}

/// How many files there are below a directory, whoever left them there.
pub(crate) fn files(directory: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        count += if path.is_dir() { files(&path)? } else { 1 };
    }
    Ok(count)
}

/// An identifier as `format('%I')` prints it.
fn plain(name: &str) -> String {
    let bare = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if bare { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
