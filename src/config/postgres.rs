//! The server that a drill restores into: an address as `psql` takes it, made into what libpq reads from
//! its environment. A password must not have been typed: every user of the machine can read a command line.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::reader::Reader;
use crate::config::sources::Raw;
use crate::model::ServerAddress;

/// Parameters of an address, and the variable that libpq reads each from.
const PARAMETERS: [(&str, &str); 13] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslcrl", "PGSSLCRL"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("gssencmode", "PGGSSENCMODE"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("options", "PGOPTIONS"),
];

const TYPED_PASSWORD: &str = "holds a password, and every user of this machine can read a command line: give the whole \
    address in SUPABACKUP_RESTORE_INTO, or the password in PGPASSWORD, and consider this one as seen by others";
const NO_ADDRESS: &str = "is not the address of a PostgreSQL server (like postgres://postgres@localhost:5432/postgres)";

impl Reader {
    /// The server, if one was named. No mistake repeats anything of its address.
    pub(super) fn restore_into(&mut self) -> Option<ServerAddress> {
        let typed = self.given("restore_server").and_then(|given| match given.value {
            Raw::Text(text) => Some((given.origin, SecretString::from(text), true)),
            Raw::Entries(_) | Raw::Secret(_) => None,
        });
        let known = self.secret("restore_into").map(|(origin, secret)| (origin, secret, false));
        let (origin, text, typed) = typed.or(known)?;
        let password = self.secret("pgpassword").map(|(_, secret)| secret);
        let file = self.text_as("pgpassfile", |text| Ok(text.to_owned()));
        let path = self.text_as("path", |text| Ok(text.to_owned()));
        match parse(text.expose_secret(), typed) {
            Ok(mut address) => {
                address.password = address.password.or(password);
                address.variables.extend(file.map(|file| ("PGPASSFILE", file)));
                address.path = path;
                Some(address)
            }
            Err(mistake) => {
                self.mistakes.at(&origin, mistake);
                None
            }
        }
    }
}

fn parse(text: &str, typed: bool) -> Result<ServerAddress, &'static str> {
    let url = Url::parse(text).map_err(|_| NO_ADDRESS)?;
    if !["postgres", "postgresql"].contains(&url.scheme()) {
        return Err(NO_ADDRESS);
    }
    let mut variables: Vec<(&'static str, String)> = Vec::new();
    let mut set = |name: &'static str, value: String| {
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value));
    };
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        set("PGHOST", decoded(host.trim_start_matches('[').trim_end_matches(']'))?);
    }
    if let Some(port) = url.port() {
        set("PGPORT", port.to_string());
    }
    if !url.username().is_empty() {
        set("PGUSER", decoded(url.username())?);
    }
    let mut password = url.password().map(decoded).transpose()?;
    let mut database = decoded(url.path().trim_start_matches('/'))?;
    for (key, value) in url.query_pairs() {
        if value.chars().any(char::is_control) {
            return Err(NO_ADDRESS);
        }
        match key.as_ref() {
            "password" => password = Some(value.into_owned()),
            "dbname" => database = value.into_owned(),
            "application_name" => {}
            key => match PARAMETERS.iter().find(|(known, _)| *known == key) {
                Some((_, variable)) => set(variable, value.into_owned()),
                None => return Err("has a parameter that is not known here; docs/drill.md lists those that are"),
            },
        }
    }
    if typed && password.is_some() {
        return Err(TYPED_PASSWORD);
    }
    if database.is_empty() {
        "postgres".clone_into(&mut database);
    }
    Ok(ServerAddress { variables, database, password: password.map(SecretString::from), path: None })
}

/// Percent signs and two digits as the bytes that they stand for.
fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = &after[2..];
            }
            (b'%', None) => return Err(NO_ADDRESS),
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| NO_ADDRESS)?;
    if text.chars().any(char::is_control) { Err(NO_ADDRESS) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_what_libpq_reads() {
        let read = |text: &str| parse(text, false).map(|a| (a.variables, a.database, a.password.is_some()));
        let own = |pairs: &[(&'static str, &str)]| pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect::<Vec<_>>();
        assert_eq!(
            read("postgres://me:p%40ss@db.example.com:5433/scratch?sslmode=verify-full"),
            Ok((
                own(&[
                    ("PGHOST", "db.example.com"),
                    ("PGPORT", "5433"),
                    ("PGUSER", "me"),
                    ("PGSSLMODE", "verify-full")
                ]),
                "scratch".to_owned(),
                true
            ))
        );
        assert_eq!(
            read("postgresql://postgres@[::1]"),
            Ok((own(&[("PGHOST", "::1"), ("PGUSER", "postgres")]), "postgres".to_owned(), false))
        );
        assert_eq!(
            read("postgresql:///odd%20name?host=/run/postgresql&user=me"),
            Ok((own(&[("PGHOST", "/run/postgresql"), ("PGUSER", "me")]), "odd name".to_owned(), false))
        );
        let password = parse("postgres://me:p%40ss@h/d", false).ok().and_then(|a| a.password);
        assert_eq!(password.as_ref().map(ExposeSecret::expose_secret), Some("p@ss"));
    }

    #[test]
    fn nothing_of_a_wrong_address_is_repeated_and_no_password_may_be_typed() {
        for bad in [
            "sentinel",
            "https://sentinel@x",
            "postgres://x/?sentinel=1",
            "postgres://x/%zz-sentinel",
            "postgres://x/a%00sentinel",
        ] {
            assert!(parse(bad, false).is_err_and(|mistake| !mistake.contains("sentinel")), "{bad}");
        }
        for typed in ["postgres://me:sentinel@h/d", "postgres://me@h/d?password=sentinel"] {
            assert_eq!(parse(typed, true).err(), Some(TYPED_PASSWORD));
            assert!(parse(typed, false).is_ok_and(|a| !format!("{a:?}").contains("sentinel")));
        }
        assert!(parse("postgres://me@h/d", true).is_ok());
    }
}
