//! Functions, procedures, aggregates, operators and casts.

use crate::ddl::acl::Kind;
use crate::ddl::build::{Build, qualified, rank};
use crate::ddl::facts::{Aggregate, Cast, Function, Operator};
use crate::ddl::graph::{Id, Section};
use crate::format::quote_literal;
use crate::model::quote_identifier;

impl Build<'_> {
    pub(crate) fn functions(&mut self) {
        for function in &self.facts.functions {
            let signature = format!("{}({})", qualified(&function.schema, &function.name), function.arguments);
            if matches!(function.language.as_str(), "c" | "internal") {
                let reason = format!("only a superuser can make a function in language {}", function.language);
                self.missing(format!("function {signature}"), &reason);
                continue;
            }
            let word = if function.kind == "p" { "PROCEDURE" } else { "FUNCTION" };
            let id = Id::new("pg_proc", function.oid);
            let definition = self.definition(function, &signature);
            self.add(id.clone(), Section::Before, rank::FUNCTION, signature.clone(), definition);
            self.name(id, format!("{word} {signature}"), Some(&function.owner));
            self.grant(Kind::Function, format!("{word} {signature}"), &function.owner, &function.acl);
        }
    }

    /// The server's own text. LEAKPROOF is taken from the attributes, which stand before the body: only
    /// a superuser can say it.
    fn definition(&mut self, function: &Function, signature: &str) -> String {
        let text = &function.definition;
        if !function.leakproof {
            return format!("{};\n", text.trim_end_matches('\n'));
        }
        self.missing(format!("LEAKPROOF of function {signature}"), "only a superuser can say it");
        let attributes = text.find("\n LANGUAGE ").map_or(0, |at| at + 1);
        let body = text[attributes..].find("\nAS ").or_else(|| text[attributes..].find("\nBEGIN ATOMIC"));
        let end = body.map_or(text.len(), |at| attributes + at);
        let line = text[attributes..end].replacen(" LEAKPROOF", "", 1);
        format!("{}{line}{};\n", &text[..attributes], text[end..].trim_end_matches('\n'))
    }

    pub(crate) fn aggregates(&mut self) {
        for aggregate in &self.facts.aggregates {
            let name = qualified(&aggregate.schema, &aggregate.name);
            let arguments = if aggregate.arguments.is_empty() { "*" } else { &aggregate.arguments };
            let signature = format!("{name}({arguments})");
            let id = Id::new("pg_proc", aggregate.oid);
            self.add(
                id.clone(),
                Section::Before,
                rank::FUNCTION,
                signature.clone(),
                aggregate_sql(aggregate, &signature),
            );
            self.name(id, format!("AGGREGATE {signature}"), Some(&aggregate.owner));
            let plain = format!("{name}({})", aggregate.arguments.replace(" ORDER BY ", ", "));
            self.grant(Kind::Function, format!("FUNCTION {plain}"), &aggregate.owner, &aggregate.acl);
        }
    }

    pub(crate) fn operators(&mut self) {
        for operator in &self.facts.operators {
            let name = format!("{}.{}", quote_identifier(&operator.schema), operator.name);
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "NONE".to_owned());
            let signature = format!("{name} ({}, {})", side(&operator.left), side(&operator.right));
            let id = Id::new("pg_operator", operator.oid);
            self.add(id.clone(), Section::Before, rank::OPERATOR, signature.clone(), operator_sql(operator, &name));
            self.name(id, format!("OPERATOR {signature}"), Some(&operator.owner));
        }
    }

    pub(crate) fn casts(&mut self) {
        for cast in &self.facts.casts {
            let signature = format!("({} AS {})", cast.source, cast.target);
            if cast.method == "b" {
                self.missing(format!("cast {signature}"), "only a superuser can make a cast without a function");
                continue;
            }
            let id = Id::new("pg_cast", cast.oid);
            self.add(id.clone(), Section::Before, rank::OPERATOR, signature.clone(), cast_sql(cast, &signature));
            self.name(id, format!("CAST {signature}"), None);
        }
    }
}

