//! The statement that reads a project's whole catalog at one moment: one row, one text column named
//! `catalog`, which holds a JSON document with one member per file under `catalog/`.

macro_rules! parts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("catalog/", $name, ".sql")))),*]
    };
}

/// Name of the member, and the query whose rows it holds.
const PARTS: &[(&str, &str)] = parts![
    "server",
    "roles",
    "schemas",
    "extensions",
    "types",
    "functions",
    "aggregates",
    "operators",
    "casts",
    "collations",
    "text_search",
    "sequences",
    "relations",
    "constraints",
    "indexes",
    "triggers",
    "rules",
    "policies",
    "event_triggers",
    "publications",
    "statistics",
    "servers",
    "default_acl",
    "comments",
    "dependencies",
    "aliases",
    "unwritten",
    "jobs",
    "buckets",
];

/// The statement. It needs `search_path` to be empty: the server then qualifies every name that it
/// writes.
pub(crate) fn statement() -> String {
    let scope = include_str!("catalog/scope.sql");
    let members: Vec<String> = PARTS
        .iter()
        .map(|(name, query)| {
            format!(
                "'{name}', (SELECT coalesce(pg_catalog.json_agg(part), '[]'::json) FROM (\n{}\n) part)",
                query.trim_end().trim_end_matches(';')
            )
        })
        .collect();
    format!("WITH {scope}\nSELECT pg_catalog.json_build_object(\n{}\n)::text AS catalog", members.join(",\n"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_is_part_of_the_statement() -> std::io::Result<()> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/supabase/sql/catalog");
        let mut names = Vec::new();
        for file in std::fs::read_dir(folder)? {
            let file = file?.file_name();
            names.extend(file.to_str().and_then(|name| name.strip_suffix(".sql")).map(str::to_owned));
        }
        names.retain(|name| name != "scope");
        names.sort();
        let mut parts: Vec<&str> = super::PARTS.iter().map(|(name, _)| *name).collect();
        parts.sort_unstable();
        assert_eq!(names, parts);
        Ok(())
    }
}
