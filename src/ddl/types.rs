//! Types, collations and text search.

use crate::ddl::acl::Kind;
use crate::ddl::build::{Build, qualified, rank};
use crate::ddl::facts::{Collation, TextSearch, Type};
use crate::ddl::graph::{Id, Section};
use crate::format::quote_literal;
use crate::model::quote_identifier;

impl Build<'_> {
    pub(crate) fn types(&mut self) {
        for ty in &self.facts.types {
            let id = Id::new("pg_type", ty.oid);
            let name = qualified(&ty.schema, &ty.name);
            let sql = match ty.kind.as_str() {
                "e" => enumeration(ty, &name),
                "c" => self.composite(ty, &name),
                "d" => self.domain(ty, &name),
                "r" => range(ty, &name),
                other => {
                    self.missing(format!("type {name}"), &format!("types of kind {other:?} are not known"));
                    continue;
                }
            };
            let word = if ty.kind == "d" { "DOMAIN" } else { "TYPE" };
            self.add(id.clone(), Section::Before, rank::TYPE, name.clone(), sql);
            self.name(id, format!("{word} {name}"), Some(&ty.owner));
            self.grant(Kind::Type, format!("TYPE {name}"), &ty.owner, &ty.acl);
        }
    }

    fn composite(&mut self, ty: &Type, name: &str) -> String {
        let attributes = ty.attributes.iter().flatten().map(|a| {
            let collation = a.collation.as_ref().map(|c| format!(" COLLATE {c}")).unwrap_or_default();
            format!("\t{} {}{collation}", quote_identifier(&a.name), a.type_name)
        });
        let attributes: Vec<String> = attributes.collect();
        // COMMENT ON COLUMN works on attributes too
        self.named.insert(Id::new("pg_class", ty.relation), format!("TYPE {name}"));
        format!("CREATE TYPE {name} AS (\n{}\n);\n", attributes.join(",\n"))
    }

    fn domain(&mut self, ty: &Type, name: &str) -> String {
        let mut sql = format!("CREATE DOMAIN {name} AS {}", ty.base.as_deref().unwrap_or_default());
        if let Some(collation) = &ty.collation {
            sql += &format!(" COLLATE {collation}");
        }
        if let Some(default) = &ty.default {
            sql += &format!(" DEFAULT {default}");
        }
        let constraints = || ty.constraints.iter().flatten();
        let named = constraints().find(|c| c.kind == "n");
        match named {
            Some(constraint) => sql += &format!("\n\tCONSTRAINT {} NOT NULL", quote_identifier(&constraint.name)),
            None if ty.not_null => sql += " NOT NULL",
            None => {}
        }
        let mut later = String::new();
        for constraint in constraints().filter(|c| c.kind != "n") {
            let text = format!("CONSTRAINT {} {}", quote_identifier(&constraint.name), constraint.definition);
            if constraint.validated {
                sql += &format!("\n\t{text}");
            } else {
                later += &format!("ALTER DOMAIN {name} ADD {text};\n");
            }
        }
        for constraint in constraints() {
            let id = Id::new("pg_constraint", constraint.oid);
            self.graph.alias(id.clone(), Id::new("pg_type", ty.oid));
            self.name(id, format!("CONSTRAINT {} ON DOMAIN {name}", quote_identifier(&constraint.name)), None);
        }
        format!("{sql};\n{later}")
    }

    pub(crate) fn collations(&mut self) {
        for collation in &self.facts.collations {
            let name = qualified(&collation.schema, &collation.name);
            let Some(sql) = collation_sql(collation, &name) else {
                let reason = format!("provider {:?} is not known", collation.provider);
                self.missing(format!("collation {name}"), &reason);
                continue;
            };
            let id = Id::new("pg_collation", collation.oid);
            self.add(id.clone(), Section::Before, rank::TYPE, name.clone(), sql);
            self.name(id, format!("COLLATION {name}"), Some(&collation.owner));
        }
    }

    pub(crate) fn text_search(&mut self) {
        for object in &self.facts.text_search {
            let name = qualified(&object.schema, &object.name);
            let id = Id::new(&object.class, object.oid);
            let (word, sql) = match object.class.as_str() {
                "pg_ts_dict" => ("DICTIONARY", dictionary(object, &name)),
                _ => ("CONFIGURATION", configuration(object, &name)),
            };
            self.add(id.clone(), Section::Before, rank::TYPE, name.clone(), sql);
            self.name(id, format!("TEXT SEARCH {word} {name}"), Some(&object.owner));
        }
    }
}

fn enumeration(ty: &Type, name: &str) -> String {
    let labels: Vec<String> = ty.labels.iter().flatten().map(|label| format!("\t{}", quote_literal(label))).collect();
    format!("CREATE TYPE {name} AS ENUM (\n{}\n);\n", labels.join(",\n"))
}

fn range(ty: &Type, name: &str) -> String {
    let Some(range) = &ty.range else { return String::new() };
    let mut parts = vec![format!("\tsubtype = {}", range.subtype)];
    let pairs = [
        ("multirange_type_name", &range.multirange),
        ("subtype_opclass", &range.opclass),
        ("collation", &range.collation),
        ("canonical", &range.canonical),
        ("subtype_diff", &range.diff),
    ];
    parts.extend(pairs.iter().filter_map(|(key, value)| value.as_ref().map(|v| format!("\t{key} = {v}"))));
    format!("CREATE TYPE {name} AS RANGE (\n{}\n);\n", parts.join(",\n"))
}

fn collation_sql(collation: &Collation, name: &str) -> Option<String> {
    let provider = match collation.provider.as_str() {
        "c" => "libc",
        "i" => "icu",
        "b" => "builtin",
        _ => return None,
    };
    let mut parts = vec![format!("provider = {provider}")];
    if !collation.deterministic {
        parts.push("deterministic = false".to_owned());
    }
    let mut add = |key: &str, value: &Option<String>| {
        parts.extend(value.as_ref().map(|v| format!("{key} = {}", quote_literal(v))));
    };
    if provider == "libc" {
        add("lc_collate", &collation.lc_collate);
        add("lc_ctype", &collation.lc_ctype);
    } else {
        // 15 keeps the locale of ICU collations here, older ones in lc_collate
        add("locale", &collation.locale.clone().or_else(|| collation.lc_collate.clone()));
    }
    add("rules", &collation.rules);
    Some(format!("CREATE COLLATION {name} ({});\n", parts.join(", ")))
}

fn dictionary(object: &TextSearch, name: &str) -> String {
    let options = object.options.as_ref().map(|o| format!(",\n\t{o}")).unwrap_or_default();
    format!("CREATE TEXT SEARCH DICTIONARY {name} (\n\tTEMPLATE = {}{options}\n);\n", object.base)
}

fn configuration(object: &TextSearch, name: &str) -> String {
    let mut sql = format!("CREATE TEXT SEARCH CONFIGURATION {name} (\n\tPARSER = {}\n);\n", object.base);
    for mapping in object.mappings.iter().flatten() {
        sql += &format!(
            "ALTER TEXT SEARCH CONFIGURATION {name} ADD MAPPING FOR {} WITH {};\n",
            quote_identifier(&mapping.token),
            mapping.dictionaries.join(", ")
        );
    }
    sql
}
