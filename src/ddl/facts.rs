//! What the catalog statement tells, as it tells it: one struct per file under
//! `src/supabase/sql/catalog/`. Letters are those of the system catalogs (relkind, contype, …).

use serde::Deserialize;

pub(crate) use crate::ddl::type_facts::*;

/// The whole catalog of a project.
#[derive(Debug, Default, Deserialize)]
pub struct Facts {
    pub(crate) server: Vec<Server>,
    pub(crate) roles: Vec<Role>,
    pub(crate) schemas: Vec<Schema>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) types: Vec<Type>,
    pub(crate) functions: Vec<Function>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) operators: Vec<Operator>,
    pub(crate) casts: Vec<Cast>,
    pub(crate) collations: Vec<Collation>,
    pub(crate) text_search: Vec<TextSearch>,
    pub(crate) sequences: Vec<Sequence>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) event_triggers: Vec<EventTrigger>,
    pub(crate) publications: Vec<Publication>,
    pub(crate) statistics: Vec<Statistics>,
    pub(crate) servers: Vec<ForeignServer>,
    pub(crate) default_acl: Vec<DefaultAcl>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) unwritten: Vec<Unwritten>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) buckets: Vec<Bucket>,
}

/// An access control list as the server prints it; `None` stands for the default of its kind.
pub(crate) type Acl = Option<Vec<String>>;

