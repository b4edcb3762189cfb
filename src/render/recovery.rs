//! `RECOVERY.md`: how to restore a snapshot with `psql`, `zstd` and `sha256sum` alone. Written for
//! somebody who has a bad day and has never heard of this program.

use std::collections::BTreeSet;

use crate::model::{Artifact, Manifest, Part, Structure, TableEntry, quote_identifier};
use crate::render::facts::{consistency, has, headline, never_here, steadiness, unsteadiness};
use crate::render::proof::{BEGIN, END, proof};
use crate::render::sealed::{by_hand, opening, program};
use crate::render::text::{REASON, block, code, literal, markdown, shell, shorten, within};
use crate::render::{count, time};

/// Bytes that a list of what is not there may take.
const BUDGET: usize = 256 << 10;

/// The document.
pub fn recovery_md(manifest: &Manifest) -> String {
    let mut out = format!(
        "# Restore {} from {}\n\nSnapshot {}, {}.\n\n{}\n\n",
        code(&manifest.project.name, false),
        time(manifest.started),
        code(manifest.snapshot.as_str(), false),
        headline(manifest),
        consistency(manifest)
    );
    let age = if manifest.sealed.is_some() { "`age`, " } else { "" };
    let programs = format!("`psql`, {age}{}", program(manifest));
    out.push_str(&format!(
        "You need {programs} and `sha256sum`; nothing of supabackup. Run the commands in the folder that \
         holds this file, in `bash`. Set the target first (a connection string of the database, as a role that \
         may write every table: `postgres` on Supabase):\n\n",
    ));
    out.push_str(&block(
        "bash",
        "set -o pipefail\nexport DATABASE_URL='postgresql://postgres:PASSWORD@HOST:5432/postgres'",
    ));
    out.push_str("\n## 1. Check the files\n\nEvery line must end in `OK`:\n\n");
    out.push_str(&block("bash", "sha256sum -c SHA256SUMS"));
    out.push_str("\nA file that fails is damaged.");
    if has(manifest, Artifact::Sql) && has(manifest, Artifact::Json) {
        out.push_str(
            " If it is a part, the same rows stand in the other form: `sql/` and `json/` hold the same rows, part by part.",
        );
    }
    out.push('\n');
    out.push_str(&opening(manifest));
    match &manifest.structure {
        Some(structure) => out.push_str(&empty_project(structure, by_hand(manifest).end)),
        None => out.push_str(&target(manifest)),
    }
    if has(manifest, Artifact::Sql) {
        out.push_str(&load(manifest));
    } else if manifest.structure.is_some() {
        out.push_str(&load_without_sql_rows(manifest));
    } else {
        out.push_str(
            "\n## 3. Load the rows\n\nThis snapshot was taken without SQL parts: load the JSON parts, see below.\n",
        );
    }
    out.push_str(&after(manifest));
    if has(manifest, Artifact::Json) {
        out.push_str(&json(manifest));
    }
    out.push_str(&not_here(manifest));
    out.push_str(&words(manifest));
    out.push_str(&tables(manifest));
    out
}

fn target(manifest: &Manifest) -> String {
    let mut out = String::from(
        "\n## 2. Prepare the target\n\nThis snapshot holds rows, not the schema. The tables must be there, with their columns: from your \
         migrations (`supabase db push`), or from a `pg_dump --schema-only` of any copy of the project. Best is an \
         empty copy: tables first, then the rows, then indexes, constraints and triggers:\n\n",
    );
    let schemas = schemas(manifest);
    let schemas = schemas.iter().map(|s| format!(" -n {}", shell(&quote_identifier(s)))).collect::<String>();
    let dump = |section: &str| {
        format!("pg_dump --schema-only --section={section}{schemas} \"$COPY_URL\" | psql -X -q -d \"$DATABASE_URL\"")
    };
    out.push_str(&block("bash", &format!("{}\n# … load the rows (step 3) …\n{}", dump("pre-data"), dump("post-data"))));
    out.push_str(
        "\nTwo complaints are to be expected and passed over: that a schema exists already, and that rights of \
         `supabase_admin` cannot be changed. Foreign keys to `auth.users` need those users in the target first: they are \
         not in this snapshot.\n\n\
         A schema that is already whole works too, only slower: the parts switch off triggers and foreign keys of \
         their own session while they load (`session_replication_role = replica`), so the order of tables does not \
         matter. Generated columns are computed anew. The target's time zone may be any; its encoding should be UTF8.\n\n\
         **If tables already hold rows**, the rows of the snapshot are added to them, and the first one whose primary key is \
         taken stops everything. Empty the tables before (`TRUNCATE … CASCADE` also empties what refers to them), or \
         restore into an empty database and compare.\n",
    );
    out
}

