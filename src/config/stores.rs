//! The stores that were named: a text into places, a place into a checked URL.

use secrecy::SecretString;

use crate::config::project::is_private;
use crate::config::reader::Reader;
use crate::config::settings::SETTINGS;
use crate::config::sources::Raw;
use crate::store::{Access, StoreUrl, Variables};

impl Reader {
    /// The stores, at least one, with what their kinds need from the environment.
    pub(super) fn stores(&mut self) -> Vec<StoreUrl> {
        let mut found = self.places("store");
        if found.is_empty() {
            found.push(StoreUrl::Directory("./backups".into()));
        }
        found
    }

    /// The stores that a setting names, none twice.
    pub(super) fn places(&mut self, name: &str) -> Vec<StoreUrl> {
        let access = Access {
            variables: self.variables(),
            retries: self.number("retries"),
            first_delay: self.duration("retry_delay"),
            timeout: self.duration("request_timeout"),
            github: self.github(),
        };
        let allow_http = self.switch("allow_http");
        let Some(given) = self.given(name) else { return Vec::new() };
        let entries = match given.value {
            Raw::Entries(entries) => Ok(entries.into_iter().filter(|e| !e.trim().is_empty()).collect()),
            Raw::Text(text) => split(&text),
            Raw::Secret(_) => Ok(Vec::new()),
        };
        let mut found: Vec<StoreUrl> = Vec::new();
        match entries {
            Ok(entries) => {
                for entry in entries {
                    match one(&entry, &access, allow_http) {
                        Ok(store) if found.contains(&store) => {
                            self.mistakes.at(&given.origin, format!("names {store} twice"));
                        }
                        Ok(store) => found.push(store),
                        Err(mistake) => self.mistakes.at(&given.origin, mistake),
                    }
                }
            }
            Err(mistake) => self.mistakes.at(&given.origin, mistake),
        }
        found
    }

    /// The variables of other programs that were given.
    fn variables(&self) -> Variables {
        let theirs = SETTINGS.iter().filter(|s| s.flag.is_none() && !s.in_file);
        let value = |name: &str| match self.given(name)?.value {
            Raw::Text(text) => Some(SecretString::from(text)),
            Raw::Secret(secret) => Some(secret),
            Raw::Entries(_) => None,
        };
        let is_ours = |variable: &&str| ["SUPABACKUP_", "SUPABASE_"].iter().any(|ours| variable.starts_with(ours));
        let theirs = theirs.filter(|s| !s.variables.iter().any(is_ours));
        theirs.filter_map(|s| Some((s.name.to_owned(), value(s.name)?))).collect()
    }
}

/// Places between commas or line breaks. A comma inside of a path would silently name two directories:
/// so only what looks like a place by itself may stand behind one.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut places = Vec::new();
    for line in text.lines() {
        for (n, part) in line.split(',').map(str::trim).filter(|part| !part.is_empty()).enumerate() {
            let is_place = part.contains("://") || part.starts_with(['/', '.']);
            if n > 0 && !is_place {
                return Err(
                    "what stands behind a comma is no place: begin it with ./, / or a URL's scheme; a comma that \
                            belongs to a path is written %2C in a file:// URL"
                        .to_owned(),
                );
            }
            places.push(part.to_owned());
        }
    }
    Ok(places)
}

/// Mistakes do not repeat the text: addresses of other tools hold passwords.
fn one(text: &str, access: &Access, allow_http: bool) -> Result<StoreUrl, String> {
    if text.starts_with('~') {
        return Err("~ is only known to shells; write the whole path".to_owned());
    }
    let store = text.trim().parse::<StoreUrl>()?.with_access(access)?;
    let open = store.endpoint().filter(|endpoint| endpoint.scheme() == "http").and_then(url::Url::host);
    if open.is_some_and(|host| !allow_http && !is_private(&host)) {
        return Err("its endpoint is http://, which would send everything unencrypted through a public network; \
                    use https://, or set SUPABACKUP_ALLOW_HTTP=1 if that is what you want"
            .to_owned());
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stand_between_commas_or_line_breaks() {
        let list = |places: &[&str]| Ok(places.iter().map(|place| (*place).to_owned()).collect::<Vec<_>>());
        assert_eq!(split("/srv/a b"), list(&["/srv/a b"]));
        assert_eq!(split("backups"), list(&["backups"]));
        assert_eq!(split("./backups, s3://b/x?region=r,/mnt"), list(&["./backups", "s3://b/x?region=r", "/mnt"]));
        assert_eq!(split("backups\ns3://b\n"), list(&["backups", "s3://b"]));
        assert!(split("/srv/Smith, Jones").is_err_and(|mistake| !mistake.contains("Jones")));
    }

    #[test]
    fn an_unencrypted_endpoint_in_a_public_network_has_to_be_wanted() {
        let access = Access {
            variables: [("aws_access_key_id", "x"), ("aws_secret_access_key", "y")]
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into_iter()
                .collect(),
            ..Access::default()
        };
        assert!(one("s3://b?endpoint=http://s3.example.com", &access, false).is_err_and(|e| e.contains("unencrypted")));
        assert!(one("s3://b?endpoint=http://s3.example.com", &access, true).is_ok());
        assert!(one("s3://b?endpoint=http://127.0.0.1:9000", &access, false).is_ok());
        assert!(one("~/x", &access, false).is_err());
    }
}
