//! The optional TOML file: one key per setting, no secrets, and no sections but those of tables that have
//! limits of their own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::settings::{Kind, SETTINGS};
use crate::config::sources::{Given, Layer, Mistakes, Origin, Raw, did_you_mean};

/// Looked for in the working directory when no file is named.
pub(crate) const DEFAULT_NAME: &str = "supabackup.toml";

/// Reads `named`, or the default file in `directory` if it exists. `origin` is where the name came
/// from, to speak about it.
pub(crate) fn read(named: Option<(&Origin, &str)>, directory: &Path, mistakes: &mut Mistakes) -> Content {
    let path = directory.join(named.map_or(DEFAULT_NAME, |(_, path)| path));
    let shown = named.map_or(DEFAULT_NAME.into(), |(origin, path)| Cow::from(format!("{origin}: {path}")));
    let text = match std::fs::read(&path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            mistakes.at(&shown, "is not valid UTF-8");
            return Content::default();
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => return Content::default(),
        Err(error) => {
            mistakes.at(&shown, format!("cannot be read: {error}"));
            return Content::default();
        }
    };
    parse(&text, mistakes)
}

fn parse(text: &str, mistakes: &mut Mistakes) -> Content {
    let line = |span: Range<usize>| text.as_bytes().iter().take(span.start).filter(|&&byte| byte == b'\n').count() + 1;
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            // only the reason: the line itself may hold a secret
            let at = error.span().map(line).unwrap_or(1);
            mistakes.at(&format!("line {at} of the configuration file"), error.message());
            return Content::default();
        }
    };
    let mut pairs: Vec<_> = table.into_iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    let mut content = Content::default();
    for (key, value) in pairs {
        if key.get_ref() == TABLES {
            content.tables = tables(value, &line, mistakes);
            continue;
        }
        let origin = Origin::File { key: key.get_ref().to_string(), line: line(key.span()) };
        let Some(setting) = SETTINGS.iter().find(|s| s.in_file && s.name == key.get_ref().as_ref()) else {
            mistakes.at(&origin, unknown(key.get_ref()));
            continue;
        };
        match raw(value) {
            Ok(Some(value)) => drop(content.settings.insert(setting.name, Given { origin, value })),
            Ok(None) => {}
            Err(what) => mistakes.at(&origin, what),
        }
    }
    content
}

/// The section of limits that single tables have.
const TABLES: &str = "tables";

/// What the file holds: settings, and by `schema.table` those of single tables.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) settings: Layer,
    pub(crate) tables: BTreeMap<String, Layer>,
}