/// What the target has to be where the snapshot holds the schema too.
fn empty_project(structure: &Structure, end: &str) -> String {
    let mut out = format!(
        "\n## 2. Prepare the target\n\nThis snapshot holds the schema and the rows. Restore into an **empty** project: a new one, with \
         nothing in it but what Supabase puts there. The schema was read from {}.\n\n\
         The scripts run as role `postgres`, no superuser is needed. While they run, triggers and foreign keys of their session \
         are quiet (`session_replication_role = replica`).\n\n\
         **If the tables are there already**, load only the rows: take `sql/1*{end}` in place of `sql/*{end}` below, and \
         `sql/8*{end}` after it. The rows are added to those that are there, and the first one whose primary key is taken stops \
         everything: empty the tables before (`TRUNCATE … CASCADE` also empties what refers to them).\n",
        markdown(&shorten(&structure.server, REASON))
    );
    for note in &structure.notes {
        out.push_str(&format!("\nNote: {}.\n", markdown(&shorten(note, REASON))));
    }
    out
}

/// The schemas of the captured tables.
fn schemas(manifest: &Manifest) -> BTreeSet<&str> {
    manifest.tables.iter().map(|t| t.name.schema.as_str()).collect()
}

fn load(manifest: &Manifest) -> String {
    let mut out = String::from(match manifest.structure {
        Some(_) => "\n## 3. Load everything\n\nSchema, rows and sequences, all or nothing:\n\n",
        None => "\n## 3. Load the rows\n\nAll tables, all or nothing:\n\n",
    });
    let (cat, end) = (by_hand(manifest).cat, by_hand(manifest).end);
    let psql = "psql -X -q -1 -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f -";
    out.push_str(&block("bash", &format!("{cat} sql/*{end} | {psql}")));
    out.push_str(&left_out(manifest));
    out.push_str(match manifest.structure {
        Some(_) => "\nThe files may also be loaded one by one, in the order of their names. ",
        None => "\nThe files may also be loaded one by one, in any order. ",
    });
    if let Some(table) = manifest.tables.iter().find(|t| t.parts_of(Artifact::Sql).next().is_some()) {
        out.push_str(&format!("One table only, here {}:\n\n", code(&table.name.to_string(), false)));
        let files = pattern(table, Artifact::Sql).unwrap_or_default();
        out.push_str(&block("bash", &format!("{cat} {files} | {psql}")));
    }
    out
}

/// The schema is here as SQL, the rows are not.
fn load_without_sql_rows(manifest: &Manifest) -> String {
    let psql = "psql -X -q -1 -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f -";
    let (cat, end) = (by_hand(manifest).cat, by_hand(manifest).end);
    format!(
        "\n## 3. Load everything\n\nThe rows were stored as JSON alone (`--artifacts json`). The program supabackup makes SQL of \
         them, run where the store is:\n\n{}",
        block(
            "bash",
            &format!(
                "{cat} sql/000-*{end} | {psql}\nsupabackup sql {} --data-only --inserts | {psql}\n{cat} sql/9*{end} | {psql}",
                manifest.snapshot
            )
        )
    )
}

