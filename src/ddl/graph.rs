//! Puts statements in an order in which each finds what it needs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

/// An object: its catalog (`pg_class`, `pg_type`, …) and oid there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) class: String,
    pub(crate) oid: u64,
}

impl Id {
    pub(crate) fn new(class: &str, oid: u64) -> Self {
        Self { class: class.to_owned(), oid }
    }
}

/// Before or after the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Before,
    After,
}

/// One object's statements.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: Id,
    pub(crate) section: Section,
    /// Kinds come in this order where nothing else decides.
    pub(crate) rank: u8,
    /// Then names.
    pub(crate) name: String,
    pub(crate) sql: Vec<Piece>,
    /// What can stand in its place until everything it needs is there (views).
    pub(crate) stand_in: Option<String>,
}

/// A piece of an object's SQL.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// How it is made later instead, if the object turns out to be part of a circle: a default or a
    /// check may call a function that itself needs the table.
    pub(crate) later: Option<(Id, String)>,
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self { text, later: None }
    }
}

impl Node {
    pub(crate) fn new(id: Id, section: Section, rank: u8, name: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { id, section, rank, name: name.into(), sql: vec![sql.into().into()], stand_in: None }
    }
}

/// Objects, and who needs whom.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    edges: Vec<(Id, Id)>,
    aliases: HashMap<Id, Id>,
}

/// Statements in order.
#[derive(Debug, Default)]
pub(crate) struct Ordered {
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
    /// Names of objects that need each other in a circle which could not be broken.
    pub(crate) circles: Vec<String>,
}

impl Graph {
    pub(crate) fn add(&mut self, node: Node) {
        self.nodes.push(node);
    }

    /// `from` comes after `to`.
    pub(crate) fn needs(&mut self, from: Id, to: Id) {
        self.edges.push((from, to));
    }

    /// Whoever needs `id` needs `of`.
    pub(crate) fn alias(&mut self, id: Id, of: Id) {
        self.aliases.insert(id, of);
    }

    fn resolve(&self, id: &Id, known: &HashMap<Id, usize>) -> Option<usize> {
        let mut at = id;
        // an alias leads to an alias: array → row type → table
        for _ in 0..8 {
            if let Some(index) = known.get(at) {
                return Some(*index);
            }
            at = self.aliases.get(at)?;
        }
        None
    }

    /// Sorts; breaks circles where they can be broken.
    pub(crate) fn order(mut self) -> Ordered {
        let inner = self.circles(&self.links());
        self.detach(&inner);
        let links = self.links();
        let early = self.early(&links);
        let mut names = Vec::new();
        let order = sort(&self.nodes, &links, &early, |stuck| names.push(stuck.to_owned()));
        let mut ordered = Ordered { circles: names, ..Ordered::default() };
        for index in order {
            let pieces = std::mem::take(&mut self.nodes[index].sql);
            let sql: String = pieces.into_iter().map(|piece| piece.text).collect();
            if early[index] { ordered.before.push(sql) } else { ordered.after.push(sql) }
        }
        ordered
    }

    /// For every node, the nodes that it needs.
    fn links(&self) -> Vec<BTreeSet<usize>> {
        let known: HashMap<Id, usize> = self.nodes.iter().enumerate().map(|(i, n)| (n.id.clone(), i)).collect();
        let mut links = vec![BTreeSet::new(); self.nodes.len()];
        for (from, to) in &self.edges {
            if let (Some(from), Some(to)) = (self.resolve(from, &known), self.resolve(to, &known))
                && from != to
            {
                links[from].insert(to);
            }
        }
        links
    }

    /// Nodes that need themselves in the end.
    fn circles(&self, links: &[BTreeSet<usize>]) -> HashSet<usize> {
        // peel off, from both ends, whatever is in no circle
        let mut left: BTreeSet<usize> = (0..links.len()).collect();
        loop {
            let needed: HashSet<usize> =
                left.iter().flat_map(|i| links[*i].iter().copied()).filter(|i| left.contains(i)).collect();
            let free: Vec<usize> = left
                .iter()
                .copied()
                .filter(|i| !needed.contains(i) || !links[*i].iter().any(|to| left.contains(to)))
                .collect();
            if free.is_empty() {
                return left.into_iter().collect();
            }
            free.iter().for_each(|i| {
                left.remove(i);
            });
        }
    }

    /// Takes apart what stands in a circle.
    fn detach(&mut self, circle: &HashSet<usize>) {
        let mut more = Vec::new();
        for &index in circle {
            let node = &mut self.nodes[index];
            let (rank, section, name) = (node.rank, node.section, node.name.clone());
            for piece in &mut node.sql {
                let Some((id, sql)) = piece.later.take() else { continue };
                piece.text.clear();
                self.edges.push((id.clone(), node.id.clone()));
                more.push(Node::new(id, section, rank, name.clone(), sql));
            }
            if let Some(stand_in) = node.stand_in.take() {
                // the view's own needs go with its full text; who needs the view is content with less
                let full = Id::new("full", node.id.oid);
                let sql = std::mem::replace(&mut node.sql, vec![stand_in.into()]);
                let moved = |from: &Id| *from == node.id || self.aliases.get(from).is_some_and(|of| *of == node.id);
                for (from, _) in self.edges.iter_mut().filter(|(from, _)| moved(from)) {
                    *from = full.clone();
                }
                self.edges.push((full.clone(), node.id.clone()));
                let sql: String = sql.into_iter().map(|piece| piece.text).collect();
                let sql = sql.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1);
                more.push(Node::new(full, section, rank, name, sql));
            }
        }
        self.nodes.extend(more);
    }

    /// What has to be there before the rows: everything of that section, and what it needs (a view
    /// with GROUP BY over a primary key needs that key).
    fn early(&self, links: &[BTreeSet<usize>]) -> Vec<bool> {
        let mut early: Vec<bool> = self.nodes.iter().map(|n| n.section == Section::Before).collect();
        let mut todo: Vec<usize> = (0..early.len()).filter(|i| early[*i]).collect();
        while let Some(index) = todo.pop() {
            for &to in &links[index] {
                if !early[to] {
                    early[to] = true;
                    todo.push(to);
                }
            }
        }
        early
    }
}

