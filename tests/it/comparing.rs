//! A snapshot's rows held against those of a project, through the Data API and through SQL: what a
//! restore would do is exactly what differs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use supabackup::buffers::Buffers;
use supabackup::commands::restore::compare::Comparing;
use supabackup::commands::restore::comparison::{Comparison, Mark};
use supabackup::commands::restore::mapping::{Chosen, Mapping};
use supabackup::commands::restore::scan::{ScanLimits, TableScan};
use supabackup::http::{Http, Patience};
use supabackup::model::{Counts, RestoreMode, TableName};
use supabackup::seal::Identities;
use supabackup::snapshot::{Reader, find};
use supabackup::store::DirStore;
use supabackup::supabase::sql::{Meta, SqlTables};
use supabackup::supabase::{Access, Client, Probe, TableReader, probe};

use crate::support::{Run, Stack};

/// One table of every kind.
const TABLES: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, at timestamptz, note text);
    INSERT INTO people SELECT g, 'n' || g, timestamptz '2024-01-01 UTC' + g * interval '1 hour', nullif(g % 3, 0)
      FROM generate_series(1, 3000) g;
    CREATE TABLE pairs (a int, b text, v text, PRIMARY KEY (b, a));
    INSERT INTO pairs SELECT g, 'b' || g % 7, md5(g::text) FROM generate_series(1, 500) g;
    CREATE TABLE log (line text, n int);
    INSERT INTO log SELECT 'line ' || g % 40, g % 3 FROM generate_series(1, 600) g;
    CREATE TABLE parts (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu');
    CREATE TABLE parts_us PARTITION OF parts FOR VALUES IN ('us');
    INSERT INTO parts SELECT g, CASE WHEN g % 2 = 0 THEN 'eu' ELSE 'us' END, 'v' FROM generate_series(1, 400) g;
    CREATE TABLE parent (id int PRIMARY KEY, v text);
    CREATE TABLE child (more text) INHERITS (parent);
    INSERT INTO parent SELECT g, 'p' FROM generate_series(1, 50) g;
    INSERT INTO child SELECT g, 'c', 'm' FROM generate_series(51, 90) g;
    CREATE TABLE vacant (id int PRIMARY KEY);
    CREATE TABLE other_columns (id int PRIMARY KEY, gone text, kept text);
    INSERT INTO other_columns SELECT g, 'gone', 'kept ' || g FROM generate_series(1, 100) g;";

/// What happens to them after the backup.
const CHANGES: &str = "
    UPDATE people SET name = 'other' WHERE id % 100 = 0;
    DELETE FROM people WHERE id % 500 = 1;
    INSERT INTO people SELECT g, 'new', now(), NULL FROM generate_series(5001, 5010) g;
    UPDATE pairs SET v = NULL WHERE a = 5;
    DELETE FROM pairs WHERE a = 6;
    INSERT INTO pairs VALUES (6, 'other', 'x');
    DELETE FROM log WHERE ctid IN (SELECT ctid FROM log WHERE n = 0 LIMIT 4);
    INSERT INTO log VALUES ('line 1', 1), ('line 1', 1), (NULL, 7);
    UPDATE parts SET v = 'w' WHERE id IN (3, 4);
    DELETE FROM parts WHERE id = 5;
    INSERT INTO parts VALUES (1000, 'eu', 'x');
    DELETE FROM parent WHERE id IN (1, 60);
    UPDATE parent SET v = 'q' WHERE id IN (2, 61);
    ALTER TABLE other_columns DROP COLUMN kept, DROP COLUMN gone, ADD COLUMN fresh text DEFAULT 'f', ADD COLUMN kept text;
    UPDATE other_columns SET kept = 'kept ' || id;
    UPDATE other_columns SET kept = 'changed' WHERE id = 7;
    DELETE FROM other_columns WHERE id = 8;
    INSERT INTO other_columns VALUES (200, 'f', 'extra');
    NOTIFY pgrst, 'reload schema';";

/// The project, by both ways of reading.
struct Project {
    stack: Stack,
    client: Arc<Client>,
    sql: SqlTables,
    listed: Arc<HashSet<TableName>>,
    limits: ScanLimits,
}

impl Project {
    async fn new(stack: Stack) -> Result<Self> {
        let patience = Patience { tries: 4, first_delay: Duration::from_millis(10), timeout: Duration::from_secs(20) };
        let buffers = Buffers::default();
        let http = Http::new(patience, 4, "supabackup/tests", buffers.clone()).map_err(anyhow::Error::msg)?;
        let http = Arc::new(http);
        let key = SecretString::from(stack.get("SUPABASE_SECRET_KEY"));
        let meta = Meta::new(Arc::clone(&http), stack.get("SUPABASE_URL"), &key, false)?;
        let client = Arc::new(Client::new(http, stack.get("SUPABASE_URL"), &key, false)?);
        let relations = client.describe("public").await?.relations;
        let listed = Arc::new(relations.into_iter().map(|relation| relation.name).collect());
        let limits = ScanLimits::new(4, 1 << 16, buffers);
        Ok(Self { stack, client, sql: SqlTables::new(Arc::new(meta)), listed, limits })
    }

    /// Waits until the Data API knows the changed columns.
    async fn settle(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let relations = self.client.describe("public").await?.relations;
            if relations.iter().any(|relation| relation.columns.iter().any(|column| column.name == "fresh")) {
                return Ok(());
            }
            ensure!(begun.elapsed() < Duration::from_secs(20), "the API does not show the change");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn access(&self, table: &TableName, way: Way) -> Result<Access> {
        if way == Way::Sql {
            let listing = self.sql.list().await?;
            let found = listing.tables.iter().find(|t| t.table_name() == *table).context("not in the listing")?;
            return Ok(self.sql.look(found).await?.1);
        }
        let relations = self.client.describe("public").await?.relations;
        let relation = relations.into_iter().find(|relation| relation.name == *table).context("not described")?;
        match probe(&self.client, &relation, way == Way::Keyset).await? {
            Probe::Table(access) => Ok(*access),
            other => anyhow::bail!("{table}: {other:?}"),
        }
    }

    async fn scan(&self, table: &TableName, way: Way) -> Result<TableScan> {
        let access = self.access(table, way).await?;
        let reader = TableReader::new(Arc::clone(&self.client), table.clone(), access);
        Ok(TableScan { reader, listed: Arc::clone(&self.listed), limits: self.limits.clone() })
    }

    async fn comparing<'a>(
        &self,
        snapshot: &'a Reader<'a>,
        table: &str,
        way: Way,
        wanted: &BTreeMap<String, BTreeSet<String>>,
    ) -> Result<Comparing<'a>> {
        let name = TableName::new("public", table);
        let entry =
            snapshot.manifest().tables.iter().find(|entry| entry.name == name).context("not in the snapshot")?;
        let scan = self.scan(&name, way).await?;
        let access = scan.reader.access();
        let mapping = Mapping::between(&entry.columns, &access.columns, &access.key, &[]);
        let chosen = Chosen::new(&mapping, wanted).map_err(anyhow::Error::msg)?;
        Ok(Comparing { snapshot, entry, mapping: Arc::new(mapping), chosen: Arc::new(chosen), scan })
    }

    /// Rows and digest of a table as the server sums them up.
    fn truth(&self, table: &str) -> Result<String> {
        let sum = format!("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t");
        Ok(self.stack.sql(&sum)?.trim().to_owned())
    }
}

