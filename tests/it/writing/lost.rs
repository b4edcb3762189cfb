//! Answers that never came: nothing is written twice, and nothing is claimed that nobody knows.

use serde_json::{Value, json};

use super::*;

const SCHEMA: &str = "CREATE TABLE keyless (id int, t text); CREATE TABLE keyed (id int PRIMARY KEY, t text);";

/// The path by which a way writes.
fn path(way: &str) -> &'static str {
    match way {
        "rest" => "/rest/v1/keye",
        "management" => "/database/query",
        "meta" => "/pg/query",
        _ => "/rpc/",
    }
}

/// The database works, and then the connection is cut.
fn cut(path: &str, times: i64) -> Value {
    json!([{"id": "x", "path": path, "times": times, "action": {"kind": "truncate", "after": 0}}])
}

#[tokio::test]
async fn a_lost_answer_is_never_a_second_write() -> Result<()> {
    let stack = stack("none", SCHEMA, "public,graphql_public")?;
    let keyed = table(&stack, "public.keyed")?;
    let count = || seen(&stack, "SELECT count(*) || ' ' || coalesce(max(t), '') FROM keyed");
    let rows = texts(&["(1,a)", "(2,b)"]);
    for (way, writer) in writers(&stack, false)? {
        let writer = writer.as_ref();
        let ours = path(&way);
        stack.sql("TRUNCATE keyed")?;
        // the helper is asked for its version first
        ensure!(matches!(write(writer, &keyed, &rows, Conflict::Refuse, true).await?, Ok(2)), "{way}");

        let lose = |times| -> Result<()> {
            // over REST an empty body is what a success has: there the headers are lost with it
            let rule = if way == "rest" {
                json!([{"id": "x", "path": ours, "times": times, "action": {"kind": "cut", "after": 0}}])
            } else {
                cut(ours, times)
            };
            stack.faults(&rule)?;
            stack.start_log()
        };
        if way != "rest" {
            lose(1)?;
            let lost = write(writer, &keyed, &rows, Conflict::Refuse, false).await?;
            ensure!(matches!(lost, Err(WriteError::Unknown(_))), "{way}: {lost:?}");
            must(stack.log()?.len() == 1 && count()? == "2 b", &way)?;

            // set anew: the same whoever came first
            lose(2)?;
            let done = write(writer, &keyed, &texts(&["(2,c)", "(3,c)"]), Conflict::Update(&keyed.key), false).await?;
            ensure!(matches!(done, Ok(2)), "{way}: {done:?}");
            must(stack.log()?.len() == 3 && count()? == "3 c", &way)?;

            // left out where there: the second one finds all of them
            lose(1)?;
            let unsure =
                write(writer, &keyed, &texts(&["(4,d)", "(5,d)"]), Conflict::Ignore(&keyed.key), false).await?;
            ensure!(matches!(unsure, Err(WriteError::Unknown(_))), "{way}: {unsure:?}");
            must(count()? == "5 d", &way)?;

            lose(1)?;
            let found = versions(&stack, "keyed", "id > 3")?;
            let unsure = delete(writer, "keyed", &found, false).await;
            ensure!(matches!(unsure, Err(WriteError::Unknown(_))), "{way}: {unsure:?}");
            must(count()? == "3 c", &way)?;

            lose(2)?;
            ensure!(
                matches!(write(writer, &keyed, &texts(&["(8,e)", "(9,e)"]), Conflict::Refuse, true).await?, Ok(2)),
                "{way}"
            );
            must(count()? == "3 c", &way)?;
        }
        // nothing was done: a delete that is asked for again knows what it did
        for (status, body, tries, known) in
            [(503, "{\"code\":\"PGRST002\"}", 2, true), (429, "{}", 2, true), (502, "<html>", 1, false)]
        {
            if way != "rest" && status == 503 {
                continue;
            }
            stack.sql("TRUNCATE keyed")?;
            stack.faults(&json!([{"id": "x", "path": ours, "times": 1, "action": {"kind": "status", "status": status, "body": body}}]))?;
            stack.start_log()?;
            let answer = write(writer, &keyed, &rows, Conflict::Refuse, false).await?;
            ensure!(matches!(answer, Ok(2)) == known, "{way} {status}: {answer:?}");
            ensure!(known || matches!(answer, Err(WriteError::Unknown(_))), "{way} {status}: {answer:?}");
            must(
                stack.log()?.len() == tries && count()? == if known { "2 b" } else { "0" },
                &format!("{way} {status}"),
            )?;
        }
        // no more is possible
        stack.faults(&json!([{"id": "x", "path": ours, "times": -1, "action": {"kind": "status", "status": 401, "body": "{\"message\":\"no\"}"}}]))?;
        let fatal = write(writer, &keyed, &rows, Conflict::Refuse, false).await?;
        ensure!(matches!(fatal, Err(WriteError::Fatal(_))), "{way}: {fatal:?}");
        // too large for somebody on the way, and too long for the database
        stack.faults(
            &json!([{"id": "x", "path": ours, "times": 1, "action": {"kind": "status", "status": 413, "body": "{}"}}]),
        )?;
        let large = write(writer, &keyed, &rows, Conflict::Refuse, false).await?;
        ensure!(matches!(large, Err(WriteError::TooMuch(_))), "{way}: {large:?}");
        stack.no_faults()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_too_much() -> Result<()> {
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'too slow' USING ERRCODE = '57014'; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON keyed FOR EACH ROW EXECUTE FUNCTION slow();";
    let stack = stack("none", &format!("{SCHEMA}{slow}"), "public,graphql_public")?;
    let keyed = table(&stack, "public.keyed")?;
    for (way, writer) in writers(&stack, false)? {
        let answer = write(writer.as_ref(), &keyed, &texts(&["(1,a)"]), Conflict::Refuse, false).await?;
        ensure!(matches!(answer, Err(WriteError::TooMuch(_))), "{way}: {answer:?}");
    }
    Ok(())
}