/// Kahn's algorithm; among those that are ready, the lowest rank and name comes first, so that the
/// order is the same every time. `stuck` hears of what is left when nothing is ready.
fn sort(nodes: &[Node], links: &[BTreeSet<usize>], early: &[bool], mut stuck: impl FnMut(&str)) -> Vec<usize> {
    let key = |i: usize| Reverse((!early[i], nodes[i].rank, nodes[i].name.as_str(), nodes[i].id.oid, i));
    let mut waiting: BTreeMap<usize, usize> = (0..nodes.len()).map(|i| (i, links[i].len())).collect();
    let mut needed_by = vec![Vec::new(); nodes.len()];
    for (from, tos) in links.iter().enumerate() {
        tos.iter().for_each(|to| needed_by[*to].push(from));
    }
    let mut ready: BinaryHeap<_> = waiting.iter().filter(|(_, n)| **n == 0).map(|(i, _)| key(*i)).collect();
    ready.iter().for_each(|Reverse((.., i))| {
        waiting.remove(i);
    });
    let mut order = Vec::with_capacity(nodes.len());
    loop {
        while let Some(Reverse((.., index))) = ready.pop() {
            order.push(index);
            for from in &needed_by[index] {
                if let Some(left) = waiting.get_mut(from) {
                    *left -= 1;
                    if *left == 0 {
                        waiting.remove(from);
                        ready.push(key(*from));
                    }
                }
            }
        }
        let Some((&index, _)) = waiting.iter().min_by_key(|(i, n)| (**n, **i)) else { return order };
        stuck(&nodes[index].name);
        waiting.remove(&index);
        ready.push(key(index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(class: &str, oid: u64, section: Section, sql: &str) -> Node {
        Node::new(Id::new(class, oid), section, 1, sql, sql)
    }

    #[test]
    fn what_is_needed_comes_first_and_names_decide_the_rest() {
        let mut graph = Graph::default();
        for (oid, name) in [(1, "a"), (2, "b"), (3, "c")] {
            graph.add(node("pg_class", oid, Section::Before, name));
        }
        graph.alias(Id::new("pg_type", 33), Id::new("pg_class", 3));
        graph.needs(Id::new("pg_class", 1), Id::new("pg_type", 33));
        assert_eq!(graph.order().before, ["b", "c", "a"]);
    }

    #[test]
    fn a_key_that_a_view_needs_is_made_before_the_rows() {
        let mut graph = Graph::default();
        graph.add(node("pg_class", 1, Section::Before, "table"));
        graph.add(node("pg_constraint", 2, Section::After, "key"));
        graph.add(node("pg_constraint", 3, Section::After, "other"));
        graph.add(node("pg_class", 4, Section::Before, "a view"));
        graph.needs(Id::new("pg_constraint", 2), Id::new("pg_class", 1));
        graph.needs(Id::new("pg_class", 4), Id::new("pg_constraint", 2));
        let ordered = graph.order();
        assert_eq!(ordered.before, ["table", "key", "a view"]);
        assert_eq!(ordered.after, ["other"]);
    }

    #[test]
    fn a_default_that_calls_a_function_of_the_table_is_set_afterwards() {
        let mut graph = Graph::default();
        let mut table = node("pg_class", 1, Section::Before, "table (x");
        let later = Some((Id::new("pg_attrdef", 9), "set default".to_owned()));
        table.sql.push(Piece { text: " DEFAULT f()".into(), later });
        table.sql.push(")".to_owned().into());
        graph.add(table);
        graph.add(node("pg_proc", 2, Section::Before, "function"));
        graph.alias(Id::new("pg_attrdef", 9), Id::new("pg_class", 1));
        graph.needs(Id::new("pg_attrdef", 9), Id::new("pg_proc", 2));
        graph.needs(Id::new("pg_proc", 2), Id::new("pg_class", 1));
        let ordered = graph.order();
        assert_eq!(ordered.before, ["table (x)", "function", "set default"]);
        assert!(ordered.circles.is_empty());
    }

    #[test]
    fn a_view_in_a_circle_is_made_twice() {
        let mut graph = Graph::default();
        let mut view = node("pg_class", 1, Section::Before, "CREATE VIEW");
        view.stand_in = Some("stand-in".into());
        graph.add(view);
        graph.add(node("pg_proc", 2, Section::Before, "function"));
        graph.alias(Id::new("pg_rewrite", 7), Id::new("pg_class", 1));
        graph.needs(Id::new("pg_rewrite", 7), Id::new("pg_proc", 2));
        graph.needs(Id::new("pg_proc", 2), Id::new("pg_class", 1));
        assert_eq!(graph.order().before, ["stand-in", "function", "CREATE OR REPLACE VIEW"]);
    }

    #[test]
    fn a_circle_that_cannot_be_broken_is_named() {
        let mut graph = Graph::default();
        graph.add(node("pg_proc", 1, Section::Before, "one"));
        graph.add(node("pg_proc", 2, Section::Before, "two"));
        graph.needs(Id::new("pg_proc", 1), Id::new("pg_proc", 2));
        graph.needs(Id::new("pg_proc", 2), Id::new("pg_proc", 1));
        let ordered = graph.order();
        assert_eq!(ordered.before.len(), 2);
        assert_eq!(ordered.circles, ["one"]);
    }
}
