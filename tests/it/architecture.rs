//! The house rules, held against the sources: who may know whom, how long a file may be, what must
//! not be left in the code, and what must not be said in the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Each module of `src/`, and the other modules that it may name. A module without a line here
/// fails, and so does a line without a module.
const MAY_NAME: [(&str, &[&str]); 25] = [
    // the process and the tour
    ("main", &["cli", "clock", "close_step", "config", "context", "error", "model", "run", "stdio"]),
    ("lib", &["cli", "clock", "commands", "config", "context", "error", "stdio"]),
    // the verbs: the only place that knows project and store at once
    (
        "commands",
        &[
            "ask", "buffers", "check", "cli", "clock", "config", "context", "ddl", "error", "format", "github", "http",
            "model", "notify", "progress", "psql", "render", "snapshot", "stdio", "store", "supabase",
        ],
    ),
    ("cli", &["config", "error", "model"]),
    ("config", &["error", "github", "model", "seal", "store"]),
    ("context", &["clock", "model"]),
    // the engine: the only place that knows sealing and storing at once
    ("snapshot", &["buffers", "error", "format", "model", "seal", "store"]),
    // the edges
    ("supabase", &["error", "format", "http", "model"]),
    ("store", &["buffers", "error", "github", "http"]),
    ("notify", &["buffers", "github", "http", "model"]),
    ("psql", &["error", "model"]),
    // what two edges need of GitHub
    ("github", &["error", "http", "model"]),
    ("http", &["buffers"]),
    // to people
    ("ask", &["context", "error", "model", "render", "stdio"]),
    ("progress", &["model", "stdio"]),
    ("render", &["model", "stdio"]),
    ("stdio", &[]),
    // pure
    ("check", &["model"]),
    ("format", &["model"]),
    ("ddl", &["format", "model"]),
    ("model", &[]),
    ("seal", &[]),
    ("buffers", &[]),
    ("clock", &[]),
    ("error", &[]),
];

/// Rooms that talk to the world. None names another, and only `commands` names two.
const EDGES: [&str; 4] = ["supabase", "store", "notify", "psql"];

/// Rooms without I/O, tasks, clock and environment, and the words that would betray them.
const PURE: [&str; 5] = ["model", "format", "seal", "ddl", "check"];
const IMPURE: [&str; 11] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::time",
    "tokio::",
    "reqwest::",
    "async fn",
    ".await",
    "Utc::now",
    "println!",
];

/// Nothing in `src/` is longer; 300 is the aim.
const MOST_LINES: usize = 400;

/// Marks of unfinished work.
const UNFINISHED: [&str; 6] = ["TODO", "FIXME", "todo!", "unimplemented!", "dbg!", "XXX"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of `src/`: its path below `src/` and its text.
fn sources() -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut todo = vec![root().join("src")];
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root().join("src"))?.to_string_lossy().replace('\\', "/");
                files.push((name, std::fs::read_to_string(&path)?));
            }
        }
    }
    files.sort();
    ensure!(files.len() > 20, "only {} source files were found", files.len());
    Ok(files)
}

/// The room that a file belongs to: `supabase/rows.rs` → `supabase`, `seal.rs` → `seal`.
fn room(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many `super::` lead from the file's own module to the crate's root.
fn depth(file: &str) -> usize {
    let steps = file.split('/').count();
    if file.ends_with("/mod.rs") { steps - 1 } else { steps }
}

/// The identifier that a text begins with.
fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Every module of the crate that a file names, and what in it is not written in the plain way.
fn named(file: &str, text: &str, known: &BTreeSet<&str>) -> (BTreeSet<String>, Vec<String>) {
    let mut names = BTreeSet::new();
    let mut odd = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for root in ["crate::", "supabackup::"] {
            for (at, _) in line.match_indices(root) {
                let before = line[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                    continue; // part of a longer word
                }
                match identifier(&line[at + root.len()..]) {
                    "" => odd.push(format!("{file}: one path per line, not {:?}", line.trim())),
                    name => drop(names.insert(name.to_owned())),
                }
            }
        }
        // `super::super::store` reaches another room as well
        let mut at = 0;
        while let Some(found) = line[at..].find("super::") {
            let start = at + found;
            let mut end = start;
            let mut steps = 0;
            while line[end..].starts_with("super::") {
                end += "super::".len();
                steps += 1;
            }
            let name = identifier(&line[end..]);
            if steps >= depth(file) && known.contains(name) {
                names.insert(name.to_owned());
            }
            at = end;
        }
    }
    names.remove(room(file));
    (names, odd)
}

