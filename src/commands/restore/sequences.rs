//! After rows with numbers of their own: sequences must stand past the highest one, or the next insert
//! of the application fails.

use super::planned::Planned;
use crate::error::Failure;
use crate::format::quote_literal;
use crate::model::{Finding, Identity, SchemaStep, TableName, TargetColumn, quote_identifier};
use crate::supabase::sql::{Numbered, SequencePosition, SequenceTop};

/// Whether a column takes its values from a sequence.
pub(super) fn is_numbered(column: &TargetColumn) -> bool {
    column.sequence.is_some() || column.identity != Identity::None
}

/// Whether it may do so, where the Data API alone tells: a whole number that is never NULL.
pub(super) fn may_be_numbered(column: &TargetColumn) -> bool {
    column.not_null && matches!(column.type_name.as_str(), "smallint" | "integer" | "bigint")
}

/// The statement that moves a column's sequence past the highest value; `None`: its name is not known.
pub(super) fn statement(table: &TableName, column: &TargetColumn) -> Option<String> {
    let (from, name) = (table.quoted(), quote_identifier(&column.name));
    let top = format!("(SELECT max({name}) FROM {from})");
    Some(match &column.sequence {
        Some(sequence) => {
            format!("SELECT setval({}, greatest({top}, (SELECT last_value FROM {sequence})));", quote_literal(sequence))
        }
        None => format!(
            "SELECT setval(pg_get_serial_sequence({}, {}), {top}) WHERE {top} IS NOT NULL;",
            quote_literal(&from),
            quote_literal(&column.name)
        ),
    })
}

/// Moves sequences where SQL can; says which it moved.
pub(super) async fn settle(planned: &Planned) -> anyhow::Result<Vec<Finding>> {
    let Some(sql) = planned.sql_writer() else { return Ok(Vec::new()) };
    let channel = sql.tables.channel();
    let columns: Vec<Numbered> = planned
        .numbered()
        .into_iter()
        .map(|(table, column)| Numbered {
            schema: table.schema.clone(),
            relation: table.name.clone(),
            attribute: column.name.clone(),
            sequence: column.sequence.clone(),
        })
        .collect();
    let tops = channel.tops(&columns).await.map_err(|error| error.failure())?;
    let stored = planned.stored_positions();
    let mut positions: Vec<SequencePosition> = Vec::new();
    if planned.plan.schema == SchemaStep::Create {
        positions.clone_from(&stored);
    }
    for top in &tops {
        let known = stored.iter().find(|p| p.schema == top.sequence_schema && p.name == top.sequence);
        if let Some(position) = needed(top, known)? {
            positions.retain(|p| !(p.schema == position.schema && p.name == position.name));
            positions.push(position);
        }
    }
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    channel.set_sequences(&positions).await.map_err(|error| error.failure())?;
    let names: Vec<String> =
        positions.iter().map(|p| format!("{} to {}", TableName::new(&p.schema, &p.name), p.last_value)).collect();
    Ok(vec![Finding::info("sequences-moved", "sequences", format!("moved: {}", names.join(", ")))])
}

/// Where a sequence has to stand, if it does not stand there: past the highest value, past where it
/// stands, and past where it stood in the snapshot.
fn needed(top: &SequenceTop, stored: Option<&SequencePosition>) -> Result<Option<SequencePosition>, Failure> {
    let number = |text: &Option<String>| text.as_deref().map(str::parse::<i64>).transpose();
    let unreadable = |_| Failure::failed(format!("reading the position of sequence {}: it is no number", top.sequence));
    let (highest, now) = (number(&top.top).map_err(unreadable)?, number(&top.last_value).map_err(unreadable)?);
    let descends = top.increment.starts_with('-');
    let is_past = |a: i64, b: i64| if descends { a < b } else { a > b };
    let stands = (now, top.is_called.unwrap_or(false));
    let mut wanted: Option<(i64, bool)> = None;
    let mut want = |value: i64, called: bool| {
        let reached = match (wanted, stands) {
            (Some((w, w_called)), _) if is_past(w, value) || (w == value && (w_called || !called)) => true,
            (_, (Some(n), n_called)) => is_past(n, value) || (n == value && (n_called || !called)),
            _ => false,
        };
        if !reached {
            wanted = Some((value, called));
        }
    };
    if let Some(highest) = highest {
        want(highest, true);
    }
    if let Some(stored) = stored {
        want(stored.last_value, stored.is_called);
    }
    Ok(wanted.map(|(last_value, is_called)| SequencePosition {
        schema: top.sequence_schema.clone(),
        name: top.sequence.clone(),
        last_value,
        is_called,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(increment: &str, top: Option<i64>, last_value: i64, is_called: bool) -> SequenceTop {
        SequenceTop {
            schema: "s".to_owned(),
            table: "t".to_owned(),
            column: "id".to_owned(),
            sequence_schema: "s".to_owned(),
            sequence: "q".to_owned(),
            increment: increment.to_owned(),
            top: top.map(|n| n.to_string()),
            last_value: Some(last_value.to_string()),
            is_called: Some(is_called),
        }
    }

    fn stored(last_value: i64, is_called: bool) -> SequencePosition {
        SequencePosition { schema: "s".to_owned(), name: "q".to_owned(), last_value, is_called }
    }

    #[test]
    fn a_sequence_only_ever_moves_on() {
        let to = |t: SequenceTop, s: Option<SequencePosition>| {
            needed(&t, s.as_ref()).ok().flatten().map(|p| (p.last_value, p.is_called))
        };
        assert_eq!(to(top("1", Some(7), 1, false), None), Some((7, true)));
        assert_eq!(to(top("1", Some(7), 7, false), None), Some((7, true)));
        assert_eq!(to(top("1", Some(7), 7, true), None), None);
        assert_eq!(to(top("1", Some(7), 9, true), None), None);
        assert_eq!(to(top("1", None, 1, false), None), None);
        assert_eq!(to(top("1", Some(7), 1, false), Some(stored(20, true))), Some((20, true)));
        assert_eq!(to(top("1", Some(30), 1, false), Some(stored(20, true))), Some((30, true)));
        assert_eq!(to(top("1", None, 1, false), Some(stored(1, true))), Some((1, true)));
        assert_eq!(to(top("-1", Some(-7), -1, true), None), Some((-7, true)));
        assert_eq!(to(top("-1", Some(-7), -9, true), Some(stored(-8, true))), None);
    }
}
