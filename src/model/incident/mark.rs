//! The line in an issue's text that says which incident it tells of. People do not see it.

/// Which incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncidentKey {
    /// The project's name.
    pub project: String,
    /// The check that finds it: one of the watch's, or `run`.
    pub check: String,
}

const BEGINS: &str = "<!-- supabackup:incident ";
const ENDS: &str = " -->";

impl IncidentKey {
    /// The line, without its end.
    pub fn mark(&self) -> String {
        format!("{BEGINS}project={} check={} v=1{ENDS}", written(&self.project), written(&self.check))
    }

    /// What the first such line of a text says. Foreign text in an issue cannot begin a line with it: its `<` is
    /// escaped.
    pub fn find(body: &str) -> Option<Self> {
        let line = body.lines().find_map(|line| line.trim_end().strip_prefix(BEGINS)?.strip_suffix(ENDS))?;
        let value = |name: &str| line.split(' ').find_map(|word| read(word.strip_prefix(name)?.strip_prefix('=')?));
        Some(Self { project: value("project")?, check: value("check")? })
    }
}

/// Letters, digits and some marks as they are, all else as `%XX`: nothing can end the comment.
fn written(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' if out.ends_with('-') => out.push_str("%2D"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn read(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_whatever_the_project_is_called() {
        for project in ["abcdefghijklmnopqrst", "127.0.0.1-54321", "a--b-->c d\n%é", "", "x check=y"] {
            let key = IncidentKey { project: project.to_owned(), check: "freshness".to_owned() };
            let mark = key.mark();
            assert!(mark.find("--").is_some_and(|at| at < 5) && mark.matches("-->").count() == 1, "{mark}");
            assert_eq!(IncidentKey::find(&format!("{mark}\nx")), Some(key.clone()));
            assert_eq!(IncidentKey::find(&format!("by a person\r\n{mark}\r\nx")), Some(key));
        }
        let known = "<!-- supabackup:incident project=abc check=size v=1 -->";
        assert_eq!(IncidentKey { project: "abc".into(), check: "size".into() }.mark(), known);
        for none in ["", "x <!-- supabackup:incident project=a check=b v=1 -->", "<!-- supabackup:incident v=1 -->"] {
            assert_eq!(IncidentKey::find(none), None, "{none}");
        }
    }
}
