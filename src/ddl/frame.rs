//! What stands around the objects: settings, roles, schemas, extensions, comments, default rights,
//! and what a person runs on purpose.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::ddl::acl::{Grants, Kind, USUAL, parse};
use crate::ddl::after::enabling;
use crate::ddl::build::{Build, foreign_options, qualified};
use crate::ddl::facts::{Acl, Comment, DefaultAcl, Role};
use crate::ddl::graph::Id;
use crate::format::quote_literal;
use crate::model::quote_identifier;

/// Settings of the session that runs a script. `session_replication_role` keeps triggers and foreign
/// keys quiet; Supabase's `postgres` may set it.
pub(crate) const SETTINGS: &str = "\
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET search_path = '';
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
SET session_replication_role = replica;
";

impl<'a> Build<'a> {
    /// Roles that own something, have rights, or are named by policies. Without passwords.
    pub(crate) fn roles(&mut self) -> String {
        let used = self.used_roles();
        let mut out = String::new();
        for role in self.facts.roles.iter().filter(|r| used.contains(r.name.as_str())) {
            out += &role_sql(role);
            let reason = if role.login {
                "it is made without LOGIN and without its password, which no catalog shows"
            } else {
                "it is made where it is not there yet; memberships in it are not written"
            };
            if role.login || role.bypass_rls || role.create_db || role.create_role || role.member_of.is_some() {
                self.missing(format!("attributes of role {}", quote_identifier(&role.name)), reason);
            }
        }
        out
    }

