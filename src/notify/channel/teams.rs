//! Teams, through a workflow of Power Automate that posts an Adaptive Card: 28 KB in all. Version 1.4 is what every
//! client shows. Findings go into runs of text, in which nothing is Markdown, a mention or a link.

use serde_json::{Value, json};

use super::{link, more, within};
use crate::model::{Notice, Severity};

/// Characters of findings. Each takes four bytes at most, so that the card stays below 28 KB.
const TEXT: usize = 5500;
const MOST: usize = 20;

pub(super) fn form(notice: &Notice) -> Value {
    let color = match notice.worst {
        Some(Severity::Error) => "attention",
        Some(Severity::Warning) => "warning",
        Some(Severity::Info) | None => "good",
    };
    let run = |text: &str| json!({ "type": "TextRun", "text": text });
    let block = |run: Value| json!({ "type": "RichTextBlock", "inlines": [run] });
    let mut title = run(&super::line(&notice.headline(), 200));
    title["weight"] = "bolder".into();
    title["size"] = "medium".into();
    title["color"] = color.into();
    let (findings, left) = within(notice, TEXT, MOST, str::to_owned);
    let lines: Vec<String> = findings.into_iter().chain(more(left)).collect();
    let lines = lines.iter().flat_map(|text| text.lines()).map(|line| block(run(line)));
    let body: Vec<Value> = std::iter::once(block(title)).chain(lines).collect();
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    });
    if let Some(link) = link(notice) {
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Open the job", "url": link }]);
    }
    let content_type = "application/vnd.microsoft.card.adaptive";
    let attachment = json!({ "contentType": content_type, "contentUrl": null, "content": card });
    json!({ "type": "message", "attachments": [attachment] })
}
