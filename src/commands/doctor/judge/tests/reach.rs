use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{hint, reply, told};
use crate::commands::doctor::judge::{is_reached, reach};
use crate::commands::doctor::observe::{Broken, Dns, Reach, Reply, Sample};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(104, 18, 38, 10));

fn sample(ms: u64, reply: Result<Reply, &str>) -> Sample {
    let reply = reply.map_err(|reason| Broken { reason: reason.to_owned(), connected: true });
    Sample { took: Duration::from_millis(ms), at: NOW, reply }
}

/// A hosted project; an answer 401 is what a request without key should get.
fn seen(dns: Dns, tcp: Option<Result<(), &str>>, samples: Vec<Sample>) -> Reach {
    Reach {
        name: "abc".to_owned(),
        url: "https://abc.supabase.co".to_owned(),
        https: true,
        host: "abc.supabase.co".to_owned(),
        port: 443,
        dns,
        tcp: tcp.map(|tcp| tcp.map_err(str::to_owned)),
        samples: Ok(samples),
    }
}

/// What is said after the line about the URL.
fn said(reach_seen: &Reach) -> String {
    told(&reach(reach_seen)).split_once('\n').map_or_else(String::new, |(_, rest)| rest.to_owned())
}

#[test]
fn a_way_without_obstacles_is_told_with_its_median() {
    let dated = Reply { date: Some(NOW), ..reply(401, "", "No API key found in request") };
    let samples = [90, 31, 34].map(|ms| sample(ms, Ok(dated.clone())));
    let ips = vec![PUBLIC, IpAddr::V6(Ipv6Addr::new(0x2606, 0, 0, 0, 0, 0, 0, 1))];
    let seen = seen(Dns::Found(ips), Some(Ok(())), samples.to_vec());
    assert_eq!(
        told(&reach(&seen)),
        "ok url: the project is abc at https://abc.supabase.co\n\
         ok dns: the name abc.supabase.co stands for 104.18.38.10 and 2606::1 (public, IPv4 and IPv6)\n\
         ok connection: an encrypted connection (TLS) to abc.supabase.co port 443 can be made\n\
         ok latency: the API answers in 34 ms (median of 3)\n\
         ok clock: this machine's clock agrees with the server's\n"
    );
    assert!(is_reached(&seen));
}

#[test]
fn a_name_that_does_not_exist_is_told_from_one_that_cannot_be_looked_up() {
    let no_connection = || vec![sample(5, Err("no connection: dns error"))];
    for (reason, expected, advice) in [
        ("Name or service not known", "x dns-no-such-host: there is no such host: abc.supabase.co", "project ref"),
        ("Temporary failure in name resolution", "x dns-unavailable: the name abc.supabase.co cannot", "network"),
        ("no answer within 8 s", "x dns-unavailable: the name abc.supabase.co cannot", "network"),
    ] {
        let seen = seen(Dns::Failed(reason.to_owned()), None, no_connection());
        let findings = reach(&seen);
        assert!(said(&seen).starts_with(expected), "{}", said(&seen));
        assert_eq!(findings.len(), 2, "one obstacle, one finding: {findings:?}");
        assert!(findings[1].hint.as_deref().is_some_and(|h| h.contains(advice)), "{findings:?}");
        assert!(!is_reached(&seen));
    }
    // behind a proxy, names need not be known here
    let seen = seen(Dns::Failed("Name or service not known".to_owned()), None, vec![sample(5, Ok(reply(401, "", "")))]);
    let text = said(&seen);
    assert!(text.starts_with("ok dns-proxy: ") && text.contains("can be made, through a proxy"), "{text}");
    assert!(is_reached(&seen));
}