/// All that is against the table in one file.
fn violations(file: &str, text: &str) -> Vec<String> {
    let table: BTreeMap<&str, &[&str]> = MAY_NAME.into_iter().collect();
    let known: BTreeSet<&str> = table.keys().copied().collect();
    let room = room(file);
    let Some(allowed) = table.get(room) else {
        return vec![format!("{file}: the module `{room}` has no line in the table")];
    };
    let (names, mut found) = named(file, text, &known);
    for name in names.iter().filter(|name| !allowed.contains(&name.as_str())) {
        found.push(format!("{file}: `{room}` may not name `{name}`"));
    }
    if PURE.contains(&room) {
        let code = |line: &&str| !line.trim_start().starts_with("//");
        for line in text.lines().filter(code) {
            if let Some(word) = IMPURE.iter().find(|word| line.contains(**word)) {
                found.push(format!("{file}: `{room}` is pure, and says {word:?}"));
            }
        }
    }
    found
}

#[test]
fn every_module_names_only_those_it_may_name() -> Result<()> {
    let found: Vec<String> = sources()?.iter().flat_map(|(file, text)| violations(file, text)).collect();
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

#[test]
fn the_table_has_a_line_for_every_module_and_no_other() -> Result<()> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs"))?;
    let module = |line: &str| -> Option<String> {
        let line = line.trim();
        let name = line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("pub(crate) mod "));
        Some(name.or_else(|| line.strip_prefix("mod "))?.strip_suffix(';')?.to_owned())
    };
    let mut modules: BTreeSet<String> = lib.lines().filter_map(module).collect();
    modules.extend(["main".to_owned(), "lib".to_owned()]);
    let lines: BTreeSet<String> = MAY_NAME.iter().map(|(name, _)| (*name).to_owned()).collect();
    ensure!(modules == lines, "modules: {modules:?}\ntable: {lines:?}");
    Ok(())
}

#[test]
fn the_table_keeps_the_rules_that_the_tour_promises() {
    let table: BTreeMap<&str, &[&str]> = MAY_NAME.into_iter().collect();
    let names = |room: &str, other: &str| table.get(room).is_some_and(|allowed| allowed.contains(&other));
    assert_eq!(table.get("model"), Some(&&[][..]), "model names nobody");
    for edge in EDGES {
        assert!(!EDGES.iter().any(|other| names(edge, other)), "{edge} names another edge");
    }
    for room in table.keys() {
        let edges = EDGES.iter().filter(|edge| names(room, edge)).count();
        assert!(*room == "commands" || edges < 2, "{room} knows several edges");
        // `config` reads the texts of recipients and of the store's address; it neither seals nor stores
        let may = ["snapshot", "config"].contains(room);
        assert!(may || !(names(room, "seal") && names(room, "store")), "{room} seals and stores");
    }
    // nobody is reached again from those it names: take away whoever names nobody that is left
    let mut left = table.clone();
    loop {
        let leaf = left.iter().find(|(_, allowed)| !allowed.iter().any(|name| left.contains_key(name)));
        let Some(leaf) = leaf.map(|(room, _)| *room) else { break };
        left.remove(leaf);
    }
    assert!(left.is_empty(), "these name each other in a circle: {:?}", left.keys());
}

