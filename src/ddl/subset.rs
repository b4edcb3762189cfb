//! The scripts of a few tables: what is theirs, and nothing that others share with them.

use std::collections::HashSet;

use crate::ddl::facts::Facts;
use crate::ddl::{Script, write};
use crate::model::TableName;

/// Scripts for these tables with their partitions, sequences, indexes, keys, triggers, rules, policies,
/// rights and comments. Types, functions and schemas must be there.
pub fn script_of_tables(facts: &Facts, names: &[TableName]) -> Script {
    let mut oids: HashSet<u64> = facts
        .relations
        .iter()
        .filter(|r| names.iter().any(|n| n.schema == r.schema && n.name == r.name))
        .map(|r| r.oid)
        .collect();
    loop {
        let more = facts.relations.iter().filter(|r| {
            r.is_partition && !oids.contains(&r.oid) && r.parents.iter().flatten().any(|p| oids.contains(p))
        });
        let more: Vec<u64> = more.map(|r| r.oid).collect();
        if more.is_empty() {
            break;
        }
        oids.extend(more);
    }
    write(facts, Some(&oids))
}
