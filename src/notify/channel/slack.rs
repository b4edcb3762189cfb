//! Slack's incoming webhooks: at most 50 blocks, a header of 150 characters, sections of 3,000. Findings go into
//! plain text, in which nothing is a mention or a link; only the fallback line is escaped.

use serde_json::{Value, json};

use super::{link, more, within};
use crate::model::Notice;

/// Blocks of findings; header, rest and link make 13.
const MOST: usize = 10;
const SECTION: usize = 3000;

pub(super) fn form(notice: &Notice) -> Value {
    let plain = |text: String| json!({ "type": "plain_text", "text": text, "emoji": false });
    let section = |text: String| json!({ "type": "section", "text": plain(text) });
    let headline = super::line(&notice.headline(), 150);
    let mut blocks = vec![json!({ "type": "header", "text": plain(headline.clone()) })];
    let cut = |text: &str| text.chars().take(SECTION).collect();
    let (findings, left) = within(notice, usize::MAX, MOST, cut);
    blocks.extend(findings.into_iter().map(section));
    blocks.extend(more(left).map(section));
    if let Some(link) = link(notice) {
        let button = json!({ "type": "button", "text": plain("Open the job".to_owned()), "url": link });
        blocks.push(json!({ "type": "actions", "elements": [button] }));
    }
    json!({ "text": escaped(&headline), "blocks": blocks })
}

/// In `text`, `<` begins a mention or a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
