//! The scratch database: made for one drill, marked as its own, and dropped when it ends. What a drill that was killed
//! left behind is dropped by the next one.

use crate::error::Failure;
use crate::model::{Finding, ServerAddress};
use crate::psql::{FIELD, Held, Mode, Psql, RECORD};

use crate::commands::random::random;

/// How the names of scratch databases begin; eight hex digits follow.
const NAME: &str = "supabackup_drill_";
/// The first key of the advisory lock that a drill holds as long as it lives; the second is in the database's name.
const LOCK: i32 = 0x5ba_c0d1;
/// The comment on a database that somebody wants to look at.
const KEPT: &str = "kept by supabackup verify --keep";

/// A scratch database on a server.
#[derive(Debug)]
pub(super) struct Scratch {
    psql: Psql,
    /// Its name.
    pub(super) name: String,
    /// PostgreSQL's version, as a person says it and as a number.
    pub(super) version: (String, u32),
    /// Databases of other drills that were dropped.
    pub(super) found: Vec<String>,
    /// As long as it lives, nobody takes the database for a leftover.
    keeper: Option<Held>,
}

impl Scratch {
    /// Makes one, after what dead drills left was dropped.
    pub(super) async fn create(address: &ServerAddress) -> anyhow::Result<Self> {
        let psql = Psql::new(address);
        let version = version(&psql).await?;
        let key = u32::from_be_bytes(random::<4>()?);
        let name = format!("{NAME}{key:08x}");
        // held before there is a database, so that no other drill ever sees one without the other
        let lock = format!("SELECT pg_catalog.pg_advisory_lock({LOCK}, {});", key.cast_signed());
        let keeper = psql.hold(&address.database, &lock).await?;
        let mut scratch = Self { psql, name, version, found: Vec::new(), keeper: Some(keeper) };
        scratch.found = clear(&scratch.psql, "").await?;
        scratch.make().await?;
        Ok(scratch)
    }

    /// What talks to the server.
    pub(super) fn psql(&self) -> &Psql {
        &self.psql
    }

    /// The comment on what was made for this drill outside of its database.
    pub(super) fn mark(&self) -> String {
        mark(&self.name)
    }

    async fn make(&self) -> Result<(), Failure> {
        let create = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", self.name);
        let said = self.run(format!("{create};")).await?;
        let Some(problem) = said.problem() else { return Ok(()) };
        // the server's own locale may be one of another encoding
        let said = self.run(format!("{create} LC_COLLATE 'C' LC_CTYPE 'C';")).await?;
        if said.problem().is_none() {
            return Ok(());
        }
        Err(Failure::failed(format!("making a scratch database: {}", problem.message))
            .hint("give a user that may create databases: a drill needs a superuser, as it is in a container"))
    }

    async fn run(&self, script: String) -> Result<crate::psql::Said, Failure> {
        self.psql.run(&self.psql.address().database, Mode::Strict, script).await
    }

    /// Drops it, or leaves it to be looked at. A drill that was stopped ends here too. What is left behind is a finding.
    pub(super) async fn end(mut self, keep: bool) -> Vec<Finding> {
        // the other hand may have been stopped
        let psql = self.psql.apart();
        let database = psql.address().database.clone();
        let script = match keep {
            true => format!("COMMENT ON DATABASE {} IS '{KEPT}';", self.name),
            false => format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", self.name),
        };
        let left = |why: String| {
            Finding::warning("not-dropped", &self.name, format!("the scratch database is still there: {why}"))
                .hint(format!("the next drill on this server drops it, or: DROP DATABASE {} WITH (FORCE);", self.name))
        };
        let mut findings = Vec::new();
        match psql.run(&database, Mode::Strict, script).await {
            Ok(said) => findings.extend(said.problem().map(|problem| left(problem.message))),
            Err(failure) => findings.push(left(failure.message)),
        }
        drop(self.keeper.take());
        if let Err(failure) = clear(&psql, &self.name).await {
            findings.push(Finding::warning("not-dropped", "roles", failure.message));
        }
        findings
    }
}

fn mark(name: &str) -> String {
    format!("stand-in of {name}")
}

/// Drops databases and roles of drills that no longer live, and gives the names of the databases. The server may not have seen yet
/// that the one called `ended` does not.
async fn clear(psql: &Psql, ended: &str) -> Result<Vec<String>, Failure> {
    let database = psql.address().database.clone();
    let alive = |name: &str| {
        format!(
            "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = {LOCK} \
             AND l.objid = ('x' || right({name}, 8))::bit(32)::int8::oid)"
        )
    };
    let leftovers = format!(
        "FROM pg_catalog.pg_database d WHERE d.datname ~ '^{NAME}[0-9a-f]{{8}}$' AND NOT {} \
         AND coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), '') <> '{KEPT}'",
        alive("d.datname::text")
    );
    let roles = format!(
        "FROM (SELECT r.rolname, right(pg_catalog.shobj_description(r.oid, 'pg_authid'), {length}) AS drill FROM pg_catalog.pg_roles r \
         WHERE pg_catalog.shobj_description(r.oid, 'pg_authid') ~ '^{}[0-9a-f]{{8}}$') AS r \
         WHERE (r.drill = '{ended}' OR NOT {}) AND NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = r.drill)",
        mark(NAME),
        alive("r.drill"),
        length = NAME.len() + 8,
    );
    let script = format!(
        "SELECT d.datname {leftovers};\n\
         SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', d.datname) {leftovers} \\gexec\n\
         SELECT format('DROP ROLE IF EXISTS %I', r.rolname) {roles} \\gexec\n"
    );
    // a role that another drill uses cannot be dropped yet: that one does
    let said = psql.run(&database, Mode::Onward, script).await?;
    let names = said.stdout.split(['\n', '\u{1e}']).filter(|name| name.starts_with(NAME));
    Ok(names.map(str::to_owned).collect())
}

async fn version(psql: &Psql) -> Result<(String, u32), Failure> {
    let script = "SELECT current_setting('server_version'), current_setting('server_version_num');".to_owned();
    let answer = psql.ask(&psql.address().database, "asking for the server's version", script).await?;
    let (text, number) = answer.trim_end_matches(['\n', '\u{1e}']).split_once(FIELD).unwrap_or_default();
    let number: u32 = number.trim().parse().unwrap_or(0);
    if number < 130_000 {
        return Err(Failure::failed(format!("the server is PostgreSQL {text}, a drill needs 13 or newer"))
            .hint("take the version that the project runs: the container postgres:17, for example"));
    }
    Ok((text.split_whitespace().next().unwrap_or(text).to_owned(), number / 10_000))
}

/// The records of an answer, each with its fields.
pub(super) fn records(answer: &str) -> impl Iterator<Item = Vec<&str>> {
    answer.trim_end_matches('\n').split(RECORD).filter(|record| !record.is_empty()).map(|r| r.split(FIELD).collect())
}
