//! What only the Data API's writer has: its probe, its long addresses, its schema cache, its rehearsals.

use std::fmt::Write as _;

use serde_json::json;
use supabackup::supabase::Writable;

use super::*;

#[tokio::test]
async fn what_can_be_written_is_found_without_writing() -> Result<()> {
    let stack = stack(
        "torture",
        "CREATE FUNCTION noisy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t_audit (what) VALUES ('noise'); RETURN NULL; END $$;
         CREATE TRIGGER noisy AFTER INSERT ON g_generated FOR EACH STATEMENT EXECUTE FUNCTION noisy();
         CREATE TABLE insert_only (id int PRIMARY KEY, t text); REVOKE ALL ON insert_only FROM service_role;
         GRANT INSERT, SELECT ON insert_only TO service_role",
        "public,graphql_public,shop",
    )?;
    let writer = rest_writer(&stack)?;
    let before = seen(&stack, "SELECT count(*) FROM t_audit")?;
    let names = |names: &[&str]| texts(names);
    let ask = async |table: &str, columns: &[&str], conflict: Conflict<'_>| {
        writer.writable(&TableName::new("public", table), &texts(columns), conflict).await
    };
    let generated = ask("g_generated", &["id", "a", "b", "c"], Conflict::Refuse).await?;
    ensure!(generated == Writable { generated: names(&["b", "c"]), ..Writable::default() }, "{generated:?}");
    let always = ask("g_identity_always", &["id", "t"], Conflict::Update(&names(&["id"]))).await?;
    ensure!(always == Writable { identity_always: names(&["id"]), ..Writable::default() }, "{always:?}");
    ensure!(ask("ht_integer", &["id", "note"], Conflict::Update(&names(&["id"]))).await? == Writable::default());
    let wide = table(&stack, "public.o_wide")?;
    let found = writer.writable(&wide.table_name(), &wide.writable(), Conflict::Refuse).await?;
    ensure!(found == Writable::default(), "{found:?}");
    for (table, columns, conflict, code) in [
        ("r_no_grant", &["id"][..], Conflict::Refuse, "42501"),
        ("r_readonly", &["id"], Conflict::Refuse, "42501"),
        ("r_col_grant", &["id", "hidden"], Conflict::Refuse, "42501"),
        ("insert_only", &["id", "t"], Conflict::Update(&names(&["id"])), "42501"),
        ("v_join", &["id"], Conflict::Refuse, "55000"),
        ("mv_counts", &["a"], Conflict::Refuse, "42809"),
        ("..", &["id"], Conflict::Refuse, "address"),
    ] {
        let refused = ask(table, columns, conflict).await?.refusal.map(|(code, _)| code);
        ensure!(refused.as_deref() == Some(code), "{table}: {refused:?}");
    }
    ensure!(ask("insert_only", &["id", "t"], Conflict::Refuse).await?.refusal.is_none());
    ensure!(seen(&stack, "SELECT count(*) FROM t_audit")? == before, "the probe wrote");
    Ok(())
}

#[tokio::test]
async fn columns_that_no_url_can_name_are_named_by_the_rows() -> Result<()> {
    let mut columns = String::new();
    for i in 0..500 {
        write!(columns, ", \"a \"\"long\"\" name, number {i}\" text")?;
    }
    let stack = stack("none", &format!("CREATE TABLE wide (id int PRIMARY KEY{columns})"), "public,graphql_public")?;
    let wide = table(&stack, "public.wide")?;
    let writer = rest_writer(&stack)?;
    stack.start_log()?;
    let row = |id: i32| format!("({id}{})", ",\"v, \"\"w\"\"\"".repeat(500));
    ensure!(matches!(write(&writer, &wide, &[row(1), row(2)], Conflict::Refuse, false).await?, Ok(2)));
    ensure!(wide.read(&stack)? == [row(1), row(2)]);
    let longest = stack.log()?.iter().map(|request| request.target.len()).max();
    ensure!(longest.is_some_and(|bytes| bytes < 7000), "{longest:?}");
    // fewer columns than the batch has
    let batch = wide.batch(RowForm::Object, &[row(3)])?;
    let (name, some) = (wide.table_name(), wide.writable()[..400].to_vec());
    let load = Load {
        table: &name,
        columns: &some,
        conflict: Conflict::Update(&wide.key),
        batch: &batch,
        range: (0, 1),
        rehearse: false,
    };
    ensure!(matches!(writer.write(&load).await, Ok(1)));
    let expected = format!("(3{}{})", ",\"v, \"\"w\"\"\"".repeat(399), ",".repeat(101));
    ensure!(wide.read(&stack)?[2] == expected, "{:?}", wide.read(&stack)?[2]);
    Ok(())
}

