//! What a batch does: conflicts, counts, rehearsals, deletes, the same by every way.

use supabackup::format::write_record;
use supabackup::supabase::sql::{DigestOf, Question};

use super::*;

const SCHEMA: &str = r#"
CREATE SCHEMA "odd ""schema"; GRANT USAGE ON SCHEMA "odd ""schema" TO service_role;
CREATE TABLE "odd ""schema"."it's, odd\" ("i""d" int, "a b,c" text, "n" int, "written" int, "answer" jsonb, PRIMARY KEY ("i""d", "n"));
GRANT ALL ON "odd ""schema"."it's, odd\" TO service_role;
CREATE TABLE public.always (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text, twice text GENERATED ALWAYS AS (t || t) STORED);
CREATE TABLE public.numbers (id numeric PRIMARY KEY, t text);
CREATE TABLE public.checked (id int PRIMARY KEY, n int CHECK (n > 0));
CREATE TABLE public.child (id int PRIMARY KEY, checked_id int REFERENCES public.checked DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE public.swallows (id int PRIMARY KEY, t text);
CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON public.swallows FOR EACH ROW EXECUTE FUNCTION public.swallow();
CREATE TABLE public.parted (id int, part text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE public.parted_a PARTITION OF public.parted FOR VALUES IN ('a');
CREATE TABLE public.parted_b PARTITION OF public.parted FOR VALUES IN ('b');
CREATE TABLE public.base (id int, t text);
CREATE TABLE public.derived (more text) INHERITS (public.base);
"#;
const SCHEMAS: &str = r#"public,graphql_public,odd \"schema"#;

const ODD: &str = "odd \"schema.it's, odd\\";

fn odd(id: i32, text: &str, json: &str) -> String {
    let id = id.to_string();
    let values = [Some(id.as_bytes()), Some(text.as_bytes()), Some(b"1".as_slice()), None, Some(json.as_bytes())];
    let mut row = Vec::new();
    write_record(values.into_iter(), &mut row);
    String::from_utf8_lossy(&row).into_owned()
}

#[tokio::test]
async fn a_batch_does_the_same_by_every_way() -> Result<()> {
    let stack = stack("none", SCHEMA, SCHEMAS)?;
    let table = table(&stack, ODD)?;
    let all = || table.read(&stack);
    for (way, writer) in writers(&stack, false)? {
        let writer = writer.as_ref();
        stack.sql(&format!("TRUNCATE {}", table.quoted()))?;
        let first = vec![odd(1, "a, \"b\" \\ (c)", "{\"k\": [1, null]}"), odd(2, "", "\"x\"")];
        // a rehearsal says what would be, and leaves nothing
        ensure!(matches!(write(writer, &table, &first, Conflict::Refuse, true).await?, Ok(2)), "{way}");
        must(all()?.is_empty(), &way)?;
        ensure!(matches!(write(writer, &table, &first, Conflict::Refuse, false).await?, Ok(2)), "{way}");
        ensure!(all()? == first, "{way}: {:?}", all()?);
        let (code, message) = refusal(write(writer, &table, &first, Conflict::Refuse, false).await?)?;
        ensure!(
            code == "23505"
                && message.starts_with("duplicate key value violates unique constraint \"it's, odd\\_pkey\"; Key "),
            "{way}: {message}"
        );
        let (code, told) = refusal(write(writer, &table, &first, Conflict::Refuse, true).await?)?;
        ensure!((code.as_str(), told) == ("23505", message), "{way}");
        // a row in the place of another, and one more
        let second = vec![odd(2, "new", "[]"), odd(3, "three", "{}")];
        let update = Conflict::Update(&table.key);
        ensure!(matches!(write(writer, &table, &second, update, true).await?, Ok(2)), "{way}");
        ensure!(all()? == first, "{way}");
        ensure!(matches!(write(writer, &table, &second, update, false).await?, Ok(2)), "{way}");
        ensure!(all()? == [first[0].clone(), second[0].clone(), second[1].clone()], "{way}: {:?}", all()?);
        // what is there stays
        let third = vec![odd(3, "other", "{}"), odd(4, "four", "{}"), odd(5, "five", "{}")];
        let ignore = Conflict::Ignore(&table.key);
        let rehearsed = write(writer, &table, &third, ignore, true).await?;
        ensure!(matches!(rehearsed, Ok(2 | 3)), "{way}: {rehearsed:?}");
        ensure!(matches!(write(writer, &table, &third, ignore, false).await?, Ok(2)), "{way}");
        ensure!(all()?.len() == 5 && all()?.contains(&second[1]), "{way}: {:?}", all()?);
        // the same key twice in one batch
        let twice = vec![odd(9, "x", "{}"), odd(9, "y", "{}")];
        must(refusal(write(writer, &table, &twice, update, false).await?)?.0 == "21000", &way)?;

        // some of a batch, and some of its columns
        let batch = table.batch(writer.form(), &[odd(6, "six", "6"), odd(7, "seven", "7"), odd(8, "eight", "8")])?;
        let (name, columns) = (table.table_name(), vec!["n".to_owned(), "i\"d".to_owned()]);
        let load = Load {
            table: &name,
            columns: &columns,
            conflict: Conflict::Refuse,
            batch: &batch,
            range: (1, 2),
            rehearse: false,
        };
        ensure!(matches!(writer.write(&load).await, Ok(1)), "{way}");
        ensure!(all()?.contains(&"(7,,1,,)".to_owned()), "{way}: {:?}", all()?);
        let none = Load { range: (2, 2), ..load };
        ensure!(matches!(writer.write(&none).await, Ok(0)), "{way}");

        // exactly these versions, and no others
        let quoted = table.quoted();
        let seen_before = versions(&stack, &quoted, "\"i\"\"d\" IN (1, 2, 3)")?;
        stack.sql(&format!("UPDATE {quoted} SET \"a b,c\" = 'changed meanwhile' WHERE \"i\"\"d\" = 2"))?;
        let count = all()?.len();
        let of = Delete { table: &name, rows: &seen_before, rehearse: true };
        match writer.delete(&of).await {
            Ok(2) if way != "rest" => {}
            Err(WriteError::Refused { code, .. }) if way == "rest" && code == "rehearsal" => {}
            other => anyhow::bail!("{way}: {other:?}"),
        }
        must(all()?.len() == count, &way)?;
        ensure!(matches!(writer.delete(&Delete { rehearse: false, ..of }).await, Ok(2)), "{way}");
        ensure!(all()?.len() == count - 2 && all()?.iter().any(|row| row.contains("changed meanwhile")), "{way}");
        ensure!(matches!(writer.delete(&Delete { rehearse: false, ..of }).await, Ok(0)), "{way}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_database_says_is_told_alike() -> Result<()> {
    let stack = stack("none", SCHEMA, SCHEMAS)?;
    let numbers = table(&stack, "public.numbers")?;
    let always = table(&stack, "public.always")?;
    let checked = table(&stack, "public.checked")?;
    let child = table(&stack, "public.child")?;
    let swallows = table(&stack, "public.swallows")?;
    let mut told: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (way, writer) in writers(&stack, false)? {
        let writer = writer.as_ref();
        stack.sql("TRUNCATE numbers, always, checked, child, swallows")?;
        let refused = async |table: &Table, rows: &[&str], rehearse: bool| -> Result<(String, String)> {
            refusal(write(writer, table, &texts(rows), Conflict::Refuse, rehearse).await?)
        };
        told.push((
            way.clone(),
            vec![
                refused(&checked, &["(1,1)", "(2,-5)"], false).await?,
                refused(&checked, &["(1,1)", "(2,-5)"], true).await?,
                refused(&checked, &["(x,1)", "(2,5)"], false).await?,
                refused(&child, &["(1,77)", "(2,78)"], false).await?,
            ],
        ));
        must(seen(&stack, "SELECT (SELECT count(*) FROM checked) + (SELECT count(*) FROM child)")? == "0", &way)?;
        // a deferred key is checked in a rehearsal too; over the Data API only in earnest
        let deferred = write(writer, &child, &texts(&["(1,77)", "(2,78)"]), Conflict::Refuse, true).await?;
        if way == "rest" {
            ensure!(matches!(deferred, Ok(2)), "{deferred:?}");
        } else {
            must(refusal(deferred)?.0 == "23503", &way)?;
        }
        // rows that a trigger takes away
        let rows = texts(&["(1,a)", "(2,b)", "(3,c)"]);
        ensure!(matches!(write(writer, &swallows, &rows, Conflict::Refuse, true).await?, Ok(2)), "{way}");
        must(swallows.read(&stack)?.is_empty(), &way)?;
        ensure!(matches!(write(writer, &swallows, &rows, Conflict::Refuse, false).await?, Ok(2)), "{way}");
        // values that a column makes by itself
        let rows = texts(&["(7,a,aa)", "(9,b,bb)"]);
        let identity = write(writer, &always, &rows, Conflict::Update(&always.key), false).await?;
        if way == "rest" {
            must(refusal(identity)?.0 == "428C9", &way)?;
        } else {
            ensure!(matches!(identity, Ok(2)), "{way}: {identity:?}");
            let rows = texts(&["(7,c,cc)", "(9,d,dd)"]);
            ensure!(
                matches!(write(writer, &always, &rows, Conflict::Update(&always.key), false).await?, Ok(2)),
                "{way}"
            );
            ensure!(always.read(&stack)? == rows, "{way}: {:?}", always.read(&stack)?);
        }
        // keys that are equal and not the same text
        let key = Conflict::Update(&numbers.key);
        ensure!(matches!(write(writer, &numbers, &texts(&["(1.0,a)"]), key, false).await?, Ok(1)), "{way}");
        ensure!(matches!(write(writer, &numbers, &texts(&["(1.00,b)"]), key, false).await?, Ok(1)), "{way}");
        ensure!(numbers.read(&stack)? == ["(1.00,b)"], "{way}: {:?}", numbers.read(&stack)?);
    }
    for (way, words) in &told {
        ensure!(*words == told[0].1, "{way}: {words:#?}\n{:#?}", told[0].1);
    }
    let codes: Vec<&str> = told[0].1.iter().map(|(code, _)| code.as_str()).collect();
    ensure!(codes == ["23514", "23514", "22P02", "23503"], "{codes:?}");
    ensure!(told[0].1[0].1.ends_with("violates check constraint \"checked_n_check\""), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn partitions_and_children_are_written_and_deleted_by_what_holds_them() -> Result<()> {
    let stack = stack("none", SCHEMA, SCHEMAS)?;
    let parted = table(&stack, "public.parted")?;
    for (way, writer) in writers(&stack, true)? {
        let writer = writer.as_ref();
        stack.sql("TRUNCATE parted, base; INSERT INTO base VALUES (1, 'own'); INSERT INTO derived VALUES (1, 'inherited', 'x')")?;
        let rows = texts(&["(1,a)", "(1,b)", "(2,a)", "(2,b)"]);
        ensure!(matches!(write(writer, &parted, &rows, Conflict::Refuse, false).await?, Ok(4)), "{way}");
        // the same address in two partitions
        let one = versions(&stack, "parted_b", "id = 1")?;
        ensure!(matches!(delete(writer, "parted", &one, false).await, Ok(1)), "{way}");
        ensure!(parted.read(&stack)? == ["(1,a)", "(2,a)", "(2,b)"], "{way}: {:?}", parted.read(&stack)?);
        let own = versions(&stack, "ONLY base", "true")?;
        ensure!(matches!(delete(writer, "base", &own, false).await, Ok(1)), "{way}");
        must(seen(&stack, "SELECT string_agg(t, ',') FROM base")? == "inherited", &way)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_digest_is_of_the_columns_and_settings_that_are_asked_for() -> Result<()> {
    let stack = stack("none", SCHEMA, SCHEMAS)?;
    stack.sql("SET ROLE postgres; CREATE TABLE printed (id int, at timestamptz, f float8, i interval, b bytea, m money);
        INSERT INTO printed VALUES (1, '2026-11-23 12:00+00', 0.1, '1 day 02:03', '\\x00ff', 5), (2, NULL, NULL, NULL, NULL, NULL)")?;
    let name = TableName::new("public", "printed");
    let settings = supabackup::model::PrintSettings {
        date_style: "German, DMY".into(),
        interval_style: "iso_8601".into(),
        time_zone: "Europe/Berlin".into(),
        bytea_output: "escape".into(),
        extra_float_digits: "0".into(),
        lc_monetary: "C".into(),
    };
    let plain = ["(2,0.1)", "(,)"].map(str::to_owned);
    let printed = texts(&["(1,\"23.11.2026 13:00:00 CET\",0.1,P1DT2H3M,\"\\\\000\\\\377\",$5.00)", "(2,,,,,)"]);
    for channel in all_channels(&stack)? {
        let way = channel.kind().word();
        let of = |columns: Option<&[&str]>, printed, without| DigestOf {
            table: name.clone(),
            columns: columns.map(|c| c.iter().map(|&c| c.to_owned()).collect()),
            without,
            printed,
        };
        let seen = channel.digest(of(Some(&["f"]), None, vec![])).await?;
        ensure!(seen.rows == 2 && seen.digest == digest(&["(0.1)".to_owned(), "()".to_owned()]), "{way}");
        ensure!(
            channel.digest(of(Some(&[]), None, vec![])).await?.digest == digest(&["()".to_owned(), "()".to_owned()]),
            "{way}"
        );
        ensure!(channel.digest(of(Some(&["id", "f"]), None, vec![])).await?.digest != digest(&plain), "{way}");
        let german = channel.digest(of(None, Some(settings.clone()), vec![])).await?;
        ensure!(german.digest == digest(&printed), "{way}");
        let all = vec![super::table(&stack, "public.printed")?.oid];
        let none = channel.digest(of(None, None, all)).await?;
        ensure!(none.rows == 0 && none.digest == digest(&[]), "{way}");
    }
    // and rows are read under the settings they were printed under
    let table = super::table(&stack, "public.printed")?;
    let before = table.read(&stack)?;
    for channel in all_channels(&stack)? {
        stack.sql("TRUNCATE printed")?;
        let writer = SqlWriter::new(Arc::clone(&channel), true).printed_under(settings.clone());
        ensure!(
            matches!(write(&writer, &table, &printed, Conflict::Refuse, false).await?, Ok(2)),
            "{:?}",
            channel.kind()
        );
        ensure!(table.read(&stack)? == before, "{:?}: {:?}", channel.kind(), table.read(&stack)?);
    }
    Ok(())
}

#[tokio::test]
async fn a_script_runs_whole_or_not_at_all_and_not_through_the_helper() -> Result<()> {
    let stack = stack("none", SCHEMA, SCHEMAS)?;
    for channel in all_channels(&stack)? {
        let way = channel.kind().word();
        stack.sql("DROP TABLE IF EXISTS scripted")?;
        let good = "SET ROLE postgres; CREATE TABLE scripted (id int);\nINSERT INTO scripted VALUES (1); SELECT 'rows' AS x; -- end";
        let bad = "CREATE TABLE scripted (id int); SELECT nowhere;";
        if way == "helper" {
            let error = channel.run_script(good).await.err().context("it ran")?;
            must(error.failure().message.contains("run no scripts") && error.failure().hint.is_some(), way)?;
            continue;
        }
        must(channel.run_script(bad).await.is_err(), way)?;
        must(seen(&stack, "SELECT to_regclass('scripted') IS NULL")? == "t", way)?;
        channel.run_script(good).await?;
        must(seen(&stack, "SELECT count(*) FROM scripted")? == "1", way)?;
    }
    ensure!(!Question::Script { sql: String::new() }.is_repeatable());
    Ok(())
}
