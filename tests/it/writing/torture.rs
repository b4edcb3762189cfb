//! Every type and shape of the torture database there and back.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use supabackup::supabase::sql::DigestOf;
use supabackup::supabase::{SqlWriter, WriteError};

use super::*;

fn with_rows(stack: &Stack) -> Result<Vec<Table>> {
    let mut all = tables(stack)?;
    for table in &mut all {
        table.rows = table.read(stack)?;
    }
    Ok(all)
}

/// Takes every row away, past triggers and keys.
fn empty(stack: &Stack, tables: &[Table]) -> Result<()> {
    let names: Vec<String> = tables.iter().map(Table::quoted).collect();
    stack.sql(&format!("TRUNCATE {}", names.join(", "))).map(drop)
}

#[tokio::test]
async fn every_table_is_put_back_by_sql_exactly_and_its_digest_says_so() -> Result<()> {
    let stack = stack("torture", "", "public,graphql_public,shop")?;
    let all = with_rows(&stack)?;
    ensure!(all.len() > 90 && all.iter().map(|t| t.rows.len()).sum::<usize>() > 9000, "{} tables", all.len());
    stack.control("PUT", "/management", r#"{"requests": 100000, "window_ms": 60000, "query_timeout_ms": 60000}"#)?;
    // what a constraint forbids that was never held against old rows, no way puts back under it
    stack.sql("ALTER TABLE g_not_valid DROP CONSTRAINT pos")?;
    for channel in all_channels(&stack)? {
        let way = channel.kind().word();
        empty(&stack, &all)?;
        let access = channel.write_access().await?;
        ensure!(access.quiet && access.role == "postgres" && access.refusal.is_none(), "{way}: {access:?}");
        ensure!(access.runs_scripts == (way != "helper"), "{way}");
        let writer = SqlWriter::new(Arc::clone(&channel), access.quiet);
        for table in &all {
            let written = write_all(&writer, table).await?;
            if way == "meta" && table.name == "ht_text" && table.schema == "public" {
                // one row's request is larger than the service takes
                ensure!(matches!(written, Err(WriteError::TooMuch(_))), "{written:?}");
                continue;
            }
            ensure!(matches!(written, Ok(n) if n == table.rows.len() as u64), "{way} {}: {written:?}", table.quoted());
            let back = table.read(&stack)?;
            ensure!(back == table.rows, "{way} {} differs", table.quoted());
            let of =
                DigestOf { table: table.table_name(), columns: None, without: table.children.clone(), printed: None };
            let seen = channel.digest(of).await?;
            ensure!(
                seen.rows == table.rows.len() as u64 && seen.digest == digest(&table.rows),
                "{way} {}",
                table.quoted()
            );
        }
        if way != "meta" {
            ensure!(channel.orphans(&all.iter().map(Table::table_name).collect::<Vec<_>>()).await?.is_empty(), "{way}");
        }
    }
    Ok(())
}

/// What plain REST cannot put back, or puts back as something else.
#[tokio::test]
async fn the_data_api_puts_back_all_but_what_is_known() -> Result<()> {
    let stack = Stack::up(&["--data", "torture", "--sql", "none"])?;
    let all: Vec<Table> = with_rows(&stack)?.into_iter().filter(|table| table.schema != "auth").collect();
    empty(&stack, &all)?;
    let writer = rest_writer(&stack)?;
    let mut problems: BTreeMap<String, String> = BTreeMap::new();
    let mut left: Vec<&Table> = all.iter().filter(|table| !table.rows.is_empty()).collect();
    loop {
        let before = left.len();
        let mut again = Vec::new();
        for table in left {
            match write_all(&writer, table).await? {
                Ok(n) if n == table.rows.len() as u64 => {}
                Ok(n) => drop(problems.insert(table.table_name().plain(), format!("{n} rows"))),
                Err(WriteError::Refused { code, .. }) if code == "23503" => again.push(table),
                Err(WriteError::Refused { code, .. }) => drop(problems.insert(table.table_name().plain(), code)),
                Err(error) => drop(problems.insert(table.table_name().plain(), error.to_string())),
            }
        }
        left = again;
        if left.is_empty() || left.len() == before {
            break;
        }
    }
    problems.extend(left.iter().map(|table| (table.table_name().plain(), "23503".to_owned())));
    for table in &all {
        if !problems.contains_key(&table.table_name().plain()) && table.read(&stack)? != table.rows {
            problems.insert(table.table_name().plain(), "differs".to_owned());
        }
    }
    let told: Vec<String> = problems.iter().map(|(table, problem)| format!("{table}: {problem}")).collect();
    ensure!(told == REST_CANNOT, "{told:#?}");
    Ok(())
}

/// A name that no URL holds; circles of keys that want whole tables at once; columns that only number by
/// themselves; constraints that old rows break; NUL in json, and JSON's null, which arrives as SQL's; grants;
/// and what triggers do.
const REST_CANNOT: [&str; 17] = [
    "public...: address",
    "public.fk_cycle_a: 23503",
    "public.fk_cycle_b: 23503",
    "public.fk_defer_a: 23503",
    "public.fk_defer_b: 23503",
    "public.g_identity_always: 428C9",
    "public.g_not_valid: 23514",
    "public.ht_json: 22P05",
    "public.ht_udt: differs",
    "public.k_jsonb: 23502",
    "public.r_col_grant: 42501",
    "public.r_no_grant: 42501",
    "public.r_readonly: 42501",
    "public.t_audit: differs",
    "public.t_reject: P0001",
    "public.t_swallow: 0 rows",
    "public.t_touched: differs",
];