#[tokio::test]
async fn a_table_that_the_api_has_not_seen_yet_is_waited_for() -> Result<()> {
    let stack = stack("none", "CREATE TABLE known (id int PRIMARY KEY)", "public,graphql_public")?;
    let writer = rest_writer(&stack)?;
    stack.sql("SET ROLE postgres; CREATE TABLE fresh (id int PRIMARY KEY, t text)")?;
    let fresh = table(&stack, "public.fresh")?;
    ensure!(matches!(write(&writer, &fresh, &texts(&["(1,a)"]), Conflict::Refuse, false).await?, Ok(1)));
    stack.sql("SET ROLE postgres; ALTER TABLE fresh ADD COLUMN more text")?;
    let fresh = table(&stack, "public.fresh")?;
    ensure!(matches!(write(&writer, &fresh, &texts(&["(2,a,b)"]), Conflict::Refuse, false).await?, Ok(1)));
    let mut gone = fresh.clone();
    gone.name = "nowhere".to_owned();
    let (code, _) = refusal(write(&writer, &gone, &texts(&["(2,a,b)"]), Conflict::Refuse, false).await?)?;
    ensure!(["HTTP", "42P01", "PGRST205"].contains(&code.as_str()), "{code}");
    Ok(())
}

#[tokio::test]
async fn a_rehearsal_that_could_stay_is_not_begun() -> Result<()> {
    let swallow = "CREATE TABLE keyed (id int PRIMARY KEY, t text);
        CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 99 THEN RETURN NEW; END IF; RETURN NULL; END $$;
        CREATE TABLE greedy (id int PRIMARY KEY, t text);
        CREATE TRIGGER swallow BEFORE INSERT ON greedy FOR EACH ROW EXECUTE FUNCTION swallow()";
    let stack = stack("none", swallow, "public,graphql_public")?;
    let writer = rest_writer(&stack)?;
    let keyed = table(&stack, "public.keyed")?;
    stack.start_log()?;
    let (code, _) = refusal(write(&writer, &keyed, &texts(&["(1,a)"]), Conflict::Refuse, true).await?)?;
    ensure!(code == "rehearsal" && stack.log()?.is_empty() && writer.least_rehearsed() == 2);
    // all but one are there already: with `ignore` the last one would stay
    stack.sql("INSERT INTO keyed VALUES (1, 'a'), (2, 'b')")?;
    let rows = texts(&["(1,x)", "(2,y)", "(3,z)"]);
    ensure!(matches!(write(&writer, &keyed, &rows, Conflict::Ignore(&keyed.key), true).await?, Ok(3)));
    ensure!(keyed.read(&stack)? == ["(1,a)", "(2,b)"], "{:?}", keyed.read(&stack)?);
    let found = versions(&stack, "keyed", "true")?;
    must(refusal(delete(&writer, "keyed", &found, true).await)?.0 == "rehearsal", "a delete was rehearsed")?;
    ensure!(keyed.read(&stack)?.len() == 2);
    // a trigger that leaves one row of many: the one thing that cannot be known before, and is told
    let greedy = table(&stack, "public.greedy")?;
    let left = write(&writer, &greedy, &texts(&["(1,a)", "(99,b)"]), Conflict::Refuse, true).await?;
    let Err(WriteError::Fatal(failure)) = left else { anyhow::bail!("{left:?}") };
    must(failure.message.contains("a rehearsal left 1 row(s) behind"), &failure.message)?;
    // somebody on the way who changes what is asked for
    let writer = rest_writer(&stack)?;
    stack.faults(&json!([{"id": "x", "path": "/keyed", "times": 1, "action": {"kind": "status", "status": 201, "headers": {"content-range": "*/0"}, "body": ""}}]))?;
    let (code, _) = refusal(write(&writer, &keyed, &texts(&["(5,a)", "(6,b)"]), Conflict::Refuse, true).await?)?;
    ensure!(code == "rehearsal" && keyed.read(&stack)?.len() == 2);
    Ok(())
}
