//! Arguments from the environment, for callers that cannot make a list of them: an action of GitHub hands
//! over one text, and no shell shall split it.

use std::ffi::OsString;

/// The variable. It stands in the table of settings too, so that it is told of and not taken for a mistake.
const ARGS: &str = "SUPABACKUP_ARGS";

/// The arguments as typed, and behind them those of `SUPABACKUP_ARGS`: one a line. On a line that begins with a
/// dash, a space ends the flag, and all behind it is its value: `--depth hashed`, `--where name=Ann Lee`.
/// Nothing else is split, unquoted or expanded.
pub fn arguments(typed: impl IntoIterator<Item = OsString>, vars: &[(OsString, OsString)]) -> Vec<OsString> {
    let more = vars.iter().find(|(name, _)| name == ARGS).and_then(|(_, value)| value.to_str()).unwrap_or_default();
    let lines = more.lines().map(str::trim).filter(|line| !line.is_empty());
    typed.into_iter().chain(lines.flat_map(words).map(OsString::from)).collect()
}

fn words(line: &str) -> Vec<&str> {
    match line.split_once(char::is_whitespace) {
        Some((flag, value)) if flag.starts_with('-') && !flag.contains('=') => vec![flag, value.trim_start()],
        _ => vec![line],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Vec<String> {
        let vars = [("PATH", "x"), (ARGS, more)].map(|(name, value)| (name.into(), value.into()));
        let read = arguments(["supabackup", "verify"].map(OsString::from), &vars);
        read.into_iter().skip(2).map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_line_is_an_argument_or_a_flag_with_its_value() {
        for (more, expected) in [
            ("", &[] as &[&str]),
            ("\n  \r\n", &[]),
            ("latest", &["latest"]),
            ("latest\r\n--depth hashed\n  --json  \n", &["latest", "--depth", "hashed", "--json"]),
            ("--depth=hashed", &["--depth=hashed"]),
            ("--where   name=Ann Lee", &["--where", "name=Ann Lee"]),
            ("--where=name=Ann Lee", &["--where=name=Ann Lee"]),
            ("a b", &["a b"]),
            ("$(id) `id` \"x\" 'y' \\ ; *", &["$(id) `id` \"x\" 'y' \\ ; *"]),
            ("-n", &["-n"]),
        ] {
            assert_eq!(read(more), expected, "{more:?}");
        }
    }

    #[test]
    fn without_the_variable_the_arguments_are_those_that_were_typed() {
        let typed = [OsString::from("supabackup"), OsString::from("run")];
        assert_eq!(arguments(typed.clone(), &[]), typed);
    }
}