#[derive(Debug, Deserialize)]
pub(crate) struct Server {
    /// `server_version_num`.
    pub(crate) version: u32,
    pub(crate) version_text: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) login: bool,
    pub(crate) inherit: bool,
    pub(crate) bypass_rls: bool,
    pub(crate) create_db: bool,
    pub(crate) create_role: bool,
    pub(crate) member_of: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Schema {
    pub(crate) oid: u64,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// Every Supabase project has it from the start.
    pub(crate) everywhere: bool,
    pub(crate) acl: Acl,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Extension {
    pub(crate) name: String,
    pub(crate) schema: String,
    /// The extension itself makes the schema that it stands in.
    pub(crate) makes_schema: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Sequence {
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) acl: Acl,
    pub(crate) persistence: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) start: String,
    pub(crate) increment: String,
    pub(crate) minimum: String,
    pub(crate) maximum: String,
    pub(crate) cache: String,
    pub(crate) cycle: bool,
    /// `a`uto (OWNED BY) or `i`nternal (identity); `None`: on its own.
    pub(crate) ownership: Option<String>,
    pub(crate) table_oid: Option<u64>,
    pub(crate) column: Option<String>,
    /// `a`lways, by `d`efault, or empty.
    pub(crate) identity: Option<String>,
    pub(crate) last_value: Option<String>,
    pub(crate) is_called: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Relation {
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// `r`, `p`, `f`, `v`, `m`.
    pub(crate) kind: String,
    pub(crate) persistence: String,
    pub(crate) acl: Acl,
    pub(crate) options: Option<Vec<String>>,
    pub(crate) toast_options: Option<Vec<String>>,
    pub(crate) row_security: bool,
    pub(crate) force_row_security: bool,
    pub(crate) replica_identity: String,
    pub(crate) is_partition: bool,
    pub(crate) bound: Option<String>,
    pub(crate) partition_key: Option<String>,
    pub(crate) parents: Option<Vec<u64>>,
    pub(crate) of_type: Option<String>,
    pub(crate) access_method: Option<String>,
    pub(crate) in_tablespace: bool,
    pub(crate) populated: bool,
    pub(crate) definition: Option<String>,
    pub(crate) foreign: Option<ForeignTable>,
    pub(crate) columns: Option<Vec<Column>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ForeignTable {
    pub(crate) server: String,
    pub(crate) options: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Column {
    pub(crate) number: i32,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) not_null: bool,
    pub(crate) local: bool,
    pub(crate) inherited: bool,
    pub(crate) default: Option<String>,
    pub(crate) default_oid: Option<u64>,
    /// `s`tored, `v`irtual, or empty.
    pub(crate) generated: String,
    /// `a`lways, by `d`efault, or empty.
    #[serde(default)]
    pub(crate) identity: String,
    pub(crate) collation: Option<String>,
    pub(crate) storage: Option<String>,
    pub(crate) compression: Option<String>,
    pub(crate) statistics: Option<i32>,
    pub(crate) options: Option<Vec<String>>,
    pub(crate) foreign_options: Option<Vec<String>>,
    pub(crate) acl: Acl,
    pub(crate) not_null_name: Option<String>,
    pub(crate) not_null_local: Option<bool>,
    pub(crate) not_null_no_inherit: Option<bool>,
    pub(crate) not_null_validated: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Constraint {
    pub(crate) oid: u64,
    pub(crate) table_oid: u64,
    pub(crate) name: String,
    /// `c`heck, `p`rimary, `u`nique, e`x`clusion, `f`oreign.
    pub(crate) kind: String,
    pub(crate) definition: String,
    pub(crate) validated: bool,
    pub(crate) local: bool,
    pub(crate) parent: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    pub(crate) oid: u64,
    pub(crate) table_oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) definition: String,
    pub(crate) clustered: bool,
    pub(crate) replica_identity: bool,
    pub(crate) valid: bool,
    pub(crate) kind: String,
    pub(crate) constraint_oid: Option<u64>,
    pub(crate) parent: Option<u64>,
    pub(crate) statistics: Option<Vec<(i32, i32)>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Trigger {
    pub(crate) oid: u64,
    pub(crate) table_oid: u64,
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) definition: String,
    /// `O`rigin, `D`isabled, `R`eplica, `A`lways.
    pub(crate) enabled: String,
    /// Its function reaches out of the database (webhooks).
    pub(crate) acts_outside: bool,
    pub(crate) parent_enabled: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    pub(crate) oid: u64,
    pub(crate) table_oid: u64,
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) definition: String,
    pub(crate) enabled: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Policy {
    pub(crate) oid: u64,
    pub(crate) table_oid: u64,
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) command: String,
    pub(crate) permissive: bool,
    /// `None` among them is PUBLIC.
    pub(crate) roles: Option<Vec<Option<String>>>,
    pub(crate) using: Option<String>,
    pub(crate) check: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EventTrigger {
    pub(crate) oid: u64,
    pub(crate) name: String,
    pub(crate) event: String,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) function: String,
    pub(crate) enabled: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Publication {
    pub(crate) oid: u64,
    pub(crate) name: String,
    pub(crate) all_tables: bool,
    pub(crate) insert: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
    pub(crate) truncate: bool,
    pub(crate) via_root: bool,
    /// From 18 on: `n`one or `s`tored.
    pub(crate) generated_columns: Option<String>,
    pub(crate) tables: Option<Vec<PublishedTable>>,
    pub(crate) schemas: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PublishedTable {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) filter: Option<String>,
    pub(crate) columns: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Statistics {
    pub(crate) oid: u64,
    pub(crate) table_oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) definition: String,
    pub(crate) target: Option<i32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ForeignServer {
    pub(crate) oid: u64,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) wrapper: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) options: Option<Vec<String>>,
    pub(crate) acl: Acl,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DefaultAcl {
    pub(crate) role: String,
    pub(crate) schema: Option<String>,
    /// `r`elations, `S`equences, `f`unctions, `T`ypes, `n`amespaces.
    pub(crate) kind: String,
    pub(crate) acl: Acl,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Comment {
    pub(crate) class: String,
    pub(crate) oid: u64,
    /// The column's number, or 0.
    pub(crate) sub: i32,
    pub(crate) text: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) class: String,
    pub(crate) oid: u64,
    pub(crate) on_class: String,
    pub(crate) on_oid: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Alias {
    pub(crate) class: String,
    pub(crate) oid: u64,
    pub(crate) is_class: String,
    pub(crate) is_oid: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Unwritten {
    pub(crate) subject: String,
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    /// One row of `cron.job`, as JSON.
    pub(crate) job: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Bucket {
    /// One row of `storage.buckets`, as JSON.
    pub(crate) bucket: String,
}