    fn used_roles(&self) -> BTreeSet<&'a str> {
        let facts = self.facts;
        let lists = facts
            .relations
            .iter()
            .flat_map(|r| r.acl.iter().flatten().chain(r.columns.iter().flatten().flat_map(|c| c.acl.iter().flatten())))
            .chain(facts.sequences.iter().flat_map(|s| s.acl.iter().flatten()))
            .chain(facts.functions.iter().flat_map(|f| f.acl.iter().flatten()))
            .chain(facts.aggregates.iter().flat_map(|f| f.acl.iter().flatten()))
            .chain(facts.types.iter().flat_map(|t| t.acl.iter().flatten()))
            .chain(facts.schemas.iter().flat_map(|s| s.acl.iter().flatten()))
            .chain(facts.default_acl.iter().flat_map(|d| d.acl.iter().flatten()));
        let named: BTreeSet<String> = lists.filter_map(|text| parse(text)?.grantee).collect();
        let roles = facts.roles.iter().map(|r| r.name.as_str());
        let in_policies =
            |name: &str| facts.policies.iter().any(|p| p.roles.iter().flatten().flatten().any(|r| r == name));
        let defaults = |name: &str| facts.default_acl.iter().any(|d| d.role == name);
        roles.filter(|name| named.contains(*name) || in_policies(name) || defaults(name)).collect()
    }

    pub(crate) fn schemas(&mut self) -> String {
        let mut out = String::new();
        for schema in &self.facts.schemas {
            let name = quote_identifier(&schema.name);
            let id = Id::new("pg_namespace", schema.oid);
            out += &format!("CREATE SCHEMA IF NOT EXISTS {name};\n");
            if schema.everywhere {
                // its owner and most of its rights are the platform's: only what was added is given
                self.add_rights(&name, &schema.acl);
                continue;
            }
            self.name(id, format!("SCHEMA {name}"), Some(&schema.owner));
            self.grant(Kind::Schema, format!("SCHEMA {name}"), &schema.owner, &schema.acl);
        }
        out
    }

    /// Rights on a schema that is there already, with rights of its own.
    fn add_rights(&mut self, schema: &str, acl: &Acl) {
        let kept: Vec<String> = acl
            .iter()
            .flatten()
            .filter(|text| {
                let grantee = parse(text).and_then(|e| e.grantee);
                grantee.is_some_and(|g| {
                    let is_usual = g != "postgres" && USUAL.contains(&g.as_str());
                    is_usual || self.facts.roles.iter().any(|r| r.name == g)
                })
            })
            .cloned()
            .collect();
        let grants = Grants {
            kind: Kind::Schema,
            on: format!("SCHEMA {schema}"),
            owner: "postgres",
            usual: &[],
            prefix: String::new(),
            with_owner: true,
            version: self.version(),
        };
        if let Some(statements) = grants.statements(&Some(kept)) {
            self.rights.extend(statements);
        }
    }

    pub(crate) fn extensions(&self) -> String {
        let mut out = String::new();
        for extension in &self.facts.extensions {
            let schema = quote_identifier(&extension.schema);
            let name = quote_identifier(&extension.name);
            if extension.makes_schema {
                out += &format!("CREATE EXTENSION IF NOT EXISTS {name};\n");
            } else {
                out += &format!("CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {schema};\n");
            }
        }
        out
    }

    pub(crate) fn servers(&mut self) -> String {
        let mut out = String::new();
        for server in &self.facts.servers {
            let name = quote_identifier(&server.name);
            out += &format!("CREATE SERVER IF NOT EXISTS {name}");
            out += &server.kind.as_ref().map(|k| format!(" TYPE {}", quote_literal(k))).unwrap_or_default();
            out += &server.version.as_ref().map(|v| format!(" VERSION {}", quote_literal(v))).unwrap_or_default();
            out += &format!(" FOREIGN DATA WRAPPER {}", quote_identifier(&server.wrapper));
            let options = foreign_options(&server.options);
            out += &options.map(|o| format!(" OPTIONS ({o})")).unwrap_or_default();
            out += ";\n";
            let id = Id::new("pg_foreign_server", server.oid);
            self.name(id, format!("SERVER {name}"), Some(&server.owner));
            self.grant(Kind::Server, format!("FOREIGN SERVER {name}"), &server.owner, &server.acl);
        }
        out
    }

    pub(crate) fn comments(&mut self) -> String {
        let mut out = String::new();
        for comment in &self.facts.comments {
            let Some(on) = self.commented(comment) else { continue };
            out += &format!("COMMENT ON {on} IS {};\n", quote_literal(&comment.text));
        }
        out
    }

    /// `None` for what is not the project's.
    fn commented(&self, comment: &Comment) -> Option<String> {
        let phrase = self.named.get(&Id::new(&comment.class, comment.oid))?;
        if comment.sub == 0 {
            return Some(phrase.clone());
        }
        if let Some(relation) = self.relations.get(&comment.oid) {
            let column = relation.columns.iter().flatten().find(|c| c.number == comment.sub)?;
            let name = qualified(&relation.schema, &relation.name);
            return Some(format!("COLUMN {name}.{}", quote_identifier(&column.name)));
        }
        let ty = self.facts.types.iter().find(|t| t.relation == comment.oid)?;
        let attribute = ty.attributes.iter().flatten().find(|a| a.number == comment.sub)?;
        Some(format!("COLUMN {}.{}", qualified(&ty.schema, &ty.name), quote_identifier(&attribute.name)))
    }

    /// Last of all: from here on new objects get the rights that they would have got in the project.
    pub(crate) fn default_rights(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        for list in &self.facts.default_acl {
            let Some(on) = plural(&list.kind) else {
                self.missing(format!("default rights of {}", quote_identifier(&list.role)), "of an unknown kind");
                continue;
            };
            match self.default_statements(list, on) {
                Some(statements) => out.extend(statements),
                None => self.missing(
                    format!("default rights of {} on {on}", quote_identifier(&list.role)),
                    "the server's list of rights could not be read",
                ),
            }
        }
        // newer projects give nothing by themselves; a target that is older does
        for kind in ["r", "S", "f"] {
            let there =
                |d: &&DefaultAcl| d.role == "postgres" && d.schema.as_deref() == Some("public") && d.kind == kind;
            if !self.facts.default_acl.iter().any(|d| there(&d)) {
                let roles: Vec<String> = USUAL.iter().map(|r| quote_identifier(r)).collect();
                out.push(format!(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE \"postgres\" IN SCHEMA \"public\" REVOKE ALL ON {} FROM {};",
                    plural(kind).unwrap_or_default(),
                    roles.join(", ")
                ));
            }
        }
        out
    }

    fn default_statements(&self, list: &DefaultAcl, on: &str) -> Option<Vec<String>> {
        let schema = list.schema.as_ref().map(|s| format!(" IN SCHEMA {}", quote_identifier(s))).unwrap_or_default();
        let kind = match list.kind.as_str() {
            "r" => Kind::Table,
            "S" => Kind::Sequence,
            "f" => Kind::Function,
            "T" => Kind::Type,
            _ => Kind::Schema,
        };
        // with a schema, the list is added to what applies anyway; without, it stands in its place
        let grants = Grants {
            kind: if list.schema.is_none() { kind } else { added(kind) },
            on: on.to_owned(),
            owner: &list.role,
            usual: self.usual(),
            prefix: format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{schema} ", quote_identifier(&list.role)),
            with_owner: list.schema.is_some(),
            version: self.version(),
        };
        grants.statements(&list.acl)
    }

    /// Buckets of Storage: their settings. Their policies are among the policies.
    pub(crate) fn buckets(&mut self) -> String {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            name: String,
            #[serde(default)]
            public: Option<bool>,
            #[serde(default)]
            file_size_limit: Option<i64>,
            #[serde(default)]
            allowed_mime_types: Option<Vec<String>>,
        }
        let mut out = String::new();
        for bucket in &self.facts.buckets {
            let Ok(row) = serde_json::from_str::<Row>(&bucket.bucket) else {
                self.missing("a bucket of Storage".to_owned(), "its row is not what Storage keeps there");
                continue;
            };
            let types = row.allowed_mime_types.map_or_else(
                || "NULL".to_owned(),
                |types| {
                    format!("ARRAY[{}]::text[]", types.iter().map(|t| quote_literal(t)).collect::<Vec<_>>().join(", "))
                },
            );
            out += &format!(
                "INSERT INTO storage.buckets (id, name, public, file_size_limit, allowed_mime_types) VALUES ({}, {}, {}, {}, {types})\n\t\
                 ON CONFLICT (id) DO UPDATE SET public = EXCLUDED.public, file_size_limit = EXCLUDED.file_size_limit, \
                 allowed_mime_types = EXCLUDED.allowed_mime_types;\n",
                quote_literal(&row.id),
                quote_literal(&row.name),
                row.public.map_or("NULL".to_owned(), |p| p.to_string()),
                row.file_size_limit.map_or("NULL".to_owned(), |n| n.to_string()),
            );
        }
        out
    }

    /// Event triggers and jobs: they act by themselves from the moment on that they are there.
    pub(crate) fn acting(&mut self) {
        for trigger in &self.facts.event_triggers {
            let name = quote_identifier(&trigger.name);
            let tags: Vec<String> = trigger.tags.iter().flatten().map(|t| quote_literal(t)).collect();
            let when = if tags.is_empty() { String::new() } else { format!("\n\tWHEN TAG IN ({})", tags.join(", ")) };
            let state = enabling(&trigger.enabled).map(|word| format!("ALTER EVENT TRIGGER {name} {word};\n"));
            let state = state.unwrap_or_default();
            let sql = format!(
                "CREATE EVENT TRIGGER {name} ON {}{when}\n\tEXECUTE FUNCTION {}();\n{state}",
                trigger.event, trigger.function
            );
            self.on_purpose.push(sql);
            let id = Id::new("pg_event_trigger", trigger.oid);
            let comment = self.facts.comments.iter().find(|c| c.class == id.class && c.oid == id.oid);
            if let Some(comment) = comment {
                self.on_purpose.push(format!("COMMENT ON EVENT TRIGGER {name} IS {};\n", quote_literal(&comment.text)));
            }
        }
        for job in &self.facts.jobs {
            match job_sql(&job.job) {
                Some(sql) => self.on_purpose.push(sql),
                None => self.missing("a job of pg_cron".to_owned(), "its row is not what pg_cron keeps there"),
            }
        }
    }
}

