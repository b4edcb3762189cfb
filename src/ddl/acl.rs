//! Grants, from access control lists as the server prints them (`grantee=letters/grantor`).

use std::collections::BTreeSet;

use crate::ddl::facts::Acl;
use crate::model::quote_identifier;

/// Roles that Supabase's default privileges give rights on every new object.
pub(crate) const USUAL: [&str; 4] = ["anon", "authenticated", "postgres", "service_role"];

/// What a list belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    Column,
    Sequence,
    Function,
    /// Default rights on functions of one schema: they come on top of everybody's.
    AddedFunction,
    Type,
    Schema,
    Server,
}

impl Kind {
    /// Letters and names of all its privileges (PostgreSQL, "Privileges", table 5.1).
    fn privileges(self) -> &'static [(char, &'static str)] {
        match self {
            Self::Table => &[
                ('r', "SELECT"),
                ('a', "INSERT"),
                ('w', "UPDATE"),
                ('d', "DELETE"),
                ('D', "TRUNCATE"),
                ('x', "REFERENCES"),
                ('t', "TRIGGER"),
                ('m', "MAINTAIN"),
            ],
            Self::Column => &[('r', "SELECT"), ('a', "INSERT"), ('w', "UPDATE"), ('x', "REFERENCES")],
            Self::Sequence => &[('r', "SELECT"), ('w', "UPDATE"), ('U', "USAGE")],
            Self::Function | Self::AddedFunction => &[('X', "EXECUTE")],
            Self::Type | Self::Server => &[('U', "USAGE")],
            Self::Schema => &[('U', "USAGE"), ('C', "CREATE")],
        }
    }

    /// Whether everybody has its privilege where no list is kept.
    fn is_public(self) -> bool {
        matches!(self, Self::Function | Self::Type)
    }
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `None`: PUBLIC.
    pub(crate) grantee: Option<String>,
    /// Letters, each with whether it may be granted on.
    pub(crate) letters: Vec<(char, bool)>,
    pub(crate) grantor: String,
}

/// Reads one entry. `None` if it is not one.
pub(crate) fn parse(text: &str) -> Option<Entry> {
    let (grantee, rest) = name(text)?;
    let rest = rest.strip_prefix('=')?;
    let (letters, grantor) = rest.split_once('/')?;
    let (grantor, rest) = name(grantor)?;
    let mut parsed: Vec<(char, bool)> = Vec::new();
    for letter in letters.chars() {
        match (letter, parsed.last_mut()) {
            ('*', Some(last)) => last.1 = true,
            ('*', None) => return None,
            (letter, _) => parsed.push((letter, false)),
        }
    }
    let grantee = (!grantee.is_empty()).then_some(grantee);
    rest.is_empty().then_some(Entry { grantee, letters: parsed, grantor })
}

/// A role's name, in quotes if it holds anything unusual.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == '"') {
            chars.next();
            name.push('"');
        } else {
            return Some((name, &quoted[at + 1..]));
        }
    }
    None
}

/// Statements that give an object exactly the rights of a list, whatever default privileges gave it
/// when it was made.
#[derive(Debug)]
pub(crate) struct Grants<'a> {
    pub(crate) kind: Kind,
    /// `TABLE "public"."t"`, or, for default privileges, `TABLES`.
    pub(crate) on: String,
    pub(crate) owner: &'a str,
    /// Roles to whom default privileges may have given something.
    pub(crate) usual: &'a [String],
    /// Stands before every statement (`ALTER DEFAULT PRIVILEGES … `), or is empty.
    pub(crate) prefix: String,
    /// Whether rights of the owner are written too (default privileges name them).
    pub(crate) with_owner: bool,
    /// The server that the list comes from: MAINTAIN is there from 17 on.
    pub(crate) version: u32,
}

