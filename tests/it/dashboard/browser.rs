//! The page in a real browser: what it shows, how it is used, and what it must never do.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{HOSTILE, browse, eventful, written};
use crate::prune::{Shelf, days, hours};

fn list(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[tokio::test]
async fn in_light_and_dark_and_on_a_phone_it_is_whole_and_for_everybody_and_names_are_only_text() -> Result<()> {
    let shelf = Shelf::new().await?;
    eventful(&shelf)?;
    let file = written(&shelf, &[])?;
    let seen = browse(&file, "look")?;
    let seen = seen.as_array().context("a list")?;
    ensure!(seen.len() == 4);
    for look in seen {
        let what = format!("{} at {}", look["scheme"], look["width"]);
        ensure!(look["bad"] == json!([]), "{what}: {}", look["bad"]);
        ensure!(look["violations"] == json!([]), "{what}: {:#}", look["violations"]);
        ensure!(look["hostile"] == json!([]), "{what}: {}", look["hostile"]);
        ensure!(look["overflow"].as_i64() <= Some(0), "{what}: wider than the window by {}", look["overflow"]);
        // a hole in the snapshots is a hole in the line
        ensure!(look["lines"].as_u64() >= Some(2) && look["sparks"].as_u64() >= Some(10), "{what}: {look}");
        ensure!(look["scripts"] == 2 && look["images"] == 0, "{what}: {look}");
        let text = look["text"].as_str().unwrap_or_default();
        for part in ["Last good backup: 20 min ago", "window.hostileScript=1", "window.hostileImage=1", "__proto__"] {
            ensure!(text.contains(part), "{what}: {part:?} is not shown:\n{text}");
        }
        ensure!(!text.contains('\u{202e}') && text.contains("\\u{202e}"), "{what}");
    }
    // in the source of the page no name is anything but text either
    let html = std::fs::read_to_string(&file)?;
    for name in HOSTILE.iter().filter(|name| name.contains('<')) {
        ensure!(!html.contains(name), "{name} stands in the page as it is");
    }
    Ok(())
}

#[tokio::test]
async fn range_values_tables_and_calendar_work_by_mouse_and_by_keys() -> Result<()> {
    let shelf = Shelf::new().await?;
    eventful(&shelf)?;
    let found = browse(&written(&shelf, &[])?, "use")?;
    ensure!(found["bad"] == json!([]), "{}", found["bad"]);
    let points = &found["points"];
    let number = |key: &str| points[key].as_u64().unwrap_or(0);
    // the rows of the snapshots alone: without a project there is no value of now
    ensure!(number("week") == 7 - 1 && number("month") > 20 && number("all") > 90, "{points}");
    ensure!(found["range"] == "0", "{}", found["range"]);
    let hover = &found["hover"];
    ensure!(hover["shown"] == true && hover["gone"] == true && hover["last"] != hover["early"], "{hover}");
    ensure!(hover["last"].as_str().is_some_and(|text| text.contains(',') && text.contains("20")), "{hover}");
    ensure!(found["focus"] == "slider", "{}", found["focus"]);
    let keys = &found["keys"];
    ensure!(keys["end"] != keys["before"] && keys["before"] != keys["home"] && keys["gone"] == true, "{keys}");
    let end = keys["end"].as_str().unwrap_or_default().split(',').next_back().unwrap_or_default();
    ensure!(keys["shown"].as_str().is_some_and(|shown| shown.contains(end.trim())), "{keys}");
    ensure!(found["series"].as_str().is_some_and(|title| title.starts_with("Rows of ")), "{}", found["series"]);

    let names = &found["names"];
    let (first, most, least) = (list(&names["first"]), list(&names["rows"]), list(&names["least"]));
    ensure!(first.len() == most.len() && first != most && found["sort"] == "descending", "{names}");
    ensure!(most.iter().rev().eq(least.iter()), "{names}");
    ensure!(list(&names["found"]).len() == 1 && found["status"] == "1 table", "{names} {}", found["status"]);

    let day = list(&found["days"]);
    ensure!(day.len() == 4 && day[0] <= day[1] && day[1] <= day[2] && day[3] <= day[2], "{day:?}");
    let opened = &found["opened"];
    ensure!(opened["open"] == true && opened["focused"] == true, "{opened}");
    for part in ["Snapshot", "Proof", "Retention", "supabackup restore"] {
        ensure!(opened["text"].as_str().is_some_and(|text| text.contains(part)), "{part}: {opened}");
    }
    ensure!(list(&opened["tables"]).iter().any(|line| line.starts_with("public.orders")), "{opened}");
    Ok(())
}

/// The file stays as it is while time passes: the page tells the age of the backup as of now, and its own.
#[tokio::test]
async fn a_page_that_lies_around_does_not_say_that_all_is_well() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(5)?;
    let seen = browse(&written(&shelf, &[])?, "later")?;
    let expected = [("10 min", "good", false), ("20 h", "good", false), ("26 h", "look", true), ("4 d", "look", true)];
    for (look, (age, kind, late)) in seen.as_array().context("a list")?.iter().zip(expected) {
        ensure!(look["bad"] == json!([]), "{look}");
        ensure!(look["head"] == format!("Last good backup: {age} ago"), "{look}");
        ensure!(look["kind"].as_str().is_some_and(|class| class.split(' ').any(|word| word == kind)), "{look}");
        ensure!(look["stale"] == late && look["overdue"] == late, "{look}");
    }
    Ok(())
}

#[tokio::test]
async fn on_paper_and_without_scripts_it_says_the_same() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(40)?;
    shelf.good(days(41) + hours(1))?;
    let found = browse(&written(&shelf, &[])?, "plain")?;
    ensure!(found["bad"] == json!([]), "{}", found["bad"]);
    ensure!(found["pages"].as_u64() >= Some(2) && found["nav"] == false, "{found}");
    let text = found["text"].as_str().unwrap_or_default();
    for part in ["Last good backup: 10 min ago", "public.orders", "Next to go", "switched off here"] {
        ensure!(text.contains(part), "{part}:\n{text}");
    }
    ensure!(found["controls"] == 0, "{}", found["controls"]);
    Ok(())
}
