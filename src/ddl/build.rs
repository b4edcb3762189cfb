//! Collects statements while the kinds of objects are gone through.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::ddl::acl::{Grants, Kind, USUAL, foreign_grantors};
use crate::ddl::facts::{Acl, Facts, Relation};
use crate::ddl::graph::{Graph, Id, Node, Piece, Section};
use crate::format::quote_literal;
use crate::model::{Missing, quote_identifier};

/// Ranks: kinds come in this order where dependencies leave a choice.
pub(crate) mod rank {
    pub(crate) const TYPE: u8 = 10;
    pub(crate) const FUNCTION: u8 = 20;
    pub(crate) const OPERATOR: u8 = 25;
    pub(crate) const SEQUENCE: u8 = 30;
    pub(crate) const TABLE: u8 = 40;
    pub(crate) const IDENTITY: u8 = 45;
    pub(crate) const ATTACH: u8 = 50;
    pub(crate) const VIEW: u8 = 60;
    pub(crate) const INDEX: u8 = 70;
    pub(crate) const KEY: u8 = 75;
    pub(crate) const INDEX_ATTACH: u8 = 80;
    pub(crate) const STATISTICS: u8 = 85;
    pub(crate) const REFRESH: u8 = 90;
    pub(crate) const FOREIGN_KEY: u8 = 100;
    pub(crate) const RULE: u8 = 110;
    pub(crate) const TRIGGER: u8 = 120;
    pub(crate) const POLICY: u8 = 130;
    pub(crate) const PUBLICATION: u8 = 140;
}

/// What is being put together.
pub(crate) struct Build<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) graph: Graph,
    /// After everything else: grants.
    pub(crate) rights: Vec<String>,
    /// What a person runs on purpose.
    pub(crate) on_purpose: Vec<String>,
    pub(crate) missing: Vec<Missing>,
    /// How COMMENT names an object.
    pub(crate) named: HashMap<Id, String>,
    /// Owners that are not `postgres`, and how many objects each has.
    pub(crate) owners: BTreeMap<String, u64>,
    /// Relations by oid: those that are written.
    pub(crate) relations: HashMap<u64, &'a Relation>,
    only: Option<&'a HashSet<u64>>,
    usual: Vec<String>,
}

impl<'a> Build<'a> {
    pub(crate) fn new(facts: &'a Facts, only: Option<&'a HashSet<u64>>) -> Self {
        let mut usual: BTreeSet<String> = USUAL.iter().map(|role| (*role).to_owned()).collect();
        let lists = facts.default_acl.iter().flat_map(|d| d.acl.iter().flatten());
        usual.extend(lists.filter_map(|text| crate::ddl::acl::parse(text)?.grantee));
        Self {
            facts,
            graph: Graph::default(),
            rights: Vec::new(),
            on_purpose: Vec::new(),
            missing: Vec::new(),
            named: HashMap::new(),
            owners: BTreeMap::new(),
            relations: facts
                .relations
                .iter()
                .filter(|r| only.is_none_or(|o| o.contains(&r.oid)))
                .map(|r| (r.oid, r))
                .collect(),
            only,
            usual: usual.into_iter().collect(),
        }
    }

    /// Whether what belongs to this relation is written.
    pub(crate) fn wants(&self, oid: u64) -> bool {
        self.only.is_none_or(|only| only.contains(&oid))
    }

    /// Whether everything is written.
    pub(crate) fn wants_all(&self) -> bool {
        self.only.is_none()
    }

    pub(crate) fn version(&self) -> u32 {
        self.facts.server.first().map_or(0, |server| server.version)
    }

    /// Adds an object's statements.
    pub(crate) fn add(&mut self, id: Id, section: Section, rank: u8, name: String, sql: String) {
        self.graph.add(Node::new(id, section, rank, name, sql));
    }

    /// The same in pieces.
    pub(crate) fn add_pieces(&mut self, id: Id, rank: u8, name: String, sql: Vec<Piece>, stand_in: Option<String>) {
        self.graph.add(Node { id, section: Section::Before, rank, name, sql, stand_in });
    }

    /// Says how COMMENT names an object, and takes note of its owner.
    pub(crate) fn name(&mut self, id: Id, phrase: String, owner: Option<&str>) {
        self.named.insert(id, phrase);
        if let Some(owner) = owner.filter(|o| *o != "postgres") {
            *self.owners.entry(owner.to_owned()).or_default() += 1;
        }
    }

    pub(crate) fn missing(&mut self, subject: String, reason: &str) {
        self.missing.push(Missing { subject, reason: reason.to_owned(), fix: None });
    }

    /// Writes an object's rights.
    pub(crate) fn grant(&mut self, kind: Kind, on: String, owner: &str, acl: &Acl) {
        // types and schemas get nothing by default, unless somebody said so
        let silent = matches!(kind, Kind::Type | Kind::Schema | Kind::Server | Kind::Column);
        if acl.is_none() && silent {
            return;
        }
        let grants = Grants {
            kind,
            on,
            owner,
            usual: if silent && kind != Kind::Schema { &[] } else { &self.usual },
            prefix: String::new(),
            with_owner: false,
            version: self.version(),
        };
        let (statements, subject) = (grants.statements(acl), grants.on.replace('\u{1}', " of "));
        match statements {
            Some(statements) => self.rights.extend(statements),
            None => self.missing(format!("rights on {subject}"), "the server's list of rights could not be read"),
        }
        for grantor in foreign_grantors(owner, acl) {
            self.missing(
                format!("grantor of rights on {subject}"),
                &format!("they were granted by {grantor}; they come back as granted by the owner"),
            );
        }
    }

    /// The roles that default privileges give rights to.
    pub(crate) fn usual(&self) -> &[String] {
        &self.usual
    }
}

/// `"schema"."name"`
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

/// `{a=b,…}` of reloptions as `(a='b', …)`, each name after `prefix`.
pub(crate) fn options(lists: &[(&str, &Option<Vec<String>>)]) -> Option<String> {
    let mut out = Vec::new();
    for (prefix, list) in lists {
        for option in list.iter().flatten() {
            let (name, value) = option.split_once('=').unwrap_or((option, "true"));
            let name = if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                name.to_owned()
            } else {
                quote_identifier(name)
            };
            out.push(format!("{prefix}{name}={}", quote_literal(value)));
        }
    }
    (!out.is_empty()).then(|| out.join(", "))
}

/// `{a=b,…}` of foreign objects as `"a" 'b', …`.
pub(crate) fn foreign_options(list: &Option<Vec<String>>) -> Option<String> {
    let one = |option: &String| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        format!("{} {}", quote_identifier(name), quote_literal(value))
    };
    let all: Vec<String> = list.iter().flatten().map(one).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// A dollar quote that does not stand in `text`.
pub(crate) fn dollar(text: &str) -> String {
    let tags = (0..).map(|n| if n == 0 { "$do$".to_owned() } else { format!("$do{n}$") });
    tags.into_iter().find(|tag| !text.contains(tag)).unwrap_or_default()
}