/// `[tables."public.orders"]`, with settings that a table may have for itself.
fn tables(
    value: Spanned<DeValue<'_>>,
    line: &impl Fn(Range<usize>) -> usize,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, Layer> {
    let mut found = BTreeMap::new();
    let at = line(value.span());
    let DeValue::Table(tables) = value.into_inner() else {
        let origin = Origin::File { key: TABLES.to_owned(), line: at };
        mistakes.at(&origin, "must be sections like [tables.\"public.orders\"]");
        return found;
    };
    for (name, value) in tables {
        let table = name.get_ref().to_string();
        let section = Origin::File { key: format!("{TABLES}.{table:?}"), line: line(name.span()) };
        let (DeValue::Table(pairs), true) = (value.into_inner(), table.contains('.')) else {
            mistakes.at(&section, "must be a section for one table, like [tables.\"public.orders\"]");
            continue;
        };
        let mut layer = Layer::new();
        for (key, value) in pairs {
            let origin = Origin::File { key: format!("{TABLES}.{table:?}.{}", key.get_ref()), line: line(key.span()) };
            let own = || SETTINGS.iter().filter(|setting| setting.per_table);
            let Some(setting) = own().find(|setting| setting.name == key.get_ref().as_ref()) else {
                let near = did_you_mean(key.get_ref(), own().map(|setting| setting.name));
                mistakes.at(&origin, format!("a table has no such key{near}"));
                continue;
            };
            match raw(value) {
                Ok(Some(value)) => drop(layer.insert(setting.name, Given { origin, value })),
                Ok(None) => {}
                Err(what) => mistakes.at(&origin, what),
            }
        }
        found.insert(table, layer);
    }
    found
}

/// What to say about a key that cannot stand in the file.
fn unknown(key: &str) -> String {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    let names = |setting: &&crate::config::settings::Setting| {
        setting.name == plain || setting.variables.iter().any(|variable| variable.eq_ignore_ascii_case(&plain))
    };
    match SETTINGS.iter().find(names) {
        Some(setting) if setting.kind == Kind::Secret => {
            let variable = setting.variables.first().copied().unwrap_or_default();
            format!(
                "secrets do not belong in a file; set {variable} in the environment, and revoke this one if the file was shared"
            )
        }
        Some(setting) if setting.in_file => format!("there is no such key; did you mean {}?", setting.name),
        Some(_) => "cannot be set in the file".to_owned(),
        None => {
            let keys = SETTINGS.iter().filter(|setting| setting.in_file).map(|setting| setting.name);
            format!("there is no such key{}", did_you_mean(&plain, keys))
        }
    }
}

/// Numbers and booleans become the text that the environment would hold; an array stands for a list
/// whose entries are taken as they are. Empty texts count as unset.
fn raw(value: Spanned<DeValue<'_>>) -> Result<Option<Raw>, &'static str> {
    let text = match value.into_inner() {
        DeValue::Array(values) => {
            let entries = values.into_iter().map(|value| scalar(value.into_inner()));
            let entries = entries.collect::<Option<Vec<_>>>().ok_or("must be a list of texts")?;
            return Ok(Some(Raw::Entries(entries)));
        }
        other => scalar(other).ok_or("must be a text, a number, true, false, or a list")?,
    };
    let text = text.trim();
    Ok((!text.is_empty()).then(|| Raw::Text(text.to_owned())))
}

fn scalar(value: DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Layer, Vec<String>) {
        let mut mistakes = Mistakes::default();
        let layer = parse(text, &mut mistakes).settings;
        let message = mistakes.into_result().map_or_else(|failure| failure.message, |()| String::new());
        (layer, message.lines().map(|line| line.trim().to_owned()).collect())
    }

    fn text(layer: &Layer, name: &str) -> String {
        match layer.get(name).map(|given| &given.value) {
            Some(Raw::Text(text)) => text.clone(),
            Some(Raw::Entries(entries)) => format!("{entries:?}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn keys_hold_texts_numbers_booleans_and_lists() {
        let (layer, mistakes) = parsed(
            "# a comment\nstore = ' /srv/backups '\nconnections = 8\ncompression_level = -3\npart_size = 0x100000\n\
             allow_http = true\ninclude = ['a,b', \"c\"]\nexclude = []\npaging = ''\n",
        );
        assert_eq!(mistakes, Vec::<String>::new());
        assert_eq!(text(&layer, "store"), "/srv/backups");
        assert_eq!(text(&layer, "connections"), "8");
        assert_eq!(text(&layer, "compression_level"), "-3");
        assert_eq!(text(&layer, "part_size"), "1048576");
        assert_eq!(text(&layer, "allow_http"), "true");
        assert_eq!(text(&layer, "include"), "[\"a,b\", \"c\"]");
        assert_eq!(text(&layer, "exclude"), "[]");
        assert!(!layer.contains_key("paging"));
    }

    #[test]
    fn each_wrong_key_is_named_with_its_line() {
        let (_, mistakes) =
            parsed("store = 'x'\n\npart-size = 1\nexlude = 'y'\nzebra = 1\nretries = 2026-01-01\n[stores]\n");
        assert_eq!(
            mistakes[1..],
            [
                "part-size in line 3 of the configuration file: there is no such key; did you mean part_size?",
                "exlude in line 4 of the configuration file: there is no such key; did you mean exclude?",
                "zebra in line 5 of the configuration file: there is no such key",
                "retries in line 6 of the configuration file: must be a text, a number, true, false, or a list",
                "stores in line 7 of the configuration file: there is no such key; did you mean store?",
            ]
        );
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_not_repeated() {
        for key in ["secret_key", "secret-key", "SUPABASE_SECRET_KEY", "access_token", "supabase_service_role_key"] {
            let (layer, mistakes) = parsed(&format!("{key} = 'the-sentinel'\n"));
            assert!(layer.is_empty());
            assert_eq!(mistakes.len(), 1);
            assert!(mistakes[0].contains("secrets do not belong in a file; set SUPABASE_"), "{mistakes:?}");
            assert!(!mistakes[0].contains("sentinel"));
        }
    }

    #[test]
    fn a_broken_line_is_named_and_not_repeated() {
        let (_, mistakes) = parsed("store = 'x'\nsecret_key = \"the-sentinel\nurl = 1");
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].starts_with("line 2 of the configuration file: "), "{mistakes:?}");
        assert!(!mistakes[0].contains("sentinel"));
    }

    #[test]
    fn only_a_named_file_has_to_exist() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let mut mistakes = Mistakes::default();
        assert!(read(None, directory.path(), &mut mistakes).settings.is_empty());
        assert!(mistakes.into_result().is_ok());

        let mut mistakes = Mistakes::default();
        read(Some((&Origin::Flag("--config"), "absent.toml")), directory.path(), &mut mistakes);
        let message = mistakes.into_result().map_or_else(|failure| failure.message, |()| String::new());
        assert!(message.starts_with("--config: absent.toml: cannot be read: "), "{message}");

        std::fs::write(directory.path().join(DEFAULT_NAME), "store = 'x'")?;
        let mut mistakes = Mistakes::default();
        assert_eq!(text(&read(None, directory.path(), &mut mistakes).settings, "store"), "x");
        Ok(())
    }
}
