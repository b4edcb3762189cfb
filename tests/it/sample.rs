//! A small, valid snapshot in a directory, made with the crate's own writers: something to damage.

use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use supabackup::format::{CopyWriter, Digest, JsonWriter, write_record};
use supabackup::model::{
    Artifact, Column, Consistency, File, Manifest, Moment, PLAIN_FORMAT_VERSION, Part, PassedOver, Project, ReadAs,
    SnapshotId, Source, Stability, TableEntry, TableName, TextSettings, Totals,
};
use supabackup::render;
use supabackup::seal::{Framer, Sealed, Sealer, sha256_hex};
use supabackup::snapshot::{CHECKSUMS, MANIFEST, RECOVERY, REPORT_HTML, REPORT_MD, SnapshotKeys, checksums};
use supabackup::store::{DirStore, Key, Store};

pub(crate) const PROJECT: &str = "abcdefghijklmnopqrst";
pub(crate) const ID: &str = "20261123T031500Z-7f3a";

/// A row: each column's text, or NULL.
pub(crate) type Row = Vec<Option<String>>;

/// One table and its rows, cut into parts.
#[derive(Debug, Clone)]
pub(crate) struct SampleTable {
    pub(crate) name: TableName,
    pub(crate) columns: Vec<Column>,
    pub(crate) parts: Vec<Vec<Row>>,
}

/// A snapshot in a directory.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) store: DirStore,
    pub(crate) root: PathBuf,
    pub(crate) keys: SnapshotKeys,
    pub(crate) tables: Vec<SampleTable>,
    pub(crate) manifest: Manifest,
}

pub(crate) fn column(name: &str, type_name: &str) -> Column {
    Column {
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        required: false,
        default: None,
        labels: Vec::new(),
        max_length: None,
        references: None,
        comment: None,
    }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_795_403_700 + second)
}

/// Three tables: two parts each, one part with hostile names, and no rows at all.
pub(crate) fn tables() -> Vec<SampleTable> {
    let orders = (1..=90).map(|n| {
        let note = match n % 4 {
            0 => None,
            1 => Some(String::new()),
            2 => Some(format!("tab\tback\\slash \"quote\" é {n}\nline")),
            _ => Some(format!("plain {n}")),
        };
        let data =
            (n % 3 > 0).then(|| format!("{{\"n\": {n}, \"big\": 12345678901234567890.10, \"list\": [1, null]}}"));
        vec![
            Some(n.to_string()),
            Some(format!("{n}.50")),
            Some((if n % 2 == 0 { "t" } else { "f" }).to_owned()),
            data,
            note,
        ]
    });
    let orders: Vec<Row> = orders.collect();
    let odd = |n: i32| vec![Some(n.to_string()), Some("null".to_owned())];
    vec![
        SampleTable {
            name: TableName::new("public", "orders"),
            columns: vec![
                column("id", "bigint"),
                column("price", "numeric"),
                column("paid", "boolean"),
                column("data", "jsonb"),
                column("note", "text"),
            ],
            parts: orders.chunks(50).map(<[Row]>::to_vec).collect(),
        },
        SampleTable {
            name: TableName::new("Odd \"schema\"", "a/b | `c` <d>\n$x"),
            columns: vec![column("new\nline", "integer"), column("say \"hi\"", "json")],
            parts: vec![(0..7).map(odd).collect()],
        },
        SampleTable { name: TableName::new("public", "empty"), columns: vec![column("id", "uuid")], parts: vec![] },
    ]
}

/// The bytes of one part.
pub(crate) fn seal(table: &SampleTable, rows: &[Row], artifact: Artifact) -> Result<Sealed> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let mut raw = Vec::new();
    let fields = |row: &'_ Row| row.iter().map(|f| f.as_ref().map(|f| f.clone().into_bytes())).collect::<Vec<_>>();
    match artifact {
        Artifact::Sql => {
            let copy = CopyWriter::new(&table.name, &names);
            raw.extend_from_slice(copy.head());
            rows.iter().for_each(|row| copy.row(fields(row).iter().map(Option::as_deref), &mut raw));
            raw.extend_from_slice(copy.tail());
        }
        Artifact::Json => {
            let json = JsonWriter::new(&table.columns);
            rows.iter().for_each(|row| json.row(fields(row).iter().map(Option::as_deref), &mut raw));
        }
    }
    let mut sealer = Sealer::new(Vec::new(), None)?;
    sealer.add(&Framer::new(1)?.frame(&raw, Vec::new())?)?;
    Ok(sealer.finish()?)
}

/// The sum of the rows' hashes.
pub(crate) fn digest<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Digest {
    let mut digest = Digest::default();
    for row in rows {
        let mut text = Vec::new();
        write_record(row.iter().map(|f| f.as_ref().map(String::as_bytes)), &mut text);
        digest.add_row(&text);
    }
    digest
}

impl Sample {
    /// A valid snapshot below `root`.
    pub(crate) async fn write(root: impl Into<PathBuf>) -> Result<Self> {
        Self::write_as(root, ID.parse().map_err(anyhow::Error::msg)?, &[Artifact::Sql, Artifact::Json]).await
    }

