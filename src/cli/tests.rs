use std::collections::BTreeSet;

use clap::CommandFactory;

use super::*;
use crate::config::{Kind, SETTINGS};
use crate::model::Depth;

fn read(arguments: &str) -> Result<Cli, clap::Error> {
    let arguments = arguments.split_whitespace().filter(|a| *a != "''");
    Cli::read(std::iter::once("supabackup").chain(arguments).map(OsString::from))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_of_the_table_exists_and_arrives_under_its_name() {
    let known: BTreeSet<_> = SETTINGS.iter().filter_map(|setting| setting.flag).collect();
    for setting in SETTINGS {
        let Some(flag) = setting.flag else { continue };
        let is_switch = setting.kind == Kind::Switch;
        let value = if is_switch { "" } else { "3" };
        // a backup opens and removes nothing
        let knows = |command: &&str| read(&format!("{command} {flag} {value}")).is_ok();
        let command = ["backup", "verify", "prune", "run", "monitor", "copy --all", "recompress"];
        let command = command.into_iter().find(knows).unwrap_or("backup");
        let flags = read(&format!("{command} {flag} {value}")).map_err(|e| e.to_string()).map(|cli| cli.flags());
        let flags = flags.and_then(|flags| flags.map_err(|failure| failure.message));
        let given = flags.map(|flags| flags.get(setting.name).to_vec());
        let expected = if is_switch { "yes" } else { "3" };
        assert_eq!(given, Ok(vec![expected.to_owned()]), "{flag}");
    }
    let not_settings =
        ["--help", "--version", "--no-color", "--dry-run", "--json", "--secret-key", "--apply", "--project", "--watch"];
    let mut command = Cli::command();
    command.build();
    let both = ["backup", "prune", "run", "monitor"].into_iter().filter_map(|name| command.find_subcommand(name));
    for argument in both.flat_map(|command| command.get_arguments()) {
        let flag = argument.get_long().map(|long| format!("--{long}")).unwrap_or_default();
        assert!(known.contains(flag.as_str()) || not_settings.contains(&flag.as_str()), "{flag} is not in the table");
    }
}

#[test]
fn every_flag_has_a_help_text() {
    for command in Cli::command().get_subcommands() {
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
    }
}

#[test]
fn a_list_flag_repeats_and_a_level_can_be_negative() -> anyhow::Result<()> {
    let flags = read("backup --exclude a --compression-level -3 --exclude b,c --schema s")?.flags()?;
    assert_eq!(flags.get("exclude"), ["a", "b,c"]);
    assert_eq!(flags.get("compression_level"), ["-3"]);
    assert_eq!(flags.get("schemas"), ["s"]);
    Ok(())
}

#[test]
fn global_flags_stand_before_or_after_the_command() -> anyhow::Result<()> {
    for arguments in ["--store x --no-color -q list", "list --store x --no-color --quiet"] {
        let cli = read(arguments)?;
        assert_eq!(cli.flags()?.get("store"), ["x"]);
        assert_eq!(cli.flags()?.get("quiet"), ["yes"]);
        assert!(cli.no_color());
        assert_eq!(cli.need(), Need::Store);
    }
    Ok(())
}

#[test]
fn verify_takes_the_newest_snapshot_unless_told_otherwise() -> anyhow::Result<()> {
    for (arguments, snapshot, all, depth) in [
        ("verify", "latest", false, Depth::Opened),
        ("verify latest --depth listed", "latest", false, Depth::Listed),
        ("verify --all --depth hashed", "latest", true, Depth::Hashed),
        ("verify 20261123T031500Z-7f3a", "20261123T031500Z-7f3a", false, Depth::Opened),
    ] {
        let Command::Verify(args) = read(arguments)?.command else { anyhow::bail!("{arguments}") };
        assert_eq!((Ok(args.snapshot), args.all, args.depth), (snapshot.parse(), all, depth), "{arguments}");
    }
    for depth in Depth::ALL {
        assert!(read(&format!("verify --depth {depth}")).is_ok(), "{depth}");
    }
    assert!(read("verify latest --all").is_err());
    assert!(read("verify --depth deep").is_err());
    assert!(read("verify yesterday").is_err());
    Ok(())
}

#[test]
fn prune_removes_nothing_unless_it_is_told_to() -> anyhow::Result<()> {
    for (arguments, apply) in [("prune", false), ("prune -n", false), ("prune --apply", true)] {
        let Command::Prune(args) = read(arguments)?.command else { anyhow::bail!("{arguments}") };
        assert_eq!(args.apply, apply, "{arguments}");
    }
    assert!(read("prune --apply --dry-run").is_err());
    let flags = read("prune --retention production --keep-within 90d --keep-daily 5 --freeze-rows 100")?.flags()?;
    assert_eq!(
        (flags.get("retention"), flags.get("keep_daily")),
        (&["production".to_owned()][..], &["5".to_owned()][..])
    );
    let Command::Pin(args) = read("pin 20261123T031500Z-7f3a --note why")?.command else { anyhow::bail!("pin") };
    assert_eq!(args.note.as_deref(), Some("why"));
    assert!(read("pin").is_err() && read("unpin").is_err(), "which one must be said");
    Ok(())
}

#[test]
fn a_watch_looks_again_every_minute_or_as_often_as_is_said() -> anyhow::Result<()> {
    let seconds = |seconds| Some(std::time::Duration::from_secs(seconds));
    for (arguments, every) in
        [("monitor", None), ("monitor --watch", seconds(60)), ("monitor --watch 5m --json", seconds(300))]
    {
        let Command::Monitor(args) = read(arguments)?.command else { anyhow::bail!("{arguments}") };
        assert_eq!(args.watch, every, "{arguments}");
    }
    for wrong in ["monitor --watch 5", "monitor --watch 0s", "monitor --watch 2d"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert_eq!(read("monitor")?.need(), Need::Store, "it does without a project");
    Ok(())
}

fn restore(arguments: &str) -> anyhow::Result<(Box<RestoreArgs>, Result<Flags, Failure>)> {
    let cli = read(arguments)?;
    let flags = cli.flags();
    let Command::Restore(args) = cli.command else { anyhow::bail!("{arguments}") };
    Ok((args, flags))
}

#[test]
fn restore_takes_sql_alone_as_a_wish_and_with_a_value_as_a_setting() -> anyhow::Result<()> {
    for (arguments, prints, setting) in [
        ("restore", false, &[][..]),
        ("restore --sql", true, &[]),
        ("restore --sql latest", true, &[]),
        ("restore --sql=meta latest", false, &["meta"]),
    ] {
        let (args, flags) = restore(arguments)?;
        let setting: Vec<String> = setting.iter().map(|value| (*value).to_owned()).collect();
        assert_eq!((args.prints_script(), flags?.get("sql")), (prints, setting.as_slice()), "{arguments}");
        assert_eq!(args.snapshot.is_some(), arguments.contains("latest"), "{arguments}");
    }
    for arguments in ["restore --sql --json", "restore --sql -n", "restore --sql --resume"] {
        let failure = restore(arguments)?.1.err().map(|failure| failure.exit_code());
        assert_eq!(failure, Some(2), "{arguments}");
    }
    Ok(())
}

#[test]
fn restore_reads_tables_rows_and_modes() -> anyhow::Result<()> {
    let (args, flags) = restore(
        "restore --table public.a --table b=public.c --schema s,t --schema u --where id=1 --where public.a:k=x=y \
         --mode merge --mode public.a=clear --through api --confirm ref --url http://x --connections 3",
    )?;
    assert_eq!((args.tables().len(), args.rows().len(), args.modes().len()), (2, 2, 2));
    assert_eq!(args.schemas(), ["s", "t", "u"]);
    assert_eq!((args.confirm(), args.through().to_string().as_str()), (Some("ref"), "api"));
    let flags = flags?;
    assert_eq!((flags.get("url"), flags.get("connections")), (&["http://x".to_owned()][..], &["3".to_owned()][..]));
    assert!(flags.get("schemas").is_empty(), "of the snapshot, not of the project");
    assert_eq!(restore("restore --confirm=")?.0.confirm(), None);
    for arguments in ["--mode wipe", "--where id", "--where a:id=1", "--table ''", "--table a.", "--through psql"] {
        let arguments = format!("restore {arguments}");
        assert_eq!(read(&arguments).err().map(|error| error.exit_code()), Some(2), "{arguments}");
    }
    for arguments in ["--table a --table a", "--table a=c --table b=c"] {
        let failure = restore(&format!("restore {arguments}"))?.1.err().map(|failure| failure.exit_code());
        assert_eq!(failure, Some(2), "{arguments}");
    }
    Ok(())
}

#[test]
fn a_key_is_refused_as_a_flag_and_not_repeated() {
    for flag in ["--key", "--secret-key", "--api-key", "--apikey", "--service-role-key", "--access-token", "--token"] {
        for arguments in [
            format!("backup {flag} the-sentinel"),
            format!("backup {flag}=the-sentinel"),
            format!("{flag}=the-sentinel doctor"),
            format!("list {flag}"),
        ] {
            let cli = read(&arguments).map_err(|e| e.to_string());
            assert!(!format!("{cli:?}").contains("sentinel"), "{cli:?}");
            let refused = cli.map(|cli| cli.flags().err().map(|failure| failure.message));
            assert!(matches!(&refused, Ok(Some(text)) if text.contains("every user")), "{arguments}: {refused:?}");
        }
    }
}

#[test]
fn help_shows_neither_the_refused_flags_nor_values_of_the_environment() {
    for arguments in [
        "--help",
        "prune --help",
        "pin --help",
        "backup --help",
        "verify -h",
        "list --help",
        "doctor --help",
        "restore --help",
        "run --help",
    ] {
        let text = read(arguments).map_or_else(|help| help.to_string(), |_| String::new());
        assert!(text.contains("Usage:"), "{arguments}");
        assert!(!text.contains("--secret-key") && !text.contains("--token"), "{text}");
    }
}

#[test]
fn wrong_usage_ends_with_code_2_and_help_with_0() {
    for (arguments, code) in
        [("--help", 0), ("--version", 0), ("backup --help", 0), ("''", 2), ("bakcup", 2), ("backup --nonsense", 2)]
    {
        assert_eq!(read(arguments).err().map(|error| error.exit_code()), Some(code), "{arguments}");
    }
}
