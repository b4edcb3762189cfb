//! What the catalog statement tells of types and of what works on them.

use serde::Deserialize;

use crate::ddl::facts::Acl;

#[derive(Debug, Deserialize)]
pub(crate) struct Type {
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// `e`num, `c`omposite, `d`omain, `r`ange.
    pub(crate) kind: String,
    pub(crate) acl: Acl,
    pub(crate) relation: u64,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) attributes: Option<Vec<Attribute>>,
    pub(crate) base: Option<String>,
    pub(crate) collation: Option<String>,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
    pub(crate) constraints: Option<Vec<DomainConstraint>>,
    pub(crate) range: Option<Range>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) number: i32,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) collation: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DomainConstraint {
    pub(crate) oid: u64,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) definition: String,
    pub(crate) validated: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Range {
    pub(crate) subtype: String,
    pub(crate) opclass: Option<String>,
    pub(crate) collation: Option<String>,
    pub(crate) canonical: Option<String>,
    pub(crate) diff: Option<String>,
    pub(crate) multirange: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Function {
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// `f`unction, `p`rocedure, `w`indow function.
    pub(crate) kind: String,
    pub(crate) arguments: String,
    pub(crate) definition: String,
    pub(crate) acl: Acl,
    pub(crate) language: String,
    pub(crate) leakproof: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Aggregate {
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) acl: Acl,
    pub(crate) arguments: String,
    pub(crate) parallel: String,
    /// `n`ormal, `o`rdered-set, `h`ypothetical-set.
    pub(crate) kind: String,
    pub(crate) transition: String,
    pub(crate) state: String,
    pub(crate) state_size: i64,
    pub(crate) initial: Option<String>,
    #[serde(rename = "final")]
    pub(crate) final_function: Option<String>,
    pub(crate) final_extra: bool,
    pub(crate) final_modify: String,
    pub(crate) combine: Option<String>,
    pub(crate) serialize: Option<String>,
    pub(crate) deserialize: Option<String>,
    pub(crate) moving_transition: Option<String>,
    pub(crate) moving_inverse: Option<String>,
    pub(crate) moving_final: Option<String>,
    pub(crate) moving_final_extra: bool,
    pub(crate) moving_final_modify: String,
    pub(crate) moving_state: Option<String>,
    pub(crate) moving_state_size: i64,
    pub(crate) moving_initial: Option<String>,
    pub(crate) sort_operator: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operator {
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) left: Option<String>,
    pub(crate) right: Option<String>,
    pub(crate) function: String,
    pub(crate) commutator: Option<String>,
    pub(crate) negator: Option<String>,
    pub(crate) restrict: Option<String>,
    pub(crate) join: Option<String>,
    pub(crate) merges: bool,
    pub(crate) hashes: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Cast {
    pub(crate) oid: u64,
    pub(crate) source: String,
    pub(crate) target: String,
    /// `f`unction, `b`inary, `i`n and out.
    pub(crate) method: String,
    /// `e`xplicit, `a`ssignment, `i`mplicit.
    pub(crate) context: String,
    pub(crate) function: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Collation {
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// `c` libc, `i` ICU, `b`uiltin.
    pub(crate) provider: String,
    pub(crate) deterministic: bool,
    pub(crate) lc_collate: Option<String>,
    pub(crate) lc_ctype: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) rules: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TextSearch {
    /// `pg_ts_dict` or `pg_ts_config`.
    pub(crate) class: String,
    pub(crate) oid: u64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// Its template or parser.
    pub(crate) base: String,
    pub(crate) options: Option<String>,
    pub(crate) mappings: Option<Vec<Mapping>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Mapping {
    pub(crate) token: String,
    pub(crate) dictionaries: Vec<String>,
}
