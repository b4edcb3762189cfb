//! A drill at work: what it knows, and what it has found so far.

use std::collections::BTreeSet;

use super::scratch::{Scratch, records};
use crate::ddl::{Facts, settings};
use crate::error::Failure;
use crate::model::{Finding, Manifest, StandIn, TableName};
use crate::psql::{Mode, Problem, Psql, Said};
use crate::snapshot::Reader;

/// Findings of one kind that are told one by one.
const TOLD: usize = 20;

pub(super) struct Trial<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) scratch: &'a Scratch,
    /// The catalog, where the snapshot holds it.
    pub(super) facts: Option<Facts>,
    /// All scripts, to see what they name.
    pub(super) scripts: String,
    /// Extensions that this server does not have.
    pub(super) absent: BTreeSet<String>,
    /// The server is older than the project's.
    pub(super) is_older: bool,
    /// Something was left out because this server has not got what it needs: others may need that.
    pub(super) has_gaps: bool,
    /// Settings that the text of rows depends on.
    pub(super) settings: String,
    pub(super) stand_ins: Vec<StandIn>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Trial<'a> {
    pub(super) async fn new(reader: &'a Reader<'a>, scratch: &'a Scratch) -> anyhow::Result<Self> {
        let mut trial = Self {
            reader,
            scratch,
            facts: None,
            scripts: String::new(),
            absent: BTreeSet::new(),
            is_older: false,
            has_gaps: false,
            settings: settings(reader.manifest()),
            stand_ins: Vec::new(),
            findings: Vec::new(),
        };
        if let Some(structure) = &reader.manifest().structure {
            trial.facts = Some(crate::commands::sql::facts(reader, structure).await?);
            for key in
                [Some(&structure.before), structure.sequences.as_ref(), Some(&structure.after)].into_iter().flatten()
            {
                trial.scripts.push_str(&reader.text(key).await?);
            }
        }
        trial.compare_versions();
        trial.money().await?;
        Ok(trial)
    }

    pub(super) fn manifest(&self) -> &'a Manifest {
        self.reader.manifest()
    }

    pub(super) fn psql(&self) -> &'a Psql {
        self.scratch.psql()
    }

    pub(super) async fn ask(&self, what: &str, script: String) -> Result<String, Failure> {
        self.psql().ask(&self.scratch.name, what, script).await
    }

    pub(super) async fn run(&self, mode: Mode, script: String) -> Result<Said, Failure> {
        self.psql().run(&self.scratch.name, mode, script).await
    }

    /// The relations of the scratch database.
    pub(super) async fn relations(&self) -> Result<BTreeSet<TableName>, Failure> {
        let script = "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm');";
        let answer = self.ask("listing tables", script.to_owned()).await?;
        let pair = |fields: Vec<&str>| Some(TableName::new(*fields.first()?, *fields.get(1)?));
        Ok(records(&answer).filter_map(pair).collect())
    }

    fn compare_versions(&mut self) {
        let told = self.manifest().settings.server_version.as_deref();
        let told = told.and_then(|text| text.split(|c: char| !c.is_ascii_digit()).find_map(|n| n.parse::<u32>().ok()));
        let Some(theirs) = self.facts.as_ref().and_then(Facts::server_major).or(told) else { return };
        let (text, own) = &self.scratch.version;
        self.is_older = *own < theirs;
        if self.is_older {
            let message =
                format!("it is PostgreSQL {text}, and the project ran {theirs}: what is new there does not load here");
            self.findings.push(
                Finding::warning("older-server", "server", message).hint("take a server of the project's version"),
            );
        }
    }

    /// A locale for `money` that this server does not have is done without.
    async fn money(&mut self) -> Result<(), Failure> {
        let is_money = |line: &&str| line.starts_with("SET lc_monetary");
        let Some(line) = self.settings.lines().find(is_money).map(str::to_owned) else { return Ok(()) };
        if let Some(problem) = self.run(Mode::Strict, line.clone()).await?.problem() {
            self.settings = self.settings.replace(&format!("{line}\n"), "");
            let message = format!("the project's locale for money is not on this server: {}", problem.message);
            self.findings.push(Finding::warning("not-tried", "lc_monetary", message));
        }
        Ok(())
    }

    /// Whether the server complains because it has not got something that only a Supabase project, an extension or a
    /// newer server has: then nothing is wrong with the snapshot.
    pub(super) fn is_gap(&self, problem: &Problem) -> bool {
        let state = problem.state.as_str();
        let is_undefined = ["42704", "42883", "42P01", "3F000", "42703", "58P01"].contains(&state);
        // a feature that it was built without
        if state == "0A000" || self.is_older && (is_undefined || state == "42601") {
            return true;
        }
        is_undefined && (self.has_gaps || !self.absent.is_empty() || self.names_platform(&problem.message))
    }

    /// Whether a complaint is about something in a schema that is not the project's.
    fn names_platform(&self, message: &str) -> bool {
        let Some(facts) = &self.facts else { return true };
        let (own, used) = (facts.own_schemas(), facts.used_schemas());
        let is_foreign = |schema: &str| !schema.is_empty() && !own.contains(schema) && !used.contains(schema);
        let in_quotes = message.strip_prefix("schema \"").and_then(|rest| rest.split_once('"')).map(|(name, _)| name);
        let words = message.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
        let schemas = words.filter_map(|word| word.split_once('.')).map(|(schema, _)| schema);
        schemas.chain(in_quotes).any(is_foreign)
    }

    /// Takes note of what the server complained about in a script.
    pub(super) fn complaints(&mut self, script: &str, problems: &[Problem]) {
        for problem in problems {
            let subject = statement_at(script, problem.line);
            let is_gap = self.is_gap(problem);
            self.has_gaps |= is_gap;
            let finding = if is_gap {
                let message = format!("it needs what this server has not got: {}", problem.message);
                Finding::warning("not-tried", subject, message)
                    .hint("drill on a server that has it; `supabase start` runs one that has everything")
            } else {
                Finding::error("not-restored", subject, format!("it does not load: {}", problem.message))
                    .hint("please report this: a snapshot should load as it is")
            };
            self.note(finding);
        }
    }

    /// Adds a finding, unless there are many of its kind already.
    pub(super) fn note(&mut self, finding: Finding) {
        let same = |f: &&Finding| f.code == finding.code && f.severity == finding.severity;
        let count = self.findings.iter().filter(same).count();
        match count {
            0..TOLD => self.findings.push(finding),
            TOLD => {
                let more = "and more of this kind, which are not told one by one".to_owned();
                self.findings.push(Finding { subject: "…".to_owned(), message: more, hint: None, ..finding });
            }
            _ => {}
        }
    }
}