/// Rows that were left out on purpose are missed by foreign keys.
fn left_out(manifest: &Manifest) -> String {
    let is_left_out = |reason: &str| ["exclude", "include", "asked for"].iter().any(|word| reason.contains(word));
    if manifest.structure.is_none() || !manifest.passed_over.iter().any(|p| is_left_out(&p.reason)) {
        return String::new();
    }
    let (cat, end) = (by_hand(manifest).cat, by_hand(manifest).end);
    format!(
        "\n**Tables were left out of this snapshot on purpose** (see below): their definitions are here, their rows are not. Where \
         foreign keys point to such rows, the command above fails and changes nothing. Then load the schema and the rows, and after \
         them the rest line by line: the keys that cannot hold are named, all others are made.\n\n{}",
        block(
            "bash",
            &format!(
                "{cat} sql/[0-8]*{end} | psql -X -q -1 -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f -\n\
                 {cat} sql/9*{end} | psql -X -q -d \"$DATABASE_URL\" -f -"
            )
        )
    )
}

fn after(manifest: &Manifest) -> String {
    let schemas: Vec<String> = schemas(manifest).into_iter().map(literal).collect();
    let mut out = match &manifest.structure {
        Some(structure) => on_purpose(structure, by_hand(manifest).cat),
        None => format!(
            "\nThen set the sequences behind the rows, or the next insert meets a key that is taken:\n\n{}",
            block("sql", &sequences(&schemas.join(", ")))
        ),
    };
    out.push_str(
        "\n## 4. Prove the restore\n\nCounts and hashes every table and puts the result beside what the snapshot holds. Every line \
         must say `t` under `ok`; those that do not come first:\n\n",
    );
    out.push_str(&block(
        "bash",
        &format!("sed -n '/^{BEGIN}/,/^{END}/p' {} | psql -X -q -d \"$DATABASE_URL\"", by_hand(manifest).book),
    ));
    out.push_str(
        "\nThat runs the block below; it can also be pasted into any SQL editor. The number is the sum of \
         `hashtextextended(row::text, 0)` over all rows, so it does not depend on their order. It does depend on the \
         order of the columns: a table whose columns stand in another order than in the project shows `f` although \
         its rows are right.\n\n",
    );
    out.push_str(&block("sql", &proof(manifest)));
    out
}

/// What was left out of the scripts, because it acts by itself.
fn on_purpose(structure: &Structure, cat: &str) -> String {
    let Some(key) = &structure.on_purpose else { return String::new() };
    format!(
        "\n**What acts by itself** (event triggers, jobs, webhooks) was not loaded. Read it, change addresses and keys that must \
         not be used from a copy, and then run it if you want it to act from now on:\n\n{}",
        block(
            "bash",
            &format!(
                "{cat} {} > act.sql\n# … read act.sql …\npsql -X -q -1 -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f act.sql",
                shell(key)
            )
        )
    )
}

fn sequences(schemas: &str) -> String {
    let schemas = if schemas.is_empty() { "''" } else { schemas };
    format!(
        "DO $supabackup$
DECLARE c record; top bigint;
BEGIN
  FOR c IN
    SELECT format('%I.%I', n.nspname, t.relname) AS tab, a.attname AS col,
           pg_get_serial_sequence(format('%I.%I', n.nspname, t.relname), a.attname) AS seq
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname IN ({schemas}) AND t.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  LOOP
    IF c.seq IS NOT NULL THEN
      EXECUTE format('SELECT max(%I) FROM %s', c.col, c.tab) INTO top;
      IF top >= 1 THEN PERFORM setval(c.seq, top); END IF;
    END IF;
  END LOOP;
END $supabackup$;
"
    )
}