#[test]
fn each_way_in_which_a_connection_fails_has_its_own_words() {
    let at = "abc.supabase.co port 443";
    for (tcp, https, reason, expected, advice) in [
        (
            Err("Connection refused (os error 111)"),
            true,
            "no connection",
            "x no-connection: no connection to",
            "nothing listens",
        ),
        (Err("no answer within 8 s"), true, "no connection", "x no-connection: no connection to", "firewall"),
        (
            Ok(()),
            true,
            "no connection: client error (Connect): invalid peer certificate: UnknownIssuer",
            "x tls-unknown-ca: the certificate of abc.supabase.co port 443 is signed by an authority that",
            "SSL_CERT_FILE",
        ),
        (
            Ok(()),
            true,
            "no connection: client error (Connect): invalid peer certificate: certificate expired: verification time",
            "x tls-expired: the certificate of abc.supabase.co port 443 is not valid now",
            "clock",
        ),
        (
            Ok(()),
            true,
            "no connection: invalid peer certificate: certificate not valid for name \"abc.supabase.co\"",
            "x tls-other-name: the certificate of abc.supabase.co port 443 belongs to another name",
            "SSL_CERT_FILE",
        ),
        (
            Ok(()),
            true,
            "no connection: invalid peer certificate: BadEncoding",
            "x tls-certificate: the certificate of abc.supabase.co port 443 is refused",
            "SSL_CERT_FILE",
        ),
        (
            Ok(()),
            true,
            "no connection: client error (Connect): received corrupt message of type InvalidContentType",
            "x tls-handshake: no encrypted connection to abc.supabase.co port 443 can be agreed on",
            "SSL_CERT_FILE",
        ),
        (Ok(()), true, "the answer took too long", "x no-answer: the server at", "HTTPS_PROXY"),
        (Ok(()), false, "the request failed: invalid HTTP version parsed", "x no-answer: the server at", "https://?"),
    ] {
        let seen = Reach { https, ..seen(Dns::Address(PUBLIC), Some(tcp), vec![sample(5, Err(reason))]) };
        let findings = reach(&seen);
        let text = said(&seen);
        assert!(text.starts_with(expected) && text.contains(at), "{text}");
        assert_eq!(findings.len(), 2, "{text}");
        assert!(findings[1].hint.as_deref().is_some_and(|hint| hint.contains(advice)), "{findings:?}");
    }
}

#[test]
fn an_answer_that_is_not_the_projects_ends_the_way() {
    for (status, code) in [(540, "project-paused"), (404, "no-api"), (308, "redirected"), (503, "unwell")] {
        let seen = seen(Dns::Address(PUBLIC), Some(Ok(())), vec![sample(5, Ok(reply(status, "", "")))]);
        assert!(!is_reached(&seen));
        assert!(said(&seen).contains(&format!("x {code}: ")), "{}", said(&seen));
    }
}

#[test]
fn a_request_that_fails_among_others_is_a_warning() {
    let samples = vec![
        sample(5, Ok(reply(401, "", ""))),
        sample(5, Err("the answer broke off")),
        sample(7, Ok(reply(503, "", "busy"))),
    ];
    let seen = seen(Dns::Address(PUBLIC), Some(Ok(())), samples);
    let text = said(&seen);
    assert!(text.contains("! unsteady: 2 of 3 requests got no good answer: the API answers 503 (busy)"), "{text}");
    assert!(is_reached(&seen));
}

#[test]
fn a_clock_is_compared_and_a_wrong_one_is_an_error() {
    for (ahead, expected) in [
        (TimeDelta::seconds(58), "ok clock: "),
        (TimeDelta::seconds(-58), "ok clock: "),
        (TimeDelta::minutes(2), "! clock-skewed: this machine's clock is 1 min 59 s ahead of the server's"),
        (TimeDelta::minutes(-3), "! clock-skewed: this machine's clock is 3 min 1 s behind the server's"),
        (TimeDelta::hours(-5), "x clock-wrong: this machine's clock is 5 h behind the server's: keys"),
    ] {
        let dated = Reply { date: Some(NOW - ahead), ..reply(401, "", "") };
        let slow = sample(9000, Ok(Reply { date: Some(NOW + TimeDelta::days(9)), ..dated.clone() }));
        let seen = seen(Dns::Address(PUBLIC), Some(Ok(())), vec![slow, sample(10, Ok(dated))]);
        assert!(said(&seen).contains(expected), "{ahead}: {}", said(&seen));
    }
    let seen = seen(Dns::Address(PUBLIC), Some(Ok(())), vec![sample(5, Ok(reply(401, "", "")))]);
    assert!(said(&seen).contains("ok clock: the server does not say"), "{}", said(&seen));
}

#[test]
fn without_encryption_only_a_public_address_is_worth_a_warning() {
    let local =
        [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(172, 18, 0, 4)), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    for (ip, expected) in local.map(|ip| (ip, "ok url: ")).into_iter().chain([(PUBLIC, "! url-unencrypted: ")]) {
        let plain = Reach { https: false, ..seen(Dns::Address(ip), Some(Ok(())), vec![]) };
        assert!(told(&reach(&plain)).starts_with(expected), "{ip}");
    }
}

#[test]
fn that_https_cannot_be_set_up_names_the_variables() {
    let broken = Reach { samples: Err("no such file".to_owned()), ..seen(Dns::Address(PUBLIC), Some(Ok(())), vec![]) };
    assert!(!is_reached(&broken));
    assert!(hint(&reach(&broken), "tls-setup").contains("SSL_CERT_FILE"));
}
