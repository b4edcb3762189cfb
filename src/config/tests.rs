//! The whole way, from sources to `Config`.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::*;

const REF: &str = "abcdefghijklmnopqrst";
const TABLE: (&str, &str) = ("<!-- settings:begin -->", "<!-- settings:end -->");

fn environment(vars: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    vars.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn flags(given: &[(&'static str, &[&str])]) -> Flags {
    let mut flags = Flags::default();
    given.iter().for_each(|(name, values)| flags.set(name, *values));
    flags
}

/// Loads without a file.
fn load(need: Need, given: &[(&'static str, &[&str])], vars: &[(&str, &str)]) -> Result<Config, Failure> {
    Config::load(need, &flags(given), environment(vars), Path::new("/nonexistent"))
}

fn mistakes(result: Result<Config, Failure>) -> Vec<String> {
    let Err(failure) = result else { return Vec::new() };
    assert_eq!(failure.exit_code(), 2);
    assert!(failure.hint.is_some());
    let several = failure.message.lines().filter(|line| line.starts_with("  ")).map(|line| line.trim().to_owned());
    let several: Vec<_> = several.collect();
    if several.is_empty() { vec![failure.message] } else { several }
}

#[test]
fn without_any_source_the_defaults_of_the_table_hold() -> anyhow::Result<()> {
    let config = load(Need::Store, &[], &[])?;
    assert!(config.project.is_none() && config.project_name.is_none() && config.access_token.is_none());
    assert_eq!(config.store, StoreUrl::Directory("./backups".into()));
    assert_eq!((config.schemas.len(), config.include.len(), config.exclude.len()), (0, 0, 0));
    assert_eq!(config.artifacts, [Artifact::Sql, Artifact::Json]);
    assert_eq!((config.connections, config.compression_level, config.passes, config.retries), (4, 1, 5, 6));
    assert_eq!((config.part_size, config.page_size), (16 << 20, 1 << 20));
    assert_eq!((config.request_timeout, config.retry_delay), (Duration::from_secs(90), Duration::from_millis(500)));
    assert_eq!((config.paging, config.progress, config.quiet), (Paging::Auto, Progress::Auto, false));
    assert_eq!(config.project().map(|_| ()).map_err(|f| f.message), Err(reader::NO_ADDRESS.to_owned()));
    Ok(())
}

#[test]
fn flags_go_before_environment_before_file_before_default() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(
        directory.path().join("supabackup.toml"),
        "connections = 2\npasses = 2\nretries = 2\ninclude = ['file,s', 'x']\nexclude = 'a, b'\npaging = 'Keyset'\n",
    )?;
    let given = flags(&[("connections", &["8"]), ("include", &["flag", r"a\,b,c"]), ("store", &[""])]);
    let vars = [
        ("SUPABACKUP_CONNECTIONS", "7"),
        ("SUPABACKUP_PASSES", "7"),
        ("SUPABACKUP_RETRIES", " "),
        ("SUPABACKUP_INCLUDE", "env"),
        ("SUPABACKUP_EXCLUDE", r"x\,y, z"),
        ("SUPABACKUP_STORE", "/from/env"),
    ];
    let config = Config::load(Need::Store, &given, environment(&vars), directory.path())?;
    assert_eq!((config.connections, config.passes, config.retries, config.compression_level), (8, 7, 2, 1));
    assert_eq!(config.include, ["flag", "a,b", "c"]);
    assert_eq!(config.exclude, ["x,y", "z"]);
    assert_eq!(config.store, StoreUrl::Directory("/from/env".into()));
    assert_eq!(config.paging, Paging::Keyset);

    let config = Config::load(Need::Store, &Flags::default(), [], directory.path())?;
    assert_eq!(config.include, ["file,s", "x"]);
    assert_eq!(config.exclude, ["a", "b"]);
    Ok(())
}

#[test]
fn the_file_is_named_by_flag_before_environment() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    for name in ["supabackup", "flag", "env"] {
        std::fs::write(directory.path().join(format!("{name}.toml")), format!("store = '{name}'"))?;
    }
    let vars = [("SUPABACKUP_CONFIG", "env.toml")];
    let store = |given: &Flags, vars: &[(&str, &str)]| {
        Config::load(Need::Store, given, environment(vars), directory.path()).map(|config| config.store.to_string())
    };
    assert_eq!(store(&flags(&[("config", &["flag.toml"])]), &vars)?, "flag");
    assert_eq!(store(&Flags::default(), &vars)?, "env");
    assert_eq!(store(&Flags::default(), &[])?, "supabackup");
    Ok(())
}

#[test]
fn all_mistakes_are_told_at_once_with_the_name_they_were_given_under() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("supabackup.toml"), "\nretries = 'many'\nparts = 1\nconnections = [1]\n")?;
    let given = flags(&[("page_size", &["1KiB"]), ("paging", &["ctdi"]), ("retry_delay", &["2h"])]);
    let vars = [
        ("SUPABACKUP_PART_SIZE", "16 mb x"),
        ("SUPABACKUP_REQUEST_TIMEOUT", "90"),
        ("SUPABACKUP_ARTIFACTS", "sql, jsonl"),
        ("SUPABACKUP_STROE", "x"),
        ("SUPABACKUP_PASSES", "51"),
        ("SUPABACKUP_QUIET", "maybe"),
        ("SUPABACKUP_STORE", "~/backups"),
        ("SUPABASE_PROJECT_REF", "../x"),
    ];
    let mut told = mistakes(Config::load(Need::Project, &given, environment(&vars), directory.path()));
    told.sort();
    assert_eq!(
        told,
        [
            "--page-size: 1KiB is not between 16KiB and 64MiB",
            "--paging: \"ctdi\" is none of auto, ctid, keyset; did you mean ctid?",
            "--retry-delay: 2h is not between 1ms and 1m",
            "SUPABACKUP_ARTIFACTS: \"jsonl\" is none of sql, json; did you mean json?",
            "SUPABACKUP_PART_SIZE: \"16 mb x\" is not a size (like 16MiB)",
            "SUPABACKUP_PASSES: 51 is not between 1 and 50",
            "SUPABACKUP_QUIET: \"maybe\" is neither yes nor no",
            "SUPABACKUP_REQUEST_TIMEOUT: \"90\" is not a duration (like 90s, 15m or 500ms)",
            "SUPABACKUP_STORE: ~ is only known to shells; write the whole path",
            "SUPABACKUP_STROE: there is no such variable; did you mean SUPABACKUP_STORE?",
            "SUPABASE_PROJECT_REF: \"../x\" is not a project ref (a-z, 0-9, dot, dash and underscore, \
             beginning with a letter or digit)",
            reader::NO_KEY,
            "connections in line 4 of the configuration file: must be one value, not a list",
            "parts in line 3 of the configuration file: there is no such key",
            "retries in line 2 of the configuration file: \"many\" is not a whole number",
        ]
    );
    Ok(())
}

#[test]
fn the_project_has_a_name_an_address_and_a_key() {
    let hosted = format!("https://{REF}.supabase.co");
    let key = ("SUPABASE_SECRET_KEY", "sb_secret_x");
    for (vars, expected) in [
        (vec![("SUPABASE_URL", hosted.as_str()), key], Ok((hosted.as_str(), REF))),
        (vec![("SUPABASE_PROJECT_REF", REF), key], Ok((&hosted, REF))),
        (vec![("SUPABASE_URL", &hosted), ("SUPABASE_PROJECT_REF", REF), key], Ok((&hosted, REF))),
        (
            vec![("SUPABASE_URL", "https://api.example.com/"), ("SUPABASE_PROJECT_REF", REF), key],
            Ok(("https://api.example.com", REF)),
        ),
        (vec![("SUPABASE_URL", "http://127.0.0.1:54321"), key], Ok(("http://127.0.0.1:54321", "127.0.0.1-54321"))),
        (
            vec![("SUPABASE_URL", "http://example.com"), ("SUPABACKUP_ALLOW_HTTP", "yes"), key],
            Ok(("http://example.com", "example.com")),
        ),
        (vec![("SUPABASE_PROJECT_REF", "my-app"), key], Err(reader::NO_ADDRESS)),
        (vec![key], Err(reader::NO_ADDRESS)),
        (vec![("SUPABASE_URL", &hosted)], Err(reader::NO_KEY)),
        (vec![("SUPABASE_PROJECT_REF", REF)], Err(reader::NO_KEY)),
        (
            vec![("SUPABASE_URL", &hosted), ("SUPABASE_PROJECT_REF", "my-app"), key],
            Err("SUPABASE_URL: belongs to the project abcdefghijklmnopqrst, and the project ref given is my-app"),
        ),
    ] {
        let project = load(Need::Project, &[], &vars).map_err(|failure| failure.message);
        let project = project.map(|config| config.project.map(|p| (p.url, p.name)).unwrap_or_default());
        let expected = expected.map(|(url, name)| (url.to_owned(), name.to_owned())).map_err(str::to_owned);
        assert_eq!(project, expected, "{vars:?}");
    }
}

/// A token goes to the Management API only for a project that is known to be hosted, or where the
/// API's address was given on purpose.
#[test]
fn a_project_is_hosted_only_where_something_says_so() -> anyhow::Result<()> {
    let hosted = format!("https://{REF}.supabase.co");
    let elsewhere = ("SUPABACKUP_MANAGEMENT_URL", "https://api.example.com/");
    for (vars, expected) in [
        (vec![("SUPABASE_URL", hosted.as_str())], Some(REF)),
        (vec![("SUPABASE_PROJECT_REF", REF)], Some(REF)),
        (vec![("SUPABASE_URL", "https://data.example.com"), ("SUPABASE_PROJECT_REF", REF)], Some(REF)),
        (vec![("SUPABASE_URL", "https://data.example.com")], None),
        (vec![("SUPABASE_URL", "https://data.example.com"), ("SUPABASE_PROJECT_REF", "my-app")], None),
        (vec![("SUPABASE_URL", "http://127.0.0.1:54321"), ("SUPABASE_PROJECT_REF", REF)], None),
        (vec![("SUPABASE_URL", "http://kong:8000"), ("SUPABASE_PROJECT_REF", REF)], None),
        (vec![("SUPABASE_URL", "http://kong:8000"), ("SUPABASE_PROJECT_REF", "my-app"), elsewhere], Some("my-app")),
    ] {
        let config = load(Need::Store, &[], &vars)?;
        assert_eq!(config.management_ref.as_deref(), expected, "{vars:?}");
    }
    assert_eq!(load(Need::Store, &[], &[])?.management_url, "https://api.supabase.com");
    assert_eq!(load(Need::Store, &[], &[elsewhere])?.management_url, "https://api.example.com");
    let told = mistakes(load(Need::Store, &[], &[("SUPABACKUP_MANAGEMENT_URL", "http://api.example.com")]));
    assert!(told[0].starts_with("SUPABACKUP_MANAGEMENT_URL: is http://"), "{told:?}");
    let vars =
        [("SUPABASE_URL", hosted.as_str()), ("SUPABASE_SECRET_KEY", "sb_secret_x"), ("SUPABACKUP_SQL", "management")];
    let told = mistakes(load(Need::Project, &[], &vars));
    assert_eq!(told, ["SUPABACKUP_SQL: management needs a token: set SUPABASE_ACCESS_TOKEN"]);
    Ok(())
}

#[test]
fn the_name_is_known_without_a_key_where_only_the_store_is_needed() -> anyhow::Result<()> {
    let config = load(Need::Store, &[("project_ref", &["my-app"])], &[])?;
    assert_eq!(config.project_name.as_deref(), Some("my-app"));
    assert!(config.project.is_none());
    assert_eq!(config.project().map(|_| ()).map_err(|f| f.message), Err(reader::NO_KEY.to_owned()));
    Ok(())
}

#[test]
fn every_word_of_a_choice_means_something_of_its_own() -> anyhow::Result<()> {
    for setting in SETTINGS {
        let Kind::OneOf(words) = setting.kind else { continue };
        let meanings =
            words.iter().map(|word| Ok(format!("{:?}", load(Need::Store, &[(setting.name, &[word])], &[])?)));
        let meanings = meanings.collect::<anyhow::Result<std::collections::BTreeSet<_>>>()?;
        assert_eq!(meanings.len(), words.len(), "{}", setting.name);
    }
    Ok(())
}

#[test]
fn a_store_of_an_unknown_kind_is_refused_without_repeating_its_address() {
    for address in [
        "sftp://id:the-sentinel@host",
        "gs://the-sentinel",
        "https://the-sentinel@host/",
        "postgres://a:the-sentinel@b",
    ] {
        let told = mistakes(load(Need::Store, &[("store", &[address])], &[])).join("");
        let scheme = address.split(':').next().unwrap_or_default();
        assert!(told.starts_with("--store: ") && told.contains(scheme) && !told.contains("sentinel"), "{told}");
    }
}

/// The table writes its defaults for people, and the rules have theirs: they are the same.
#[test]
fn retention_is_a_profile_and_what_is_set_beside_it() -> anyhow::Result<()> {
    assert_eq!(load(Need::Store, &[], &[])?.retention, Retention::default());
    for profile in crate::model::Profile::ALL {
        let config = load(Need::Store, &[], &[("SUPABACKUP_RETENTION", &profile.to_string())])?;
        assert_eq!(config.retention, profile.retention());
    }
    let given: &[(&str, &[&str])] = &[("keep_monthly", &["2"]), ("freeze_after", &["36h"])];
    let vars = [("SUPABACKUP_RETENTION", "production"), ("SUPABACKUP_KEEP_WITHIN", "1.5d")];
    let rules = load(Need::Store, given, &vars)?.retention;
    assert_eq!((rules.monthly, rules.keep_within.num_hours(), rules.freeze_after.num_hours()), (2, 36, 36));
    Ok(())
}

/// The table writes its defaults for people, and the watch has its own: they are the same.
#[test]
fn limits_hold_for_all_tables_and_a_table_has_its_own() -> anyhow::Result<()> {
    assert_eq!(load(Need::Store, &[], &[])?.limits, crate::model::Limits::default());
    let directory = tempfile::tempdir()?;
    let file = |text: &str| std::fs::write(directory.path().join("supabackup.toml"), text);
    file("max_age = '12h'\n[tables.'public.orders']\nmax_rows = 5\n[tables.\"a.b.c\"]\nmax_shrink = 0\n")?;
    let vars = environment(&[("SUPABACKUP_DAILY_GROWTH", "7"), ("SUPABACKUP_MAX_ROWS", "70")]);
    let limits = Config::load(Need::Store, &flags(&[("max_rows", &["80"])]), vars, directory.path())?.limits;
    let orders = limits.of(&crate::model::TableName::new("public", "orders"));
    assert_eq!((limits.max_age.num_hours(), limits.tables.max_rows, limits.tables.max_shrink), (12, 80, 20));
    assert_eq!((orders.max_rows, orders.daily_growth, orders.max_shrink), (5, 7, 20));
    assert_eq!(limits.of(&crate::model::TableName::new("a.b", "c")).max_shrink, 0);
    assert!(!limits.is_database_size_given);
    assert!(load(Need::Store, &[], &[("SUPABACKUP_MAX_DATABASE_SIZE", "8GB")])?.limits.is_database_size_given);
    file("[tables.\"public.orders\"]\nmax_row = 5\nstore = 'x'\nmax_shrink = 101\n[tables.orders]\nmax_rows = 1\n")?;
    let told = mistakes(Config::load(Need::Store, &Flags::default(), environment(&[]), directory.path()));
    assert_eq!(told.len(), 4, "{told:?}");
    for expected in [
        "tables.\"public.orders\".max_row in line 2 of the configuration file: a table has no such key; did you mean max_rows?",
        "tables.\"public.orders\".store in line 3 of the configuration file: a table has no such key",
        "tables.\"public.orders\".max_shrink in line 4 of the configuration file: 101 is not between 0 and 100",
        "tables.\"orders\" in line 5 of the configuration file: must be a section for one table, like [tables.\"public.orders\"]",
    ] {
        assert!(told.iter().any(|told| told == expected), "{expected}: {told:?}");
    }
    Ok(())
}

#[test]
fn a_workflow_is_one_that_a_schedule_started() -> anyhow::Result<()> {
    let job = |event| [("GITHUB_REPOSITORY", "o/r"), ("GITHUB_WORKFLOW", "backup"), ("GITHUB_EVENT_NAME", event)];
    let workflow = load(Need::Store, &[], &job("schedule"))?.workflow.map(|found| (found.repository, found.name));
    assert_eq!(workflow, Some(("o/r".to_owned(), Some("backup".to_owned()))));
    assert_eq!(load(Need::Store, &[], &job("push"))?.workflow, None);
    Ok(())
}

#[test]
fn quiet_means_no_progress() -> anyhow::Result<()> {
    let config = load(Need::Store, &[("quiet", &["yes"])], &[("SUPABACKUP_PROGRESS", "bars")])?;
    assert!(config.quiet);
    assert_eq!(config.progress, Progress::None);
    Ok(())
}

#[test]
fn no_secret_is_shown_by_debug_or_by_any_mistake() -> anyhow::Result<()> {
    let vars = [
        ("SUPABASE_URL", "https://example.com"),
        ("SUPABASE_SECRET_KEY", "sb_secret_the-sentinel"),
        ("SUPABASE_ACCESS_TOKEN", "sbp_the-sentinel"),
    ];
    let config = load(Need::Project, &[], &vars)?;
    assert!(!format!("{config:?}").contains("sentinel"));

    let key = "sb_secret_the-sentinel";
    for (name, setting) in SETTINGS.iter().flat_map(|s| s.variables.iter().map(move |name| (*name, s))) {
        for value in [key.to_owned(), format!("{key} {key}"), format!("https://u:{key}@h/?{key}"), format!("\"{key}\"")]
        {
            let told = mistakes(load(Need::Project, &[], &[(name, &value)])).join("\n");
            assert!(!told.contains("sentinel"), "{name}={value} ({:?}): {told}", setting.kind);
        }
    }
    for wrong in ["sb_secret_x", "sb_publishable_x"] {
        let told = mistakes(load(Need::Store, &[], &[("SUPABASE_ACCESS_TOKEN", wrong)]));
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("which belongs in SUPABASE_SECRET_KEY"), "{told:?}");
    }
    Ok(())
}