fn json(manifest: &Manifest) -> String {
    let mut out = String::from(
        "\n## The JSON parts\n\nThe same rows, one JSON object per line, keys in the order of the columns: to look something \
         up, to repair single rows, or to load them elsewhere.\n\n",
    );
    if let Some(table) = manifest.tables.iter().find(|t| t.parts_of(Artifact::Json).next().is_some()) {
        let files = pattern(table, Artifact::Json).unwrap_or_default();
        let key = table.primary_key.first().or(table.columns.first().map(|c| &c.name));
        let key = serde_json::Value::from(key.cloned().unwrap_or_default()).to_string();
        let filter = shell(&format!("select(.[{key}] | tostring == \"42\")"));
        out.push_str(&block(
            "bash",
            &format!("{0} {files} | head -3\n{0} {files} | jq -c {filter}", by_hand(manifest).cat),
        ));
    }
    out.push_str(
        "\n| In the line | In the database |\n|:--|:--|\n\
         | `null` | SQL NULL |\n\
         | a string | exactly this text (a JSON null in a json column is `\"null\"`) |\n\
         | `true`, `false` | `t`, `f` |\n\
         | a number, an object, an array | exactly these characters |\n\n\
         Programs that read numbers as floating point (`jq` before 1.7, JavaScript) round those beyond 2⁵³ and long \
         decimals when they print them again; the file itself holds every digit.\n",
    );
    out
}

fn not_here(manifest: &Manifest) -> String {
    let line =
        |subject: &str, reason: &str| format!("- {}: {}\n", code(subject, false), markdown(&shorten(reason, REASON)));
    let mut out = String::from("\n## What is not in this snapshot\n\n");
    if !manifest.missing.is_empty() {
        out.push_str("**Seen, and not captured:**\n\n");
        out.push_str(&within(BUDGET, &manifest.missing, |missing| line(&missing.subject, &missing.reason)));
        out.push_str("\n**Never in a snapshot of this version, or not to be seen:**\n\n");
    }
    for never in never_here(manifest) {
        out.push_str(&format!("- {never}\n"));
    }
    out.push_str(&within(BUDGET, &manifest.source.blind_spots, |spot| {
        format!("- {}\n", markdown(&shorten(spot, REASON)))
    }));
    out.push_str(&within(BUDGET, &manifest.passed_over, |passed| line(&passed.name.to_string(), &passed.reason)));
    out
}

fn words(manifest: &Manifest) -> String {
    let mut out = String::from(
        "\n## What the words mean\n\n\
         - **stable**: a second look at every row's address and version found the table unchanged since it was read. \
         Its rows are the table as it was at one moment.\n\
         - **moved**: writes went on while the table was read. Every row that nobody touched is there exactly once; rows \
         that were inserted, changed or deleted in that span may be there in their older or newer form, or not.\n\
         - **unproven**: the table could not be looked at a second time.\n",
    );
    for table in &manifest.tables {
        if let Some(why) = unsteadiness(&table.stability) {
            let name = code(&table.name.to_string(), false);
            out.push_str(&format!(
                "- {name} is {}: {}\n",
                steadiness(&table.stability),
                markdown(&shorten(&why, REASON))
            ));
        }
    }
    out
}

fn tables(manifest: &Manifest) -> String {
    let mut out =
        String::from("\n## Which files hold which table\n\n| Table | Rows | State | Files |\n|:--|--:|:--|:--|\n");
    for table in &manifest.tables {
        let files = [Artifact::Sql, Artifact::Json].into_iter().filter_map(|artifact| pattern(table, artifact));
        let files: Vec<String> = files.map(|files| code(&files, true)).collect();
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            code(&table.name.to_string(), true),
            count(table.rows),
            steadiness(&table.stability),
            if files.is_empty() { "no rows, no files".to_owned() } else { files.join(" ") }
        ));
    }
    out
}

/// What the shell expands to the table's parts, and to those of no other table: the number at the
/// end is matched digit by digit, because another table's name may begin like this one's.
fn pattern(table: &TableEntry, artifact: Artifact) -> Option<String> {
    let mut parts = table.parts_of(artifact);
    let first: &Part = parts.next()?;
    if parts.next().is_none() {
        return Some(shell(&first.key));
    }
    let zstd = [".sql.zst", ".jsonl.zst", ".sql.zst.age", ".jsonl.zst.age"];
    let gzip = [".sql.gz", ".jsonl.gz", ".sql.gz.age", ".jsonl.gz.age"];
    let ending = zstd.into_iter().chain(gzip).find(|ending| first.key.ends_with(ending))?;
    let stem = first.key.strip_suffix(ending)?;
    let name = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    Some(format!("{}{}{ending}", shell(name), "[0-9]".repeat(stem.len() - name.len())))
}
