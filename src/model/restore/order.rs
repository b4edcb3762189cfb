//! The order in which tables are written, so that every foreign key finds the row that it refers to.

use std::collections::{BTreeMap, BTreeSet};

use super::TargetTable;
use crate::model::TableName;

/// The order of work on some tables. Deleting goes through it backwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkOrder {
    /// The step of each table, in the order in which the tables were given. Tables of one step do not
    /// refer to each other.
    pub steps: Vec<usize>,
    /// For each table the columns that are written as NULL first, and set once all rows are there.
    pub later: Vec<Vec<String>>,
    /// Circles of foreign keys that take no NULL, by the tables' places: a table that refers to itself,
    /// or several to each other. Row by row, the first of them has nothing to refer to.
    pub circles: Vec<Vec<usize>>,
}

impl WorkOrder {
    /// Whether a table is in a circle that cannot be opened.
    pub fn is_in_circle(&self, table: usize) -> bool {
        self.circles.iter().any(|circle| circle.contains(&table))
    }
}

/// One foreign key between two of the tables.
struct Edge {
    to: usize,
    /// Columns that may be NULL until all rows are there; none: the row that it refers to must be there.
    columns: Vec<String>,
}

impl Edge {
    fn is_hard(&self) -> bool {
        self.columns.is_empty()
    }
}

/// Puts tables in order: those that are referred to first. References to other tables do not count.
pub fn work_order(tables: &[&TargetTable]) -> WorkOrder {
    let places: BTreeMap<&TableName, usize> = tables.iter().enumerate().map(|(at, t)| (&t.name, at)).collect();
    let edges: Vec<Vec<Edge>> = tables.iter().map(|table| edges_of(table, &places)).collect();
    let hard_circles = circles(&edges);
    let circle_of = |table: usize| hard_circles.iter().position(|circle| circle.contains(&table));
    let mut order =
        WorkOrder { steps: vec![0; tables.len()], later: vec![Vec::new(); tables.len()], circles: Vec::new() };
    let mut placed = vec![false; tables.len()];
    for _ in 0..tables.len() {
        let waits_for = |table: usize, hard: bool| {
            let open = |edge: &&Edge| edge.is_hard() == hard && edge.to != table && !placed[edge.to];
            edges[table].iter().filter(open).filter(move |edge| !hard || circle_of(edge.to) != circle_of(table)).count()
        };
        let in_circle = |table: usize| edges[table].iter().filter(|e| e.is_hard() && !placed[e.to]).count();
        let rank = |&table: &usize| (waits_for(table, false), in_circle(table), &tables[table].name);
        let ready: Vec<usize> = (0..tables.len()).filter(|&t| !placed[t] && waits_for(t, true) == 0).collect();
        // a key that takes NULL is put off only where the tables leave no other way: in a circle that
        // waits for nothing but itself
        let open = |edge: &Edge| !placed[edge.to];
        let waits_for_itself =
            |table: &usize| reach(&edges, *table, open).iter().all(|&other| reach(&edges, other, open).contains(table));
        let best = ready.iter().copied().min_by_key(rank);
        let best = best.filter(|&table| waits_for(table, false) == 0);
        let best = best.or_else(|| ready.iter().copied().filter(waits_for_itself).min_by_key(rank));
        let Some(table) = best else { break };
        let mut later = BTreeSet::new();
        for edge in &edges[table] {
            if placed[edge.to] {
                order.steps[table] = order.steps[table].max(order.steps[edge.to] + 1);
            } else if !edge.is_hard() {
                later.extend(&edge.columns);
            }
        }
        let columns = tables[table].columns.iter().filter(|column| later.contains(&column.name));
        order.later[table] = columns.map(|column| column.name.clone()).collect();
        placed[table] = true;
    }
    order.circles = hard_circles;
    order
        .circles
        .retain(|circle| circle.len() > 1 || edges[circle[0]].iter().any(|e| e.is_hard() && e.to == circle[0]));
    order
}

fn edges_of(table: &TargetTable, places: &BTreeMap<&TableName, usize>) -> Vec<Edge> {
    let edge = |reference: &super::Reference| {
        let to = *places.get(&reference.to)?;
        // with a column of the primary key as NULL the row could not be found again
        let may_wait = |name: &&String| {
            !table.primary_key.contains(name) && table.column(name).is_some_and(|c| !c.not_null && !c.generated)
        };
        let columns = reference.columns.iter().filter(may_wait).cloned().collect();
        Some(Edge { to, columns: if reference.nullable { columns } else { Vec::new() } })
    };
    table.references.iter().filter_map(edge).collect()
}

/// Sets of tables that reach each other over keys that take no NULL, every table in one of them.
fn circles(edges: &[Vec<Edge>]) -> Vec<Vec<usize>> {
    let reached: Vec<BTreeSet<usize>> = (0..edges.len()).map(|from| reach(edges, from, Edge::is_hard)).collect();
    let mut all: Vec<Vec<usize>> = Vec::new();
    for table in 0..edges.len() {
        let same =
            |circle: &&mut Vec<usize>| reached[circle[0]].contains(&table) && reached[table].contains(&circle[0]);
        match all.iter_mut().find(same) {
            Some(circle) => circle.push(table),
            None => all.push(vec![table]),
        }
    }
    all
}

