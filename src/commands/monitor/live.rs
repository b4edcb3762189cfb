//! The project as a backup would find it now: its tables counted in the same requests that find out how they
//! can be read, and their sizes in one more where there is SQL.

use std::collections::{BTreeMap, HashMap};

use super::observe::unseen;
use crate::buffers::Buffers;
use crate::commands::backup::api_failure;
use crate::commands::backup::discover::{Found, Wanted, discover};
use crate::commands::channel::{self, Choice, Sql};
use crate::commands::connect;
use crate::config::{Config, ProjectConfig};
use crate::error::Failure;
use crate::model::{Described, Live, LiveTable, Relation, Seen, TableName, Uncovered, Unseen};
use crate::supabase::sql::{SqlError, SqlListing, SqlTable};
use crate::supabase::{ApiError, RowSource, is_paused};

/// What was found.
pub(super) struct Looked {
    pub(super) live: Seen<Live>,
    /// Columns of each table.
    pub(super) described: Described,
    /// The way to SQL, if there is one.
    pub(super) sql: Option<Sql>,
    /// What the Data API says to the key.
    pub(super) data_api: DataApi,
}

/// Whether the Data API answers.
pub(super) enum DataApi {
    NotAsked,
    Answers,
    Paused,
    Refuses(Unseen),
}

impl Looked {
    /// Nothing was asked.
    pub(super) fn unseen(why: &Unseen) -> Self {
        Self { live: Err(why.clone()), described: Described::default(), sql: None, data_api: DataApi::NotAsked }
    }

    fn refused(failure: Failure, data_api: DataApi) -> Self {
        Self { data_api, ..Self::unseen(&unseen(failure)) }
    }
}

/// Rows of tables whose children are stored by themselves are counted without those of the children.
pub(super) async fn look_at(
    project: &ProjectConfig,
    config: &Config,
    children: &HashMap<TableName, Vec<TableName>>,
) -> Looked {
    let http = match connect::http(config, Buffers::default()) {
        Ok(http) => http,
        Err(failure) => return Looked::refused(failure, DataApi::NotAsked),
    };
    let client = match connect::client(config, project, &http) {
        Ok(client) => client,
        Err(failure) => return Looked::refused(failure, DataApi::NotAsked),
    };
    let exposed = match client.exposed_schemas().await {
        Ok(exposed) => exposed,
        Err(error) => {
            let is_paused = is_paused(&error);
            let failure = failure_of(error);
            let said = if is_paused { DataApi::Paused } else { DataApi::Refuses(unseen(failure.clone())) };
            return Looked::refused(failure, said);
        }
    };
    let choice = channel::choose(config, project, &http, exposed.as_deref()).await;
    let found = match discover(&client, &Wanted::of(config, exposed.as_deref()), &choice).await {
        Ok(found) => found,
        Err(error) => {
            let hint = Failure::of(&error).and_then(|failure| failure.hint.clone());
            let why = Unseen { reason: format!("{error:#}"), hint, is_failure: true };
            return Looked { data_api: DataApi::Answers, ..Looked::unseen(&why) };
        }
    };
    let listing = match &found.sql {
        Some(sql) => match sql.tables.list().await {
            Ok(listing) => listing,
            Err(error) => return Looked::refused(error.failure(), DataApi::Answers),
        },
        None => SqlListing::default(),
    };
    let (database_bytes, sizes, size_unseen) = sizes(&choice).await;
    let mut live = Live { database_bytes, size_unseen, ..tables(&found, &listing, &sizes) };
    without_children(&mut live.tables, children);
    let columns = found.tables.iter().map(|(relation, _)| (relation.name.clone(), columns(relation)));
    let described = Described { tables: columns.collect(), statements: None };
    Looked { live: Ok(live), described, sql: found.sql, data_api: DataApi::Answers }
}

fn failure_of(error: ApiError) -> Failure {
    let error = api_failure(error);
    Failure::of(&error).cloned().unwrap_or_else(|| Failure::failed(format!("{error:#}")))
}