/// How the statement begins that ends in this line, counted from 1.
fn statement_at(script: &str, line: usize) -> String {
    const WORDS: [&str; 11] = [
        "CREATE ", "ALTER ", "COMMENT ", "GRANT ", "REVOKE ", "INSERT ", "SELECT ", "DO ", "SET ", "COPY ", "REFRESH ",
    ];
    let before: Vec<&str> = script.lines().take(line.max(1)).collect();
    let start = before.iter().rev().find(|line| WORDS.iter().any(|word| line.starts_with(word)));
    let text = start.or(before.last()).copied().unwrap_or("a script");
    let text = text.trim_end_matches(['(', ';', ' ']);
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::statement_at;

    #[test]
    fn a_complaint_is_about_the_statement_that_ends_there() {
        let script = "SET a = 1;\nCREATE TABLE \"public\".\"t\" (\n\t\"id\" integer,\n\t\"v\" vector\n);\n\nGRANT ALL ON t TO x;\n";
        assert_eq!(statement_at(script, 5), "CREATE TABLE \"public\".\"t\"");
        assert_eq!(statement_at(script, 7), "GRANT ALL ON t TO x");
        assert_eq!(statement_at(script, 0), "SET a = 1");
        assert!(statement_at(&format!("CREATE {}", "x".repeat(200)), 1).chars().count() < 110);
    }
}
