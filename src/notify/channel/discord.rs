//! Discord's webhooks: an embed with a title of 256 characters and a description of 4,096, 6,000 in all. Nobody is
//! mentioned whatever the text says.

use serde_json::{Value, json};

use super::{color, link, markdown, more, when, within};
use crate::model::Notice;

const DESCRIPTION: usize = 4096;
/// What is kept free for the line about the rest.
const REST: usize = 200;

pub(super) fn form(notice: &Notice) -> Value {
    let (findings, left) = within(notice, DESCRIPTION - REST, usize::MAX, markdown);
    let text: Vec<String> = findings.into_iter().chain(more(left)).collect();
    let mut embed = json!({
        "title": super::line(&notice.headline(), 250),
        "description": text.join("\n\n"),
        "color": color(notice.worst),
        "timestamp": when(notice),
        "footer": { "text": notice.tool },
    });
    if let Some(link) = link(notice) {
        embed["url"] = link.into();
    }
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
}