/// Tables with their rows, and what is not to be had of others.
fn tables(found: &Found, listing: &SqlListing, sizes: &BTreeMap<TableName, u64>) -> Live {
    let known: BTreeMap<TableName, &SqlTable> =
        listing.tables.iter().map(|table| (table.table_name(), table)).collect();
    let table = |(relation, access): &(Relation, crate::supabase::Access)| {
        let estimate = || known.get(&relation.name).and_then(|table| u64::try_from(table.rows?).ok());
        LiveTable {
            name: relation.name.clone(),
            rows: access.counted.or_else(estimate),
            exact: access.counted.is_some(),
            bytes: sizes.get(&relation.name).copied(),
        }
    };
    // a schema that the API does not expose needs no grants for it
    let is_ungranted = |name: &TableName| {
        let is_shown = found.described.iter().any(|relation| relation.name.schema == name.schema);
        is_shown && known.get(name).is_some_and(|table| table.has_rows() && !table.is_granted())
    };
    let through_sql = found.tables.iter().filter(|(_, access)| matches!(access.source, RowSource::Sql(_)));
    let read = through_sql.map(|(relation, _)| &relation.name).filter(|name| is_ungranted(name));
    let read = read.map(|name| Uncovered { name: name.clone(), read_through_sql: true });
    let unread = known.keys().filter(|name| is_ungranted(name));
    let unread = unread.filter(|name| {
        let subject = format!("table {name}");
        found.missing.iter().any(|missing| missing.subject == subject)
            || found.passed_over.iter().any(|passed| passed.name == **name && passed.reason.starts_with("not granted"))
    });
    let unread = unread.map(|name| Uncovered { name: name.clone(), read_through_sql: false });
    Live {
        tables: found.tables.iter().map(table).collect(),
        left_out: found.passed_over.iter().map(|passed| passed.name.clone()).collect(),
        missing: found.missing.clone(),
        uncovered: read.chain(unread).collect(),
        sees_all: found.sql.is_some(),
        ..Live::default()
    }
}

/// Bytes of the database and of its tables; or why they do not show.
async fn sizes(choice: &Choice) -> (Option<u64>, BTreeMap<TableName, u64>, Option<Unseen>) {
    let none = |why| (None, BTreeMap::new(), Some(why));
    let Some(sql) = &choice.sql else {
        let why = Unseen::not_given("how large the database is shows through SQL access only");
        return none(why.hint("`supabackup doctor` says how to give it"));
    };
    match sql.tables.channel().sizes().await {
        Ok(sizes) => {
            let of_table =
                |table: crate::supabase::sql::TableSize| (TableName::new(table.schema, table.name), table.bytes);
            (Some(sizes.database), sizes.tables.into_iter().map(of_table).collect(), None)
        }
        Err(error) => {
            let is_failure = !matches!(error, SqlError::Absent(_));
            none(Unseen { is_failure, ..unseen(error.failure()) })
        }
    }
}

/// Takes the rows of children away from those of their parents, the deepest first.
fn without_children(tables: &mut [LiveTable], children: &HashMap<TableName, Vec<TableName>>) {
    let counted: HashMap<TableName, u64> =
        tables.iter().filter_map(|table| Some((table.name.clone(), table.rows?))).collect();
    for table in tables.iter_mut() {
        let Some(children) = children.get(&table.name) else { continue };
        let of_children: u64 = children.iter().filter_map(|child| counted.get(child)).sum();
        table.rows = table.rows.map(|rows| rows.saturating_sub(of_children));
    }
}

/// Columns with their types, as the Data API names them.
pub(super) fn columns(relation: &Relation) -> Vec<(String, String)> {
    relation.columns.iter().map(column).collect()
}

/// One column.
pub(super) fn column(column: &crate::model::Column) -> (String, String) {
    let length = column.max_length.map(|most| format!("({most})")).unwrap_or_default();
    let labels = if column.labels.is_empty() { String::new() } else { format!(" [{}]", column.labels.join(", ")) };
    (column.name.clone(), format!("{}{length}{labels}", column.type_name))
}
