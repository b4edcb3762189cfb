//! What a runner of GitHub Actions makes of a step's output, by the rules of its own source: `ActionCommand.cs`,
//! `ActionCommandManager.cs`, `OutputManager.cs`, `FileCommandManager.cs`, `SetOutputFileCommand.cs`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// The commands that a runner knows.
const REGISTERED: [&str; 14] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "warning",
];

/// One command that a runner took from a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) data: String,
}

/// The state of one step.
#[derive(Debug)]
pub(crate) struct Runner {
    registered: BTreeSet<String>,
    stopped_until: Option<String>,
    /// Lines that went to the log as they were.
    pub(crate) log: Vec<String>,
}

impl Runner {
    pub(crate) fn new() -> Self {
        let registered = REGISTERED.iter().map(|name| (*name).to_owned()).chain(["stop-commands".to_owned()]).collect();
        Self { registered, stopped_until: None, log: Vec::new() }
    }

    /// Whether it takes commands.
    pub(crate) fn listens(&self) -> bool {
        self.stopped_until.is_none()
    }

    /// Reads what one stream holds, and gives the commands that were carried out.
    pub(crate) fn read(&mut self, output: &str) -> Vec<Command> {
        lines(output).into_iter().filter_map(|line| self.line(line)).collect()
    }

    fn line(&mut self, line: &str) -> Option<Command> {
        let command = self.v2(line).or_else(|| self.v1(line));
        let Some(command) = command else {
            self.log.push(line.to_owned());
            return None;
        };
        if let Some(word) = &self.stopped_until {
            self.log.push(line.to_owned());
            if command.name.eq_ignore_ascii_case(word) {
                self.registered.remove(&word.to_lowercase());
                self.stopped_until = None;
            }
            return None;
        }
        if command.name.eq_ignore_ascii_case("stop-commands") {
            self.log.push(line.to_owned());
            self.registered.insert(command.data.to_lowercase());
            self.stopped_until = Some(command.data);
            return None;
        }
        Some(command)
    }

    /// `::name key=value,key=value::data` at the beginning of a line.
    fn v2(&self, line: &str) -> Option<Command> {
        let line: Vec<char> = line.trim_start().chars().collect();
        if position(&line, "::", 0) != Some(0) {
            return None;
        }
        let end = position(&line, "::", 2)?;
        let info: String = line.get(2..end)?.iter().collect();
        let (name, properties) = self.name(&info)?;
        let properties = properties.map(str::trim).unwrap_or_default();
        let unescaped =
            |text: &str| unescape(text, &[("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]);
        let data: String = line.get(end + 2..)?.iter().collect();
        Some(Command {
            name,
            properties: pairs(properties, ',', unescaped),
            data: unescape(&data, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]),
        })
    }

    /// `##[name key=value;key=value]data` anywhere in a line.
    fn v1(&self, line: &str) -> Option<Command> {
        let line: Vec<char> = line.chars().collect();
        let start = position(&line, "##[", 0)?;
        let end = (start..line.len()).find(|&at| line[at] == ']')?;
        let info: String = line.get(start + 3..end)?.iter().collect();
        let (name, properties) = self.name(&info)?;
        let all = [("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")];
        let data: String = line.get(end + 1..)?.iter().collect();
        Some(Command {
            name,
            properties: pairs(properties.unwrap_or_default(), ';', |text| unescape(text, &all)),
            data: unescape(&data, &all),
        })
    }

    fn name<'a>(&self, info: &'a str) -> Option<(String, Option<&'a str>)> {
        let (name, properties) = info.split_once(' ').map_or((info, None), |(name, rest)| (name, Some(rest)));
        self.registered.contains(&name.to_lowercase()).then(|| (name.to_lowercase(), properties))
    }
}

/// As `StreamReader.ReadLine` splits.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        lines.push(&rest[..end]);
        rest = &rest[end..];
        rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
    }
    lines
}

/// Where a text stands. The runner compares by culture, which leaves out what is not seen.
fn position(line: &[char], wanted: &str, from: usize) -> Option<usize> {
    let unseen = |c: char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    (from..line.len()).find(|&start| {
        let mut seen = line[start..].iter().copied().filter(|&c| !unseen(c));
        wanted.chars().all(|c| seen.next() == Some(c))
    })
}

fn pairs(text: &str, between: char, value: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let pairs =
        text.split(between).filter_map(|pair| pair.split_once('=')).filter(|(k, v)| !k.is_empty() && !v.is_empty());
    pairs.map(|(k, v)| (k.to_owned(), value(v))).collect()
}

fn unescape(text: &str, mappings: &[(&str, &str)]) -> String {
    mappings.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
/// The outputs that a step has set in its file.
pub(crate) fn outputs(text: &str) -> Result<BTreeMap<String, String>> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(at), heredoc) if heredoc.is_none_or(|heredoc| at < heredoc) => {
                ensure!(at > 0, "an output without a name: {line:?}");
                outputs.insert(line[..at].to_owned(), line[at + 1..].to_owned());
            }
            (_, Some(at)) => {
                let (name, delimiter) = (&line[..at], &line[at + 2..]);
                ensure!(!name.is_empty() && !delimiter.is_empty(), "{line:?}");
                let mut value: Vec<&str> = Vec::new();
                loop {
                    let line = lines.next().with_context(|| format!("{delimiter} does not come again"))?;
                    if line == delimiter {
                        break;
                    }
                    value.push(line);
                }
                outputs.insert(name.to_owned(), value.join("\n"));
            }
            _ => bail!("neither = nor << in {line:?}"),
        }
    }
    Ok(outputs)
}