#[test]
fn names_in_the_table_are_regular() {
    for setting in SETTINGS {
        for variable in setting.variables {
            let ours = variable.starts_with("SUPABACKUP_") || variable.starts_with("SUPABASE_");
            let theirs = ["AWS_", "ACTIONS_", "GITHUB_", "GOOGLE_", "AZURE_", "PG", "PATH"]
                .iter()
                .any(|prefix| variable.starts_with(prefix));
            assert!(ours || (theirs && setting.flag.is_none() && !setting.in_file), "{variable}");
        }
        assert!(setting.kind != Kind::Secret || (setting.flag.is_none() && !setting.in_file), "{}", setting.name);
        assert!(setting.help.starts_with(|c: char| c.is_lowercase() || c == '.'), "{}", setting.help);
        assert!(!setting.help.ends_with('.'), "{}", setting.help);
    }
}

#[test]
fn the_documented_table_is_the_one_in_the_code() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let text = std::fs::read_to_string(&path)?;
    let parts = text.split_once(TABLE.0).and_then(|(before, rest)| Some((before, rest.split_once(TABLE.1)?)));
    let (before, (table, after)) = parts.ok_or_else(|| anyhow::anyhow!("{} has lost its markers", path.display()))?;
    let right = format!("\n{}", markdown());
    #[expect(clippy::disallowed_methods, reason = "asks the person who runs the tests, not the user")]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(&path, format!("{before}{}{right}{}{after}", TABLE.0, TABLE.1))?;
    } else {
        assert!(table == right, "run UPDATE_DOCS=1 cargo test, or put this into {}:\n{right}", path.display());
    }
    Ok(())
}

#[test]
fn the_documented_example_file_is_valid() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md"))?;
    let example = text.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).map(|(example, _)| example);
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("supabackup.toml"), example.unwrap_or("no example"))?;
    let config = Config::load(Need::Store, &Flags::default(), [], directory.path())?;
    assert_eq!(config.exclude.len(), 2);
    Ok(())
}
