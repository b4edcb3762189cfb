//! The project's address: what may be given as its URL, and the name that its snapshots get.

use std::net::IpAddr;

use url::{Host, Url};

use crate::config::key::ApiKey;

/// The project to back up: everything that a client needs.
#[derive(Debug, Clone)]
pub struct ProjectConfig {
    /// `https://….supabase.co`: no trailing slash, no credentials, no query.
    pub url: String,
    /// Names the project's folder in the store: the ref, or else host and port, made of
    /// `a-z 0-9 . _ -` only and beginning with a letter or digit.
    pub name: String,
    /// The key that reads the rows; see [`ApiKey::check`].
    pub key: ApiKey,
}

/// Whether this is the ref of a hosted project: 20 lower-case letters.
pub(crate) fn is_hosted_ref(text: &str) -> bool {
    text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Checks a ref: it becomes a folder's name, and self-hosted projects choose theirs freely.
pub(crate) fn check_ref(text: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if first && text.len() <= 100 && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("{text:?} is not a project ref (a-z, 0-9, dot, dash and underscore, beginning with a letter or digit)"))
}

/// A URL that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) url: String,
    /// The ref, if the host tells it.
    pub(crate) hosted_ref: Option<String>,
    /// This machine or its own network: no hosted project.
    pub(crate) is_private: bool,
    /// Host, port and path as a folder's name.
    pub(crate) name: String,
}

/// Checks a project's URL. Mistakes do not repeat it: it may hold a password, or be a key that was
/// set under the wrong name.
pub(crate) fn address(text: &str, allow_http: bool) -> Result<Address, String> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("a URL holds no spaces or line breaks".to_owned());
    }
    let url =
        Url::parse(text).map_err(|_| "is not a URL (like https://abcdefghijklmnopqrst.supabase.co)".to_owned())?;
    if url.scheme().starts_with("postgres") {
        return Err(
            "is a database connection; give the project's https:// URL, no database connection is needed".to_owned()
        );
    }
    let (Some(host), "https" | "http") = (url.host(), url.scheme()) else {
        return Err("must begin with https://".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password; the key goes into SUPABASE_SECRET_KEY".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold a query or a fragment (? or #)".to_owned());
    }
    if url.scheme() == "http" && !allow_http && !is_private(&host) {
        return Err("is http://, which would send the key unencrypted through a public network; \
                    use https://, or set SUPABACKUP_ALLOW_HTTP=1 if that is what you want"
            .to_owned());
    }
    let is_private = is_private(&host);
    let path = url.path().trim_end_matches('/');
    if path.ends_with("/rest/v1") {
        return Err("ends in /rest/v1; give the project's URL without it".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    if matches!(host, "supabase.com" | "www.supabase.com" | "app.supabase.com" | "app.supabase.io") {
        return Err("is the dashboard's address; the project's own is https://<ref>.supabase.co".to_owned());
    }
    let hosted_ref = host.strip_suffix(".supabase.co").filter(|name| is_hosted_ref(name)).map(str::to_owned);
    let port = url.port().map(|port| format!("-{port}")).unwrap_or_default();
    let name = name(host, &port, path);
    Ok(Address { url: url.as_str().trim_end_matches('/').to_owned(), hosted_ref, is_private, name })
}

/// Something that only this machine or its own network can reach, where unencrypted is usual.
pub(crate) fn is_private(host: &Host<&str>) -> bool {
    match host {
        // a name without a dot is a container or a machine of the local network
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            !name.contains('.') || [".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end))
        }
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        Host::Ipv6(ip) => match ip.to_canonical() {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
            }
        },
    }
}

fn name(host: &str, port: &str, path: &str) -> String {
    let whole = format!("{host}{port}{path}").to_ascii_lowercase();
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = whole.chars().map(safe).collect();
    // `[::1]`, or a host that begins with an underscore
    let name = if name.starts_with(|c: char| c.is_ascii_alphanumeric()) { name } else { format!("host{name}") };
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_url_and_name() {
        for (text, url, name) in [
            (
                "https://abcdefghijklmnopqrst.supabase.co",
                "https://abcdefghijklmnopqrst.supabase.co",
                "abcdefghijklmnopqrst.supabase.co",
            ),
            ("HTTPS://Db.Example.com:8443/", "https://db.example.com:8443", "db.example.com-8443"),
            ("https://example.com:443/supabase//", "https://example.com/supabase", "example.com-supabase"),
            ("http://127.0.0.1:54321", "http://127.0.0.1:54321", "127.0.0.1-54321"),
            ("http://[::1]:3000", "http://[::1]:3000", "host---1--3000"),
            ("http://kong:8000", "http://kong:8000", "kong-8000"),
            ("http://host.docker.internal", "http://host.docker.internal", "host.docker.internal"),
            ("http://192.168.1.7/", "http://192.168.1.7", "192.168.1.7"),
            ("https://münchen.example", "https://xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ] {
            let address = address(text, false);
            assert_eq!(address.as_ref().map(|a| (a.url.as_str(), a.name.as_str())), Ok((url, name)), "{text}");
            assert!(address.is_ok_and(|a| check_ref(&a.name).is_ok()), "{text}");
        }
        let hosted = address("https://abcdefghijklmnopqrst.supabase.co", false).map(|a| a.hosted_ref);
        assert_eq!(hosted, Ok(Some("abcdefghijklmnopqrst".to_owned())));
        assert_eq!(address("https://abc.supabase.co", false).map(|a| a.hosted_ref), Ok(None));
    }

    #[test]
    fn a_wrong_address_is_refused_without_repeating_it() {
        for (text, expected) in [
            ("the-sentinel", "is not a URL"),
            ("the-sentinel.supabase.co", "is not a URL"),
            ("https://", "is not a URL"),
            ("ftp://the-sentinel", "must begin with https://"),
            ("mailto:the-sentinel", "must begin with https://"),
            ("postgresql://postgres:the-sentinel@db.x.supabase.co:5432/postgres", "is a database connection"),
            ("https://user:the-sentinel@example.com", "must not hold a user name"),
            ("https://example.com/?apikey=the-sentinel", "must not hold a query"),
            ("https://example.com/#the-sentinel", "must not hold a query"),
            ("https://exam\nple.com", "a URL holds no spaces"),
            ("http://example.com", "is http://"),
            ("http://8.8.8.8", "is http://"),
            ("http://[2001:db8::1]", "is http://"),
            ("http://172.32.0.1", "is http://"),
            ("https://example.com/rest/v1/", "ends in /rest/v1"),
            ("https://supabase.com/dashboard/project/abc", "is the dashboard's address"),
        ] {
            let mistake = address(text, false).err().unwrap_or_default();
            assert!(mistake.starts_with(expected), "{text}: {mistake}");
            assert!(!mistake.contains("sentinel"), "{mistake}");
        }
        assert!(address("http://example.com", true).is_ok());
    }

    #[test]
    fn a_ref_is_safe_as_a_folder_name() {
        for good in ["abcdefghijklmnopqrst", "my-app", "0x", "a.b_c"] {
            assert_eq!(check_ref(good), Ok(()), "{good}");
        }
        for bad in ["", "..", ".hidden", "-x", "a/b", "A", "a b", "ü", &"a".repeat(101)] {
            assert!(check_ref(bad).is_err(), "{bad}");
        }
    }
}