    /// The same under another id, and with these artifacts only.
    pub(crate) async fn write_as(root: impl Into<PathBuf>, id: SnapshotId, artifacts: &[Artifact]) -> Result<Self> {
        let root = root.into();
        let store = DirStore::new(&root);
        let keys = SnapshotKeys::new(PROJECT, id);
        let tables = tables();
        let mut manifest = empty_manifest(keys.id().clone());
        for table in &tables {
            let mut parts = Vec::new();
            for (number, rows) in (1..).zip(&table.parts) {
                for &artifact in artifacts {
                    let key = keys.part(artifact, &table.name.file_stem(), number);
                    let sealed = seal(table, rows, artifact)?;
                    store.put(&keys.at(&key)?, sealed.bytes.clone()).await?;
                    parts.push(Part {
                        key,
                        artifact,
                        rows: rows.len() as u64,
                        size: sealed.bytes.len() as u64,
                        sha256: sealed.sha256,
                        raw_size: sealed.raw_size,
                        blocks: Some([u64::from(number) - 1, u64::from(number)]),
                        digest: digest(rows).to_string(),
                    });
                }
            }
            manifest.tables.push(entry(table, parts));
        }
        let mut sample = Self { store, root, keys, tables, manifest };
        sample.total();
        let texts = [
            (RECOVERY, render::recovery_md(&sample.manifest)),
            (REPORT_MD, render::backup_report_md(&sample.manifest)),
            (REPORT_HTML, render::backup_report_html(&sample.manifest)),
        ];
        for (key, text) in texts {
            let (size, sha256) = (text.len() as u64, sha256_hex(text.as_bytes()));
            sample.store.put(&sample.key(key)?, text.into()).await?;
            sample.manifest.files.push(File { key: key.to_owned(), size, sha256 });
        }
        sample.seal_manifest().await?;
        Ok(sample)
    }

    /// Makes the totals those of the parts.
    pub(crate) fn total(&mut self) {
        let parts = || self.manifest.parts().map(|(_, part)| part);
        self.manifest.totals = Totals {
            tables: self.manifest.tables.len() as u64,
            rows: self.manifest.tables.iter().map(|t| t.rows).sum(),
            parts: parts().count() as u64,
            raw_bytes: parts().map(|p| p.raw_size).sum(),
            stored_bytes: parts().map(|p| p.size).sum(),
        };
    }

    /// Writes the manifest as it stands, with a checksum list that vouches for it.
    pub(crate) async fn seal_manifest(&self) -> Result<()> {
        let bytes = self.manifest.to_bytes()?;
        self.store.put(&self.key(CHECKSUMS)?, checksums(&self.manifest, &bytes).into()).await?;
        self.store.put(&self.key(MANIFEST)?, bytes.into()).await?;
        Ok(())
    }

    /// A forger at work: stores other rows in a part, and changes the manifest's size and SHA-256 to match.
    pub(crate) async fn forge(&mut self, table: usize, part: usize, rows: &[Row]) -> Result<()> {
        let artifact = self.part(table, part)?.artifact;
        let sealed = seal(&self.tables[table], rows, artifact)?;
        self.forge_bytes(table, part, sealed).await
    }

    /// The same with any bytes.
    pub(crate) async fn forge_bytes(&mut self, table: usize, part: usize, sealed: Sealed) -> Result<()> {
        let at = self.key(&self.part(table, part)?.key)?;
        self.store.put(&at, sealed.bytes.clone()).await?;
        let part = self.manifest.tables.get_mut(table).and_then(|t| t.parts.get_mut(part)).context("no such part")?;
        part.size = sealed.bytes.len() as u64;
        part.raw_size = sealed.raw_size;
        part.sha256 = sealed.sha256;
        self.total();
        self.seal_manifest().await
    }

    pub(crate) fn part(&self, table: usize, part: usize) -> Result<&Part> {
        self.manifest.tables.get(table).and_then(|t| t.parts.get(part)).context("no such part")
    }

    pub(crate) fn key(&self, inside: &str) -> Result<Key> {
        Ok(self.keys.at(inside)?)
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(self.keys.folder()).join(inside)
    }
}

fn entry(table: &SampleTable, parts: Vec<Part>) -> TableEntry {
    let rows = table.parts.iter().map(|p| p.len() as u64).sum();
    TableEntry {
        name: table.name.clone(),
        columns: table.columns.clone(),
        primary_key: vec![table.columns[0].name.clone()],
        read_as: ReadAs::RecordOut,
        paging: "ctid".to_owned(),
        read_through: None,
        counted_before: Some(rows),
        rows,
        counted_after: Some(rows),
        digest: digest(table.parts.iter().flatten()).to_string(),
        stability: Stability::Stable { from: at(1), to: at(30), passes: 1 },
        children: Vec::new(),
        parts,
    }
}

fn empty_manifest(id: SnapshotId) -> Manifest {
    Manifest {
        format: PLAIN_FORMAT_VERSION,
        snapshot: id,
        tool: "supabackup 0.1.0".to_owned(),
        project: Project { name: PROJECT.to_owned(), url: format!("https://{PROJECT}.supabase.co") },
        safety_of: None,
        instead_of: None,
        sealed: None,
        started: at(0),
        finished: at(42),
        complete: true,
        missing: Vec::new(),
        passed_over: vec![PassedOver { name: TableName::new("public", "paid_orders"), reason: "view".to_owned() }],
        source: Source {
            catalog: "openapi".to_owned(),
            server: Some("12.0.2".to_owned()),
            schemas: vec!["public".to_owned(), "Odd \"schema\"".to_owned()],
            blind_spots: vec!["tables that are not granted to service_role are not seen".to_owned()],
        },
        settings: TextSettings { time_zone_offset: Some("+00".to_owned()), ..TextSettings::default() },
        consistency: Consistency {
            moment: Some(Moment { from: at(30), to: at(40) }),
            stable: 3,
            moved: 0,
            unproven: 0,
        },
        tables: Vec::new(),
        structure: None,
        files: Vec::new(),
        totals: Totals::default(),
    }
}
