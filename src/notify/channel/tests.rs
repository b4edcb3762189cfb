use std::time::Duration;

use chrono::DateTime;

use super::*;
use crate::buffers::Buffers;
use crate::http::Patience;
use crate::model::{Look, NoticeState, NotifyOn};

fn notice(findings: Vec<Finding>) -> Notice {
    let look = Look { check: "x".to_owned(), findings, is_whole: true };
    let at = DateTime::from_timestamp(1_795_400_000, 0).unwrap_or_default();
    let link = Some("https://github.com/o/r/actions/runs/7");
    let notice = Notice::of("abc", "monitor", &[look], NotifyOn::Always, at, link);
    notice.unwrap_or_else(|| Notice::recovered("abc", "monitor", at, link))
}

fn channel(kind: ChannelKind, secret: Option<&str>) -> Result<Channel, String> {
    let patience = Patience { tries: 1, first_delay: Duration::ZERO, timeout: Duration::from_secs(1) };
    let http = Http::new(patience, 1, "test", Buffers::default())?;
    let secret = secret.map(SecretString::from);
    let url = SecretString::from("https://example.com/sentinel");
    Channel::new(Arc::new(http), kind, &url, secret.as_ref()).ok_or_else(|| "no URL".to_owned())
}

fn form(kind: ChannelKind, notice: &Notice) -> Result<Value, String> {
    let request = channel(kind, None)?.request(notice)?;
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

const KINDS: [ChannelKind; 4] = [ChannelKind::Webhook, ChannelKind::Slack, ChannelKind::Discord, ChannelKind::Teams];

/// Everything in it that is text, with the length of each in characters.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_notice_is_told_above_its_level_and_counts_what_it_leaves_out() {
    let at = DateTime::from_timestamp(0, 0).unwrap_or_default();
    let findings = [Finding::info("a", "b", "c"), Finding::warning("d", "e", "f")];
    let look = Look { check: "x".to_owned(), findings: findings.to_vec(), is_whole: true };
    let of = |look: &Look, on| Notice::of("abc", "run", std::slice::from_ref(look), on, at, None);
    assert_eq!(of(&look, NotifyOn::Error), None);
    let warned = of(&look, NotifyOn::Warning).map(|notice| (notice.headline(), notice.findings.len()));
    assert_eq!(warned, Some(("supabackup run of abc: 1 warning".to_owned(), 1)));
    let nothing = Look { findings: Vec::new(), ..look.clone() };
    assert_eq!(of(&nothing, NotifyOn::Warning), None);
    let well = of(&nothing, NotifyOn::Always).map(|notice| (notice.headline(), notice.state));
    assert_eq!(well, Some(("supabackup run of abc: all is well".to_owned(), NoticeState::Ok)));
    let many = vec![Finding::error("a", "b", "c"); 120];
    let many = of(&Look { findings: many, ..look }, NotifyOn::Error).map(|n| (n.errors, n.findings.len(), n.left_out));
    assert_eq!(many, Some((120, 50, 70)));
}

#[test]
fn every_form_keeps_its_limits_whatever_the_names() -> Result<(), String> {
    let long = "\u{1f9e8}\"\\<@!everyone> ".repeat(2000);
    let findings = |number| {
        let finding = Finding::error("rows-lost", long.clone(), long.clone()).hint(long.clone());
        vec![finding; number]
    };
    for number in [0, 1, 11, 200] {
        let notice = notice(findings(number));
        for kind in KINDS {
            let form = form(kind, &notice)?;
            let size = form.to_string().len();
            let says_rest = texts(&form).iter().any(|text| text.contains(" more: the report"));
            match kind {
                ChannelKind::Webhook => {
                    assert!(size < 256 << 10, "{size}");
                    assert_eq!(form["left_out"], number.saturating_sub(50));
                }
                ChannelKind::Slack => {
                    let blocks = form["blocks"].as_array().map_or(0, Vec::len);
                    assert!(blocks <= 50 && (number <= 10) != says_rest, "{blocks}");
                    let header = form["blocks"][0]["text"]["text"].as_str().unwrap_or("");
                    assert!(header.chars().count() <= 150, "{header}");
                    assert!(texts(&form).iter().all(|text| text.chars().count() <= 3000));
                }
                ChannelKind::Discord => {
                    let embed = &form["embeds"][0];
                    let length = |key: &str| embed[key].as_str().unwrap_or("").chars().count();
                    assert!(length("title") <= 256 && length("description") <= 4096);
                    assert!(texts(embed).iter().map(|text| text.chars().count()).sum::<usize>() <= 6000);
                    assert!(says_rest == (number > 1), "{number}");
                }
                ChannelKind::Teams => {
                    assert!(size <= 28 * 1024, "{size}");
                    assert!(says_rest == (number > 4), "{number}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn no_name_mentions_anybody_or_is_a_link() -> Result<(), String> {
    let hostile = "<!channel> <@U1> @everyone [x](https://evil.example) **b** \u{202e}\n\u{1b}[2J";
    let mut notice = notice(vec![Finding::error("rows-lost", hostile, hostile).hint(hostile)]);
    notice.project = hostile.to_owned();
    let slack = form(ChannelKind::Slack, &notice)?;
    assert!(slack["text"].as_str().is_some_and(|text| !text.contains('<')), "{slack}");
    for block in slack["blocks"].as_array().into_iter().flatten().filter(|block| block["type"] != "actions") {
        assert_eq!(block["text"]["type"], "plain_text");
    }
    let discord = form(ChannelKind::Discord, &notice)?;
    assert_eq!(discord["allowed_mentions"]["parse"], serde_json::json!([]));
    let description = discord["embeds"][0]["description"].as_str().unwrap_or("");
    for live in ["](", "https://", "**b", "<@"] {
        assert!(!description.contains(live), "{live}: {description}");
    }
    let teams = form(ChannelKind::Teams, &notice)?;
    for block in teams["attachments"][0]["content"]["body"].as_array().into_iter().flatten() {
        assert_eq!((&block["type"], &block["inlines"][0]["type"]), (&"RichTextBlock".into(), &"TextRun".into()));
    }
    for form in [&slack, &discord, &teams] {
        assert!(texts(form).iter().all(|text| !text.contains(['\u{202e}', '\u{1b}'])), "{form}");
    }
    notice.link = Some("javascript:alert(1)".to_owned());
    for kind in [ChannelKind::Slack, ChannelKind::Discord, ChannelKind::Teams] {
        assert!(!form(kind, &notice)?.to_string().contains("javascript"));
    }
    Ok(())
}

#[test]
fn a_webhook_is_signed_and_names_each_message() -> Result<(), String> {
    let notice = notice(vec![Finding::error("a", "b", "c")]);
    let signed = channel(ChannelKind::Webhook, Some("It's a Secret to Everybody"))?;
    let mut request = signed.request(&notice)?;
    let header = |request: &Request, name: &str| {
        request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let key = header(&request, "idempotency-key");
    assert!(request.repeatable && key.as_ref().is_some_and(|key| key.len() == 32));
    assert_eq!(key, header(&signed.request(&notice)?, "idempotency-key"));
    // the example of GitHub's documentation
    request.body = Bytes::from_static(b"Hello, World!");
    webhook::sign(&mut request, signed.secret.as_ref())?;
    let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(header(&request, "x-signature-256").as_deref(), Some(expected));
    assert_eq!(header(&channel(ChannelKind::Webhook, None)?.request(&notice)?, "x-signature-256"), None);
    assert!(!channel(ChannelKind::Slack, None)?.request(&notice)?.repeatable);
    assert!(!format!("{signed:?}").contains("sentinel"));
    Ok(())
}
