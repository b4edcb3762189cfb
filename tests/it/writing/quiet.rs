//! Quiet is quiet, loud is loud, and what nobody checks in the quiet is checked by the writer.

use supabackup::supabase::sql::Orphans;

use super::*;

const SCHEMA: &str = "
CREATE TABLE audit (n serial PRIMARY KEY, what text);
CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, at timestamptz);
CREATE TABLE inside (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE, CHECK (id > 0));
CREATE TABLE outside (id int PRIMARY KEY, code text REFERENCES parent (code) ON DELETE SET NULL);
CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$;
CREATE FUNCTION touches() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
CREATE TRIGGER audits AFTER INSERT OR UPDATE OR DELETE ON parent FOR EACH ROW EXECUTE FUNCTION audits();
CREATE TRIGGER touches BEFORE INSERT OR UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION touches();
CREATE TABLE pair (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE full_match (id int PRIMARY KEY, a int, b int, CONSTRAINT full_key FOREIGN KEY (a, b) REFERENCES pair MATCH FULL);
CREATE TABLE simple_match (id int PRIMARY KEY, a int, b int, CONSTRAINT simple_key FOREIGN KEY (a, b) REFERENCES pair);
CREATE TABLE old (id int PRIMARY KEY, a int, b int);
INSERT INTO old VALUES (1, 7, 7);
ALTER TABLE old ADD CONSTRAINT old_key FOREIGN KEY (a, b) REFERENCES pair NOT VALID;
CREATE TABLE part (id int, a int, b int, FOREIGN KEY (a, b) REFERENCES pair) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
";

#[tokio::test]
async fn what_is_quiet_sets_nothing_off_and_what_is_loud_sets_it_all_off() -> Result<()> {
    let stack = stack("none", SCHEMA, "public,graphql_public")?;
    let parent = table(&stack, "public.parent")?;
    let inside = table(&stack, "public.inside")?;
    let row = texts(&["(1,a,\"2001-01-01 00:00:00+00\")"]);
    for quiet in [true, false] {
        for channel in all_channels(&stack)? {
            let way = format!("{} {quiet}", channel.kind().word());
            stack.sql("TRUNCATE audit, parent, inside, outside")?;
            let writer = SqlWriter::new(Arc::clone(&channel), quiet);
            ensure!(matches!(write(&writer, &parent, &row, Conflict::Refuse, false).await?, Ok(1)), "{way}");
            ensure!((parent.read(&stack)? == row) == quiet, "{way}: {:?}", parent.read(&stack)?);
            must(seen(&stack, "SELECT count(*) FROM audit")? == if quiet { "0" } else { "1" }, &way)?;
            // checks hold in any case, keys only where they are heard
            let orphan = write(&writer, &inside, &texts(&["(5,99)"]), Conflict::Refuse, false).await?;
            ensure!(orphan.is_ok() == quiet, "{way}: {orphan:?}");
            let checked = write(&writer, &inside, &texts(&["(-5,1)"]), Conflict::Refuse, false).await?;
            must(refusal(checked)?.0 == "23514", &way)?;
            // the next one on the same connection is loud
            stack.sql("TRUNCATE inside; DELETE FROM audit; INSERT INTO inside VALUES (1, 1)")?;
            let found = versions(&stack, "parent", "true")?;
            let deleted = delete(&writer, "parent", &found, false).await;
            ensure!(matches!(deleted, Ok(1)) == !quiet, "{way}: {deleted:?}");
            if quiet {
                let (code, message) = refusal(deleted)?;
                must(
                    code == "23503"
                        && message.contains("public.inside (foreign key inside_parent_id_fkey, rows there: 1)"),
                    &message,
                )?;
                let knowing = SqlWriter::new(channel, true).restoring(vec![inside.table_name()]);
                ensure!(matches!(delete(&knowing, "parent", &found, false).await, Ok(1)), "{way}");
                must(seen(&stack, "SELECT count(*) FROM inside")? == "1", &way)?;
                must(seen(&stack, "SELECT count(*) FROM audit")? == "0", &way)?;
            } else {
                must(seen(&stack, "SELECT count(*) FROM inside")? == "0", &way)?;
                must(seen(&stack, "SELECT count(*) FROM audit WHERE what = 'DELETE parent'")? == "1", &way)?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn nobody_outside_is_left_referring_to_nothing() -> Result<()> {
    let stack = stack("none", SCHEMA, "public,graphql_public")?;
    let insert =
        "TRUNCATE audit, parent, inside, outside; INSERT INTO parent (id, code) VALUES (1, 'a'), (2, 'b'), (3, NULL);
        INSERT INTO inside VALUES (1, 1); INSERT INTO outside VALUES (1, 'a'), (2, 'a'), (3, NULL)";
    for channel in all_channels(&stack)? {
        let way = channel.kind().word();
        stack.sql(insert)?;
        let writer = SqlWriter::new(channel, true).restoring(vec![TableName::new("public", "inside")]);
        let found = versions(&stack, "parent", "true")?;
        for rehearse in [true, false] {
            let (code, message) = refusal(delete(&writer, "parent", &found, rehearse).await)?;
            ensure!(code == "23503", "{way}: {code}");
            let expected = "still referred to from public.outside (foreign key outside_code_fkey, rows there: 2)";
            must(message == expected, &message)?;
            must(seen(&stack, "SELECT count(*) FROM parent")? == "3", way)?;
        }
        let free = versions(&stack, "parent", "id > 1")?;
        ensure!(matches!(delete(&writer, "parent", &free, true).await, Ok(2)), "{way}");
        must(seen(&stack, "SELECT count(*) FROM parent")? == "3", way)?;
        ensure!(matches!(delete(&writer, "parent", &free, false).await, Ok(2)), "{way}");
    }
    Ok(())
}

#[tokio::test]
async fn keys_that_do_not_hold_are_counted_as_the_database_would() -> Result<()> {
    let stack = stack("none", SCHEMA, "public,graphql_public")?;
    stack.sql(
        "SET session_replication_role = replica;
         INSERT INTO pair VALUES (1, 1);
         INSERT INTO full_match VALUES (1, 1, 1), (2, NULL, NULL), (3, 1, NULL), (4, NULL, 5), (5, 2, 2);
         INSERT INTO simple_match VALUES (1, 1, 1), (2, NULL, 9), (3, 1, 2), (4, 2, NULL);
         INSERT INTO part VALUES (1, 1, 1), (2, 8, 8);",
    )?;
    let tables: Vec<TableName> =
        tables(&stack)?.iter().map(Table::table_name).filter(|name| name.name != "outside").collect();
    for channel in all_channels(&stack)? {
        let told = |found: Vec<Orphans>| -> Vec<(String, String, bool, Option<u64>)> {
            found.into_iter().map(|o| (o.table().name, o.constraint, o.validated, o.rows)).collect()
        };
        let expected = [
            ("full_match", "full_key", true, Some(3)),
            ("old", "old_key", false, Some(1)),
            ("part", "part_a_b_fkey", true, Some(1)),
            ("simple_match", "simple_key", true, Some(1)),
        ];
        let found = told(channel.orphans(&tables).await?);
        let found: Vec<_> = found.iter().map(|(t, c, v, n)| (t.as_str(), c.as_str(), *v, *n)).collect();
        ensure!(found == expected, "{:?}: {found:?}", channel.kind());
        ensure!(told(channel.orphans(&[]).await?).is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn where_quiet_is_denied_that_is_told_and_rows_are_written_loudly() -> Result<()> {
    let stack = stack("none", SCHEMA, "public,graphql_public")?;
    stack.sql("REVOKE SET ON PARAMETER session_replication_role FROM postgres")?;
    let parent = table(&stack, "public.parent")?;
    for channel in all_channels(&stack)? {
        let way = channel.kind().word();
        stack.sql("TRUNCATE audit, parent, inside, outside")?;
        let access = channel.write_access().await?;
        let why = access.refusal.as_deref().unwrap_or_default();
        ensure!(!access.quiet && why.contains("permission denied to set parameter"), "{way}: {access:?}");
        let row = texts(&["(1,a,)"]);
        let quiet = write(&SqlWriter::new(Arc::clone(&channel), true), &parent, &row, Conflict::Refuse, false).await?;
        must(refusal(quiet)?.0 == "42501", way)?;
        let loud = SqlWriter::new(channel, access.quiet);
        ensure!(matches!(write(&loud, &parent, &row, Conflict::Refuse, false).await?, Ok(1)), "{way}");
        must(seen(&stack, "SELECT count(*) FROM audit")? == "1", way)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_helper_that_only_reads_says_so_and_never_writes() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "none"])?;
    stack.sql(&format!("SET ROLE postgres; {SCHEMA}"))?;
    crate::sql_channel::run_file(&stack, &["helper-sql", "--read-only"])?;
    stack.script("set", &["schemas", "public,graphql_public,supabackup"])?;
    let helper = Arc::clone(&channels(&stack, "")?[2]);
    let error = helper.write_access().await.err().context("it has write_access")?.failure();
    must(error.hint.as_deref().is_some_and(|hint| hint.contains("without --read-only")), &error.message)?;
    let parent = table(&stack, "public.parent")?;
    let written =
        write(&SqlWriter::new(Arc::clone(&helper), false), &parent, &texts(&["(1,a,)"]), Conflict::Refuse, false)
            .await?;
    ensure!(matches!(written, Err(WriteError::Fatal(_))), "{written:?}");
    must(helper.settings().await?.role == "postgres", "it does not read")?;
    // the whole one writes, and the platform's own tables stay out of reach
    install_helper(&stack, "public,graphql_public")?;
    stack.sql("CREATE TABLE storage.objects (id int PRIMARY KEY); GRANT ALL ON storage.objects TO postgres")?;
    let helper = Arc::clone(&channels(&stack, "")?[2]);
    let writer = SqlWriter::new(helper, false);
    ensure!(matches!(write(&writer, &parent, &texts(&["(1,a,)"]), Conflict::Refuse, false).await?, Ok(1)));
    let (name, columns) = (TableName::new("storage", "objects"), vec!["id".to_owned()]);
    let batch = parent.batch(RowForm::Record, &texts(&["(1,,)"]))?;
    let load = Load {
        table: &name,
        columns: &columns,
        conflict: Conflict::Refuse,
        batch: &batch,
        range: (0, 1),
        rehearse: false,
    };
    must(refusal(writer.write(&load).await)?.0 == "42P01", "it wrote into a table of the platform")?;
    let row = [RowVersion { tableoid: 1, tid: Tid { block: 0, offset: 1 }, xmin: 1 }];
    must(refusal(delete(&writer, "storage.objects", &row, false).await)?.0 == "42P01", "it deletes there")
}
