//! Settings told to people: the help of a flag, and the table of the documentation.

use super::{Kind, SETTINGS, Unset, setting};
use crate::config::values::{show_duration, show_size};

use Kind::{AnyOf, List, Places, Switch};
use Unset::{Described, Nothing, Value};

/// The help text of a setting's flag: what it is for, then variable, default, and whether it repeats.
pub fn help(name: &str) -> String {
    let setting = setting(name);
    let mut notes: Vec<String> = setting.variables.first().map(|variable| (*variable).to_owned()).into_iter().collect();
    match (setting.kind, setting.default) {
        (Switch, _) | (_, Nothing) => {}
        (_, Value(text) | Described(text)) => notes.push(format!("default: {text}")),
    }
    if matches!(setting.kind, List | AnyOf(_) | Places) {
        notes.push("repeatable".to_owned());
    }
    format!("{} [{}]", capital(setting.help), notes.join("; "))
}

/// The table of all settings as Markdown, for `docs/configuration.md`.
pub fn markdown() -> String {
    let mut out =
        String::from("| What | Flag | Environment | File key | Values | Default |\n|---|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let code = |text: &str| format!("`{text}`");
        let flag = setting.flag.map_or("–".to_owned(), code);
        let variables = setting.variables.iter().map(|v| code(v)).collect::<Vec<_>>().join(", or ");
        let key = match (setting.in_file, setting.per_table) {
            (true, true) => format!("{}, also per table", code(setting.name)),
            (true, false) => code(setting.name),
            (false, _) => "–".to_owned(),
        };
        let default = match setting.default {
            Value(text) => code(text),
            Described(text) => text.to_owned(),
            Nothing => "–".to_owned(),
        };
        let what = capital(setting.help).replace('|', "\\|").replace('*', "\\*");
        out += &format!("| {what} | {flag} | {variables} | {key} | {} | {default} |\n", setting.kind.describe());
    }
    out
}

impl Kind {
    /// What may be given, for a person.
    fn describe(self) -> String {
        let words = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Text => "text".to_owned(),
            Self::Secret => "**secret**".to_owned(),
            Self::List => "list".to_owned(),
            Self::Places => "list of directories and URLs".to_owned(),
            Self::AnyOf(known) => format!("list of {}", words(known)),
            Self::OneOf(known) => words(known),
            Self::Switch => "`yes`, `no`".to_owned(),
            Self::Count(least, most) => format!("{least} to {most}"),
            Self::Size(least, most) => format!("{} to {}", show_size(least), show_size(most)),
            Self::Duration(least, most) => format!("{} to {}", show_duration(least), show_duration(most)),
        }
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}
