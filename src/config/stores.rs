//! The stores that were named: a text into places, a place into a checked URL.

use crate::config::project::is_private;
use crate::store::{Access, StoreUrl};

/// Places between commas or line breaks. A comma inside of a path would silently name two directories:
/// so only what looks like a place by itself may stand behind one.
pub(crate) fn split(text: &str) -> Result<Vec<String>, String> {
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
pub(crate) fn one(text: &str, access: &Access, allow_http: bool) -> Result<StoreUrl, String> {
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