/// A kind whose rights are added to what everybody has anyway.
fn added(kind: Kind) -> Kind {
    match kind {
        Kind::Function => Kind::AddedFunction,
        Kind::Type => Kind::Server,
        other => other,
    }
}

fn plural(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "r" => "TABLES",
        "S" => "SEQUENCES",
        "f" => "FUNCTIONS",
        "T" => "TYPES",
        "n" => "SCHEMAS",
        _ => return None,
    })
}

fn role_sql(role: &Role) -> String {
    let inherit = if role.inherit { "" } else { " NOINHERIT" };
    format!(
        "DO $role$ BEGIN\n\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {}) THEN\n\t\t\
         CREATE ROLE {} NOLOGIN{inherit};\n\tEND IF;\nEND $role$;\n",
        quote_literal(&role.name),
        quote_identifier(&role.name)
    )
}

fn job_sql(row: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Row {
        jobname: Option<String>,
        schedule: String,
        command: String,
        #[serde(default)]
        active: Option<bool>,
    }
    let row: Row = serde_json::from_str(row).ok()?;
    let arguments = row.jobname.iter().chain([&row.schedule, &row.command]).map(|text| quote_literal(text));
    let schedule = format!("cron.schedule({})", arguments.collect::<Vec<_>>().join(", "));
    Some(match row.active {
        Some(false) => format!("SELECT cron.alter_job({schedule}, active := false);\n"),
        _ => format!("SELECT {schedule};\n"),
    })
}