/// How the project's rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Rest,
    Keyset,
    Sql,
}

async fn compared(comparing: &Comparing<'_>) -> Result<Comparison> {
    let mut seen = 0;
    let comparison = comparing.compare(&mut |rows, _bytes| seen += rows).await?;
    ensure!(comparison.findings.is_empty(), "{:?}", comparison.findings);
    let counted = comparing.scan.reader.access().counted;
    ensure!(counted.is_none_or(|counted| counted >= seen), "{seen} rows of {counted:?}");
    Ok(comparison)
}

/// Added, changed, only in the project, unchanged.
fn counts(comparison: &Comparison) -> (u64, u64, u64, u64) {
    let Counts { add, change, delete, unchanged, .. } = comparison.counts(RestoreMode::Clear);
    (add, change, delete, unchanged)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_counts_exactly_what_differs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stack = Stack::up(&["--data", "none", "--sql", "meta"])?;
    stack.sql(&format!("SET ROLE postgres; {TABLES} NOTIFY pgrst, 'reload schema'"))?;
    let begun = Instant::now();
    while !Run::new(&["backup", "--dry-run"]).on(&stack).go()?.stdout.contains("public.vacant") {
        ensure!(begun.elapsed() < Duration::from_secs(20), "the API does not show the tables");
    }
    Run::new(&["backup"]).on(&stack).store(folder.path()).expect(0)?;
    let store = DirStore::new(folder.path());
    let snapshot = Reader::open(&store, find(&store, None, None).await?, &Identities::default()).await?;
    let project = Project::new(stack).await?;
    let all = BTreeMap::new();
    let tables = ["people", "pairs", "log", "parts", "parent", "child", "vacant", "other_columns"];

    // nothing differs, and the digests are those that the server computes
    for way in [Way::Rest, Way::Keyset, Way::Sql] {
        for table in tables {
            let keyless = ["log", "child"].contains(&table);
            if way == Way::Keyset && (keyless || table == "parent") {
                continue;
            }
            let comparing = project.comparing(&snapshot, table, way, &all).await?;
            let comparison = compared(&comparing).await?;
            let rows = comparing.entry.rows;
            ensure!(counts(&comparison) == (0, 0, 0, rows), "{way:?} {table}: {:?}", counts(&comparison));
            let expected = comparison.expected_after(RestoreMode::Clear);
            ensure!(comparison.is_whole && expected == comparison.in_project(), "{way:?} {table}");
            let only = if table == "parent" { "ONLY parent" } else { table };
            let truth = project.truth(only)?;
            ensure!(truth == format!("{}|{}", expected.rows, expected.digest), "{way:?} {table}: {truth} {expected:?}");
        }
    }

    project.stack.sql(&format!("SET ROLE postgres; {CHANGES}"))?;
    project.settle().await?;
    for (table, expected) in [
        ("people", (6, 30, 10, 2964)),
        ("pairs", (1, 1, 1, 498)),
        ("log", (4, 0, 3, 596)),
        ("parts", (1, 2, 1, 397)),
        ("parent", (1, 1, 0, 48)),
        ("child", (2, 0, 1, 38)),
        ("other_columns", (1, 1, 1, 98)),
        ("vacant", (0, 0, 0, 0)),
    ] {
        for way in [Way::Rest, Way::Keyset, Way::Sql] {
            if way == Way::Keyset && ["log", "child", "parent"].contains(&table) {
                continue;
            }
            let comparing = project.comparing(&snapshot, table, way, &all).await?;
            let comparison = compared(&comparing).await?;
            ensure!(counts(&comparison) == expected, "{way:?} {table}: {:?}", counts(&comparison));
            let marks =
                |wanted| (0..600).filter(|&at| comparison.mark(at, RestoreMode::Merge) == wanted).count() as u64;
            if comparing.entry.rows <= 600 && comparing.entry.rows > 0 {
                ensure!((marks(Mark::Add), marks(Mark::Change)) == (expected.0, expected.1), "{way:?} {table}");
            }
            let of_whole_rows = table != "other_columns";
            ensure!(comparison.is_whole == of_whole_rows, "{way:?} {table}");
            if of_whole_rows {
                let now = comparison.in_project();
                let only = if table == "parent" { "ONLY parent" } else { table };
                ensure!(project.truth(only)? == format!("{}|{}", now.rows, now.digest), "{way:?} {table}");
                let after = comparison.expected_after(RestoreMode::Clear);
                ensure!(after.digest.to_string() == comparing.entry.digest, "{way:?} {table}");
            }
            // what is to be deleted is named by its version
            let objections = comparison.objections(RestoreMode::Clear, false, &comparing.entry.name);
            if way == Way::Keyset {
                ensure!(comparison.extras().is_empty() && objections.is_empty() == (expected.2 == 0), "{table}");
            } else {
                ensure!(objections.is_empty(), "{way:?} {table}: {objections:?}");
                for version in comparison.extras() {
                    let there = project.stack.sql(&format!(
                        "SELECT count(*) FROM {table} WHERE tableoid = {} AND ctid = '({},{})' AND xmin = '{}'",
                        version.tableoid, version.tid.block, version.tid.offset, version.xmin
                    ))?;
                    ensure!(there.trim() == "1", "{way:?} {table}: {version:?}");
                }
            }
        }
    }

    // the rows are named, with the columns in which they differ
    let comparing = project.comparing(&snapshot, "parts", Way::Rest, &all).await?;
    let comparison = compared(&comparing).await?;
    let found = comparing.differences(&comparison, RestoreMode::Clear, 10).await?;
    let (mut named, more) = (found.named, found.more);
    named.sort_by(|a, b| a.row.cmp(&b.row));
    let named: Vec<_> = named.iter().map(|d| (d.row.as_str(), d.what.as_str())).collect();
    assert_eq!(more, 0);
    assert_eq!(
        named,
        [
            ("id=1000, region=eu", "extra"),
            ("id=3, region=us", "differs in column \"v\""),
            ("id=4, region=eu", "differs in column \"v\""),
            ("id=5, region=us", "missing"),
        ]
    );
    let first = comparing.differences(&comparison, RestoreMode::Merge, 2).await?;
    assert_eq!((first.named.len(), first.more), (2, 1));
    let comparing = project.comparing(&snapshot, "other_columns", Way::Sql, &all).await?;
    let named = comparing.differences(&compared(&comparing).await?, RestoreMode::Merge, 10).await?.named;
    assert!(named.iter().any(|d| d.row == "id=7" && d.what == "differs in column \"kept\""), "{named:?}");

    // chosen rows only: the others stay as they are
    let some =
        BTreeMap::from([("id".to_owned(), BTreeSet::from(["100".into(), "501".into(), "5001".into(), "2".into()]))]);
    for way in [Way::Rest, Way::Sql] {
        let comparing = project.comparing(&snapshot, "people", way, &some).await?;
        let comparison = compared(&comparing).await?;
        assert_eq!(counts(&comparison), (1, 1, 1, 1));
        assert_eq!(comparison.counts(RestoreMode::Merge).target, 3);
        assert_eq!(comparison.in_project().rows, 3004);
        assert_eq!(comparison.expected_after(RestoreMode::Clear).rows, 3004);
    }

    // a table without rows: everything is to be added
    project.stack.sql("TRUNCATE people, log, other_columns")?;
    for (table, rows) in [("people", 3000), ("log", 600), ("other_columns", 100)] {
        for way in [Way::Rest, Way::Sql] {
            let comparing = project.comparing(&snapshot, table, way, &all).await?;
            let comparison = compared(&comparing).await?;
            assert_eq!(counts(&comparison), (rows, 0, 0, 0));
            assert_eq!(comparison.mark(17, RestoreMode::IntoEmpty), Mark::Add);
            assert_eq!(comparison.expected_after(RestoreMode::IntoEmpty).rows, rows);
        }
    }
    Ok(())
}