fn aggregate_sql(a: &Aggregate, signature: &str) -> String {
    let mut parts = vec![format!("SFUNC = {}", a.transition), format!("STYPE = {}", a.state)];
    let text = |parts: &mut Vec<String>, key: &str, value: &Option<String>| {
        parts.extend(value.as_ref().map(|v| format!("{key} = {v}")));
    };
    let modify = |parts: &mut Vec<String>, key: &str, letter: &str| {
        // the default is read-only for normal aggregates, and read-write for the others
        let usual = if a.kind == "n" { "r" } else { "w" };
        let word = match letter {
            "r" => "READ_ONLY",
            "s" => "SHAREABLE",
            _ => "READ_WRITE",
        };
        if letter != usual {
            parts.push(format!("{key} = {word}"));
        }
    };
    if a.state_size != 0 {
        parts.push(format!("SSPACE = {}", a.state_size));
    }
    text(&mut parts, "FINALFUNC", &a.final_function);
    if a.final_extra {
        parts.push("FINALFUNC_EXTRA".to_owned());
    }
    if a.final_function.is_some() {
        modify(&mut parts, "FINALFUNC_MODIFY", &a.final_modify);
    }
    text(&mut parts, "COMBINEFUNC", &a.combine);
    text(&mut parts, "SERIALFUNC", &a.serialize);
    text(&mut parts, "DESERIALFUNC", &a.deserialize);
    text(&mut parts, "INITCOND", &a.initial.as_deref().map(quote_literal));
    if a.moving_state.is_some() {
        text(&mut parts, "MSFUNC", &a.moving_transition);
        text(&mut parts, "MINVFUNC", &a.moving_inverse);
        text(&mut parts, "MSTYPE", &a.moving_state);
        if a.moving_state_size != 0 {
            parts.push(format!("MSSPACE = {}", a.moving_state_size));
        }
        text(&mut parts, "MFINALFUNC", &a.moving_final);
        if a.moving_final_extra {
            parts.push("MFINALFUNC_EXTRA".to_owned());
        }
        if a.moving_final.is_some() {
            modify(&mut parts, "MFINALFUNC_MODIFY", &a.moving_final_modify);
        }
        text(&mut parts, "MINITCOND", &a.moving_initial.as_deref().map(quote_literal));
    }
    text(&mut parts, "SORTOP", &a.sort_operator);
    match a.parallel.as_str() {
        "s" => parts.push("PARALLEL = SAFE".to_owned()),
        "r" => parts.push("PARALLEL = RESTRICTED".to_owned()),
        _ => {}
    }
    if a.kind == "h" {
        parts.push("HYPOTHETICAL".to_owned());
    }
    format!("CREATE AGGREGATE {signature} (\n\t{}\n);\n", parts.join(",\n\t"))
}

fn operator_sql(operator: &Operator, name: &str) -> String {
    let mut parts = vec![format!("FUNCTION = {}", operator.function)];
    let pairs = [
        ("LEFTARG", &operator.left),
        ("RIGHTARG", &operator.right),
        ("COMMUTATOR", &operator.commutator),
        ("NEGATOR", &operator.negator),
        ("RESTRICT", &operator.restrict),
        ("JOIN", &operator.join),
    ];
    parts.extend(pairs.iter().filter_map(|(key, value)| value.as_ref().map(|v| format!("{key} = {v}"))));
    if operator.hashes {
        parts.push("HASHES".to_owned());
    }
    if operator.merges {
        parts.push("MERGES".to_owned());
    }
    format!("CREATE OPERATOR {name} (\n\t{}\n);\n", parts.join(",\n\t"))
}

fn cast_sql(cast: &Cast, signature: &str) -> String {
    let how = match &cast.function {
        Some(function) => format!("WITH FUNCTION {function}"),
        None => "WITH INOUT".to_owned(),
    };
    let context = match cast.context.as_str() {
        "a" => " AS ASSIGNMENT",
        "i" => " AS IMPLICIT",
        _ => "",
    };
    format!("CREATE CAST {signature} {how}{context};\n")
}
