//! What `psql` said: its output, and the server's complaints without values of rows.

/// What a run of `psql` came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// What it printed.
    pub stdout: String,
    /// What the server complained about, in order; notices and warnings are none.
    pub problems: Vec<Problem>,
    /// What it said without the server.
    own: Vec<String>,
    code: Option<i32>,
}

/// One complaint of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the script that the statement ends in, from 1.
    pub line: usize,
    /// The SQLSTATE.
    pub state: String,
    /// The primary message in one line, without values of rows.
    pub message: String,
}

/// Longest message that is told whole.
const LONGEST: usize = 300;

impl Said {
    pub(super) fn new(stdout: String, stderr: &str, code: Option<i32>) -> Self {
        let mut said = Self { stdout, code, ..Self::default() };
        for line in stderr.lines() {
            if let Some(problem) = complaint(line) {
                said.problems.extend(problem);
            } else if let Some(own) = line.strip_prefix("psql: ") {
                said.own.push(own.trim_start_matches("error: ").trim().to_owned());
            }
        }
        said
    }

    /// The first complaint, or that it ended without one and not well.
    pub fn problem(&self) -> Option<Problem> {
        let unknown = || Problem { line: 0, state: String::new(), message: self.why() };
        self.problems.first().cloned().or_else(|| (self.code != Some(0)).then(unknown))
    }

    /// Why the server could not be talked to, or no longer.
    pub(super) fn broken(&self) -> Option<String> {
        let is_lost = |p: &Problem| p.state.starts_with("57P0");
        match self.problems.iter().find(|p| is_lost(p)) {
            Some(problem) => Some(problem.message.clone()),
            None => (matches!(self.code, Some(2) | None)).then(|| self.why()),
        }
    }

    fn why(&self) -> String {
        match (self.own.as_slice(), self.code) {
            ([], Some(code)) => format!("psql ended with code {code}"),
            ([], None) => "psql was ended".to_owned(),
            (own, _) => own.join("; "),
        }
    }
}

/// `psql:<stdin>:12: ERROR:  42P01: relation "x" does not exist`, whatever the language of the word before the code. A
/// notice or a warning, which may have the code of an error, is `Some(None)`.
fn complaint(line: &str) -> Option<Option<Problem>> {
    const NONE: [&str; 5] = ["WARNING", "NOTICE", "INFO", "LOG", "DEBUG"];
    let (number, rest) = line.strip_prefix("psql:<stdin>:")?.split_once(": ")?;
    let (severity, rest) = rest.split_once(":  ")?;
    let (state, message) = rest.split_once(": ")?;
    if state.len() != 5 || !state.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return None;
    }
    let is_none = NONE.contains(&severity) || ["00", "01"].contains(&&state[..2]);
    Some((!is_none).then(|| Problem {
        line: number.parse().unwrap_or(0),
        state: state.to_owned(),
        message: told(state, message),
    }))
}

/// What is in users' rows is not for logs: complaints about data quote the value.
fn told(state: &str, message: &str) -> String {
    let mut out = String::new();
    if state.starts_with("22") {
        for (i, piece) in message.split('"').enumerate() {
            out.push_str(if i % 2 == 1 { "\"…\"" } else { piece });
        }
    } else {
        out.push_str(message);
    }
    if out.chars().count() > LONGEST {
        out = out.chars().take(LONGEST).chain(['…']).collect();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_read_in_any_language_and_tell_no_value() {
        let stderr = "psql:<stdin>:3: WARNING:  01000: careful\n\
            psql:<stdin>:4: NOTICE:  42P06: schema \"public\" already exists, skipping\n\
            psql:<stdin>:7: FEHLER:  42P01: relation \"public.t\" does not exist\n\
            LOCATION:  parserOpenTable, parse_relation.c:1392\n\
            psql:<stdin>:12: ERROR:  23505: duplicate key value violates unique constraint \"t_pkey\"\n\
            DETAIL:  Key (id)=(secret) already exists.\n\
            psql:<stdin>:14: ERROR:  22P02: invalid input syntax for type integer: \"secret\"\n\
            CONTEXT:  COPY t, line 1, column id: \"secret\"\n";
        let said = Said::new(String::new(), stderr, Some(3));
        let seen: Vec<_> = said.problems.iter().map(|p| (p.line, p.state.as_str(), p.message.as_str())).collect();
        assert_eq!(
            seen,
            [
                (7, "42P01", "relation \"public.t\" does not exist"),
                (12, "23505", "duplicate key value violates unique constraint \"t_pkey\""),
                (14, "22P02", "invalid input syntax for type integer: \"…\""),
            ]
        );
        assert_eq!(said.broken(), None);
        assert!(Said::new(String::new(), "", Some(0)).problem().is_none());
    }

    #[test]
    fn a_server_that_is_not_there_is_no_complaint_of_its() {
        let stderr =
            "psql: error: connection to server at \"h\", port 1 failed: Connection refused\n\tIs it running?\n";
        let said = Said::new(String::new(), stderr, Some(2));
        assert_eq!(said.broken().as_deref(), Some("connection to server at \"h\", port 1 failed: Connection refused"));
        let gone = "psql:<stdin>:1: FATAL:  57P01: terminating connection due to administrator command\n";
        assert!(Said::new(String::new(), gone, Some(2)).broken().is_some_and(|why| why.contains("terminating")));
        assert_eq!(Said::new(String::new(), "", None).broken().as_deref(), Some("psql was ended"));
    }
}