/// The tables that one leads to over some of the keys.
fn reach(edges: &[Vec<Edge>], from: usize, over: impl Fn(&Edge) -> bool) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(table) = todo.pop() {
        for edge in edges[table].iter().filter(|edge| over(edge)) {
            if seen.insert(edge.to) {
                todo.push(edge.to);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Identity, Reference, TargetColumn};

    /// A table with a primary key and one column for each reference: to which table, and whether it
    /// takes NULL.
    fn table(place: usize, references: &[(usize, bool)]) -> TargetTable {
        let column = |name: String, not_null| TargetColumn {
            has_default: false,
            name,
            type_name: "bigint".to_owned(),
            not_null,
            generated: false,
            identity: Identity::None,
            sequence: None,
        };
        let mut columns = vec![column("id".to_owned(), true)];
        columns.extend(references.iter().enumerate().map(|(at, (_, nullable))| column(format!("r{at}"), !nullable)));
        let reference = |(at, &(to, nullable)): (usize, &(usize, bool))| Reference {
            name: None,
            columns: vec![format!("r{at}")],
            to: TableName::new("s", format!("t{to}")),
            nullable,
            deferrable: false,
            on_delete: None,
        };
        TargetTable {
            name: TableName::new("s", format!("t{place}")),
            columns,
            primary_key: vec!["id".to_owned()],
            references: references.iter().enumerate().map(reference).collect(),
            triggers: Vec::new(),
        }
    }

    fn ordered(references: &[&[(usize, bool)]]) -> WorkOrder {
        let tables: Vec<TargetTable> = references.iter().enumerate().map(|(at, refs)| table(at, refs)).collect();
        work_order(&tables.iter().collect::<Vec<_>>())
    }

    #[test]
    fn parents_come_first_and_others_are_not_waited_for() {
        let order = ordered(&[&[(1, false), (9, false)], &[(2, false)], &[], &[]]);
        assert_eq!(order.steps, [2, 1, 0, 0]);
        assert!(order.circles.is_empty() && order.later.iter().all(Vec::is_empty));
        assert_eq!(work_order(&[]), WorkOrder::default());
    }

    #[test]
    fn a_circle_is_opened_where_a_key_takes_null() {
        // 0 must have 1, 1 may have 0
        let order = ordered(&[&[(1, false)], &[(0, true)]]);
        assert_eq!((order.steps, order.circles.len()), (vec![1, 0], 0));
        assert_eq!(order.later, [vec![], vec!["r0".to_owned()]]);
        let itself = ordered(&[&[(0, true)]]);
        assert_eq!((itself.steps, itself.later), (vec![0], vec![vec!["r0".to_owned()]]));
    }

    #[test]
    fn a_key_that_takes_null_is_not_put_off_without_need() {
        let order = ordered(&[&[(1, true)], &[]]);
        assert_eq!((order.steps, order.later), (vec![1, 0], vec![vec![], vec![]]));
        // 0 waits for a circle that it is not in
        let order = ordered(&[&[(1, true)], &[(2, true)], &[(1, true)]]);
        assert_eq!((order.steps, &order.later[0]), (vec![1, 0, 1], &vec![]));
    }

    #[test]
    fn circles_that_take_no_null_are_named() {
        let order = ordered(&[&[(1, false)], &[(0, false)], &[(0, false)], &[(3, false)], &[(3, false)]]);
        assert_eq!(order.circles, [vec![0, 1], vec![3]]);
        assert!(order.is_in_circle(1) && !order.is_in_circle(2) && !order.is_in_circle(4));
        assert!(order.steps[2] > order.steps[0] && order.steps[4] > order.steps[3]);
    }

    #[test]
    fn a_column_of_the_primary_key_is_never_put_off() {
        let mut one = table(0, &[(0, true)]);
        one.primary_key = vec!["r0".to_owned()];
        assert_eq!(work_order(&[&one]).circles, [vec![0]]);
    }

    proptest::proptest! {
        #[test]
        fn every_reference_finds_its_row_or_is_put_off_or_named(
            references in proptest::collection::vec(proptest::collection::vec((0_usize..9, proptest::bool::ANY), 0..4), 0..8),
        ) {
            let tables: Vec<TargetTable> = references.iter().enumerate().map(|(at, refs)| table(at, refs)).collect();
            let given: Vec<&TargetTable> = tables.iter().collect();
            let order = work_order(&given);
            for (from, refs) in references.iter().enumerate() {
                for (at, &(to, nullable)) in refs.iter().enumerate() {
                    if to >= references.len() {
                        continue;
                    }
                    let is_before = order.steps[to] < order.steps[from];
                    let is_later = nullable && order.later[from].contains(&format!("r{at}"));
                    let together = order.circles.iter().any(|circle| circle.contains(&from) && circle.contains(&to));
                    proptest::prop_assert!(is_before || is_later || (together && !nullable), "{from} to {to}: {order:?}");
                }
            }
            // the same whatever the order in which the tables are given
            let turned: Vec<&TargetTable> = tables.iter().rev().collect();
            let mut other = work_order(&turned);
            other.steps.reverse();
            other.later.reverse();
            proptest::prop_assert_eq!((order.steps, order.later), (other.steps, other.later));
        }
    }
}