#[test]
fn a_planted_violation_is_seen() {
    let clean = "use crate::model::Part;\nuse std::fmt;\n// crate::store::Store is not named here\n";
    assert_eq!(violations("format/copy.rs", clean), Vec::<String>::new());
    assert_eq!(violations("store/dir.rs", "use super::Key;\nuse super::error::StoreError;\n"), Vec::<String>::new());
    for (file, planted) in [
        ("supabase/rows.rs", "use crate::store::Store;"),
        ("supabase/rows.rs", "    let key = crate::store::Key::new(x)?;"),
        ("supabase/rows.rs", "    super::super::store::open(url)"),
        ("seal/mod.rs", "use super::super::store::Store;"),
        ("store/mod.rs", "pub(crate) use super::supabase::Client;"),
        ("notify/heartbeat.rs", "use crate::supabase::Client;"),
        ("store/dir.rs", "use crate::{error::Failure, supabase::Client};"),
        ("model/manifest.rs", "use crate::error::Failure;"),
        ("snapshot/writer.rs", "fn x(c: &crate::supabase::Client) {}"),
        ("snapshot/writer.rs", "fn x(a: crate::seal::Sealer, c: crate::config::Config) {}"),
        ("main.rs", "use supabackup::store::Store;"),
        ("brand_new.rs", "use std::fmt;"),
        ("model/plan.rs", "pub async fn plan() {}"),
        ("format/page.rs", "    let now = Utc::now();"),
    ] {
        assert_eq!(violations(file, planted).len(), 1, "{file}: {planted}");
    }
}

#[test]
fn no_source_file_is_long_and_nothing_is_left_unfinished() -> Result<()> {
    let mut found = Vec::new();
    for (file, text) in sources()? {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            found.push(format!("src/{file}: {lines} lines, more than {MOST_LINES}: split it"));
        }
        for (number, line) in (1..).zip(text.lines()) {
            found.extend(
                UNFINISHED
                    .iter()
                    .filter(|mark| line.contains(**mark))
                    .map(|mark| format!("src/{file}:{number}: {mark}")),
            );
        }
    }
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

/// What a checkout has, and what it would have after the next commit.
fn repository() -> Result<Vec<PathBuf>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("running git")?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let files: Vec<PathBuf> = listed
        .stdout
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| root().join(String::from_utf8_lossy(name).as_ref()))
        .filter(|path| path.is_file())
        .collect();
    ensure!(files.len() > 20, "git lists only {} files", files.len());
    Ok(files)
}

/// Where a line names a place on somebody's machine, or a folder beside the repository.
fn private_places(line: &str) -> Vec<String> {
    // put together here, so that this file does not name them
    let homes = ["work", "root", "home", "Users"].map(|name| format!("/{name}/"));
    let mut found = Vec::new();
    for home in &homes {
        for (at, _) in line.match_indices(home.as_str()) {
            let before = line[..at].chars().next_back();
            // `a/home/b` is a relative path, `https://host/home/` a page
            if before.is_none_or(|c| !c.is_alphanumeric() && !"_-.*}".contains(c)) {
                found.push(home.clone());
            }
        }
    }
    found.extend(line.contains(&["..", "shared"].join("/")).then(|| "a folder beside the repository".to_owned()));
    found
}

#[test]
fn private_places_are_told_from_ordinary_paths() {
    let home = ["", "home", "me", "x"].join("/");
    for line in [
        home.clone(),
        format!("see {home}"),
        format!("\"{home}\""),
        format!("={home}"),
        ["..", "shared", "x"].join("/"),
    ] {
        assert!(!private_places(&line).is_empty(), "{line}");
    }
    for line in ["tests/stack/work/x".to_owned(), format!("https://example.com{home}"), "/srv/backups".to_owned()] {
        assert_eq!(private_places(&line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn nothing_in_the_repository_names_a_private_place() -> Result<()> {
    let mut found = Vec::new();
    for path in repository()? {
        let Ok(text) = String::from_utf8(std::fs::read(&path)?) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            for place in private_places(line) {
                found.push(format!("{}:{number}: {place}", path.strip_prefix(root())?.display()));
            }
        }
    }
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}