impl Grants<'_> {
    /// `None` if an entry of the list cannot be read.
    pub(crate) fn statements(&self, acl: &Acl) -> Option<Vec<String>> {
        let entries = match acl {
            Some(list) => list.iter().map(|text| parse(text)).collect::<Option<Vec<_>>>()?,
            None => self.default_entries(),
        };
        let mut out = Vec::new();
        let is_owner = |grantee: &Option<String>| {
            !self.with_owner && grantee.as_deref().is_some_and(|g| g == self.owner || g == "postgres")
        };
        let mut revoke = Vec::new();
        let everybody: &[String] = &[];
        let public = (self.kind.is_public() && self.kind != Kind::Column).then_some(None);
        let given = if self.kind == Kind::Column { everybody } else { self.usual };
        for grantee in public.into_iter().chain(given.iter().cloned().map(Some)) {
            let whole =
                entries.iter().any(|e| e.grantee == grantee && self.is_all(e) && e.letters.iter().all(|l| !l.1));
            if !is_owner(&grantee) && !whole {
                revoke.push(role(grantee.as_deref()));
            }
        }
        if !revoke.is_empty() {
            out.push(format!("{}REVOKE ALL ON {} FROM {};", self.prefix, self.on, revoke.join(", ")));
        }
        if let Some(own) = entries.iter().find(|e| e.grantee.as_deref() == Some(self.owner))
            && !self.with_owner
            && !self.is_all(own)
        {
            out.push(format!("{}REVOKE ALL ON {} FROM {};", self.prefix, self.on, role(Some(self.owner))));
            out.extend(self.grants(own));
        } else if !self.with_owner
            && acl.is_some()
            && self.kind != Kind::Column
            && !entries.iter().any(|e| e.grantee.as_deref() == Some(self.owner))
        {
            out.push(format!("{}REVOKE ALL ON {} FROM {};", self.prefix, self.on, role(Some(self.owner))));
        }
        for entry in entries.iter().filter(|e| !is_owner(&e.grantee)) {
            out.extend(self.grants(entry));
        }
        Some(out)
    }

    fn default_entries(&self) -> Vec<Entry> {
        let all = |grantee: Option<String>| Entry {
            grantee,
            letters: self.kind.privileges().iter().map(|(letter, _)| (*letter, false)).collect(),
            grantor: self.owner.to_owned(),
        };
        let own = (self.kind != Kind::Column).then(|| all(Some(self.owner.to_owned())));
        own.into_iter().chain(self.kind.is_public().then(|| all(None))).collect()
    }

    fn is_all(&self, entry: &Entry) -> bool {
        let needed = self.kind.privileges().iter().filter(|(letter, _)| *letter != 'm' || self.version >= 170_000);
        needed.clone().all(|(letter, _)| entry.letters.iter().any(|(l, _)| l == letter))
    }

    fn grants(&self, entry: &Entry) -> Vec<String> {
        let mut out = Vec::new();
        for option in [false, true] {
            let letters: Vec<char> = entry.letters.iter().filter(|l| l.1 == option).map(|l| l.0).collect();
            if letters.is_empty() {
                continue;
            }
            let whole = self.is_all(entry) && letters.len() == entry.letters.len() && self.kind != Kind::Column;
            let what = if whole {
                "ALL".to_owned()
            } else {
                let names = self.kind.privileges().iter().filter(|(letter, _)| letters.contains(letter));
                names.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
            };
            let option = if option { " WITH GRANT OPTION" } else { "" };
            let on = &self.on;
            out.push(match on.split_once('\u{1}') {
                // a column list stands behind each privilege
                Some((columns, table)) => {
                    let what: Vec<String> = what.split(", ").map(|p| format!("{p} ({columns})")).collect();
                    format!("GRANT {} ON {table} TO {}{option};", what.join(", "), role(entry.grantee.as_deref()))
                }
                None => format!("{}GRANT {what} ON {on} TO {}{option};", self.prefix, role(entry.grantee.as_deref())),
            });
        }
        out
    }
}

/// Who else granted rights than the owner: these rights come back as the owner's.
pub(crate) fn foreign_grantors(owner: &str, acl: &Acl) -> BTreeSet<String> {
    let entries = acl.iter().flatten().filter_map(|text| parse(text));
    entries.map(|e| e.grantor).filter(|g| g != owner && g != "postgres").collect()
}

fn role(name: Option<&str>) -> String {
    name.map_or_else(|| "PUBLIC".to_owned(), quote_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(usual: &[String], acl: &[&str]) -> Vec<String> {
        let grants = Grants {
            kind: Kind::Table,
            on: "TABLE t".into(),
            owner: "postgres",
            usual,
            prefix: String::new(),
            with_owner: false,
            version: 150_000,
        };
        grants.statements(&Some(acl.iter().map(|s| (*s).to_owned()).collect())).unwrap_or_default()
    }

    #[test]
    fn entries_are_read_with_odd_names_and_grant_options() {
        let entry = |grantee: Option<&str>, letters: &[(char, bool)]| {
            Some(Entry { grantee: grantee.map(str::to_owned), letters: letters.to_vec(), grantor: "postgres".into() })
        };
        let odd = entry(Some("we\"ird=/"), &[('a', false), ('r', true), ('w', false)]);
        assert_eq!(parse("\"we\"\"ird=/\"=ar*w/postgres"), odd);
        assert_eq!(parse("=X/postgres"), entry(None, &[('X', false)]));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn what_default_privileges_gave_is_taken_back_unless_it_is_wanted() {
        let usual = ["anon".to_owned(), "service_role".to_owned()];
        let all = "arwdDxt";
        assert_eq!(
            table(
                &usual,
                &[&format!("postgres={all}/postgres"), &format!("anon={all}/postgres"), "service_role=r/postgres"]
            ),
            [
                "REVOKE ALL ON TABLE t FROM \"service_role\";",
                "GRANT ALL ON TABLE t TO \"anon\";",
                "GRANT SELECT ON TABLE t TO \"service_role\";"
            ]
        );
    }

    #[test]
    fn an_owner_with_less_than_everything_keeps_less() {
        assert_eq!(
            table(&[], &["postgres=r/postgres"]),
            ["REVOKE ALL ON TABLE t FROM \"postgres\";", "GRANT SELECT ON TABLE t TO \"postgres\";"]
        );
        assert_eq!(
            table(&[], &["anon=r/postgres"]),
            ["REVOKE ALL ON TABLE t FROM \"postgres\";", "GRANT SELECT ON TABLE t TO \"anon\";"]
        );
    }
}
