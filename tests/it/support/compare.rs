//! Row by row comparison. The judge is PostgreSQL's own `row::text`; a table is the multiset of it.

use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use supabackup::format::{Fields, JsonReader, write_record};
use supabackup::model::{Artifact, Manifest, ReadAs, TableEntry};
use supabackup::seal::Identities;
use supabackup::snapshot::PartRows;

/// The rows of one table as text, sorted.
pub(crate) type Rows = Vec<Vec<u8>>;

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The rows that a database holds of a captured table.
pub(crate) fn rows_of(url: &str, table: &TableEntry) -> Result<Rows> {
    // rows of inheriting tables that are stored by themselves are theirs
    let only = if table.children.is_empty() { "" } else { "ONLY " };
    let text = if table.read_as == ReadAs::Columns {
        let columns: Vec<String> = table.columns.iter().map(|c| format!("x.{}", quote(&c.name))).collect();
        format!("ROW({})::text", columns.join(","))
    } else {
        "(x.*)::text".to_owned()
    };
    let schema = quote(&table.name.schema);
    let sql = format!(
        "SET search_path = {schema}, public, extensions; COPY (SELECT {text} FROM {only}{schema}.{} AS x) TO STDOUT",
        quote(&table.name.name)
    );
    let output =
        Command::new("psql").args([url, "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", &sql]).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{}: {}", table.name, String::from_utf8_lossy(&output.stderr));
    let mut rows: Rows = output.stdout.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    rows.pop(); // after the last newline
    rows.sort_unstable();
    Ok(rows)
}

/// The rows in a snapshot's JSON parts, made into the same text, and escaped as COPY prints them.
pub(crate) fn json_rows(snapshot: &Path, table: &TableEntry) -> Result<Rows> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let mut rows = Rows::new();
    for part in table.parts_of(Artifact::Json) {
        let raw = zstd_cat(&[snapshot.join(&part.key)])?;
        let mut reader = JsonReader::new(BufReader::new(raw.as_slice()), &names);
        let mut fields = Fields::default();
        while reader.next_row(&mut fields)? {
            let mut text = Vec::new();
            write_record(fields.iter(), &mut text);
            rows.push(escape(&text));
        }
    }
    rows.sort_unstable();
    Ok(rows)
}

/// The rows of one artifact of a table, made into the same text.
pub(crate) fn stored_rows(snapshot: &Path, table: &TableEntry, artifact: Artifact) -> Result<Rows> {
    let mut rows = Rows::new();
    for part in table.parts_of(artifact) {
        let stored = std::fs::read(snapshot.join(&part.key))?;
        let mut reader = PartRows::open(stored.into(), table, part, &Identities::default())?;
        let mut fields = Fields::default();
        while reader.next_row(&mut fields)? {
            let mut text = Vec::new();
            write_record(fields.iter(), &mut text);
            rows.push(escape(&text));
        }
    }
    rows.sort_unstable();
    Ok(rows)
}

fn escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            11 => out.extend_from_slice(b"\\v"),
            12 => out.extend_from_slice(b"\\f"),
            other => out.push(other),
        }
    }
    out
}

/// The raw text of parts, by the stock `zstd` program.
pub(crate) fn zstd_cat(files: &[std::path::PathBuf]) -> Result<Vec<u8>> {
    let output = Command::new("zstd").args(["-dcq", "--"]).args(files).output().context("running zstd")?;
    ensure!(output.status.success(), "zstd: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// What RECOVERY.md says, literally: a copy of the schema without constraints, then
/// `zstd -dc sql/*.zst | psql -v ON_ERROR_STOP=1` as role `postgres`, then the constraints.
pub(crate) fn restore_sql(source: &str, snapshot: &Path, admin: &str, postgres: &str, schemas: &[&str]) -> Result<()> {
    let mut dump = vec!["-d".to_owned(), source.to_owned(), "--no-owner".to_owned()];
    schemas.iter().for_each(|s| dump.push(format!("-n{s}")));
    let dump = dump.iter().map(|a| format!("'{a}'")).collect::<Vec<_>>().join(" ");
    for (what, script) in [
        (
            "the schema",
            format!(
                "pg_dump {dump} --section=pre-data | sed 's/^CREATE SCHEMA /&IF NOT EXISTS /' | psql '{admin}' -Xq -v ON_ERROR_STOP=1"
            ),
        ),
        ("the rows", format!("zstd -dcq sql/*.zst | psql '{postgres}' -Xq -v ON_ERROR_STOP=1")),
    ] {
        let output = Command::new("bash").args(["-o", "pipefail", "-c", &script]).current_dir(snapshot).output()?;
        if !output.status.success() {
            bail!("restoring {what}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok(())
}

/// Every captured table of a snapshot, in both artifacts, against the source: the names that differ.
pub(crate) fn differences(snapshot: &Path, manifest: &Manifest, source: &str, restored: &str) -> Result<Vec<String>> {
    let mut differ = Vec::new();
    for table in &manifest.tables {
        let truth = rows_of(source, table)?;
        ensure!(
            truth.len() as u64 == table.rows,
            "{}: {} rows in the database, {} in the manifest",
            table.name,
            truth.len(),
            table.rows
        );
        if rows_of(restored, table)? != truth {
            differ.push(format!("sql {}", table.name));
        }
        if json_rows(snapshot, table)? != truth {
            differ.push(format!("json {}", table.name));
        }
    }
    Ok(differ)
}
