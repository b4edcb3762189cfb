//! Values as the service's JSON has them.
//!
//! The service runs postgres-meta, which reads text values with node-postgres' parsers and some of its
//! own, and prints what comes out with `JSON.stringify`. The losses are part of it: a `NaN` becomes
//! null, numbers inside `json` pass through doubles, of two columns with one name the last one stays.

use bytes::Bytes;
use serde_json::{Map, Number, Value};

use super::wire::Table;

/// The rows as JSON objects.
pub(crate) fn objects(table: &Table) -> Vec<Value> {
    let object = |row: &Vec<Option<Bytes>>| {
        let mut object = Map::new();
        for (column, value) in table.columns.iter().zip(row) {
            let value = value.as_ref().map_or(Value::Null, |value| json(column.oid, &String::from_utf8_lossy(value)));
            object.insert(column.name.clone(), value);
        }
        Value::Object(object)
    };
    table.rows.iter().map(object).collect()
}

/// One value by its type's number in `pg_type`.
fn json(oid: u32, text: &str) -> Value {
    match oid {
        16 => truth(text),
        17 => bytes(text),
        20 => int8(text),
        21 | 23 | 26 => whole(text),
        114 | 3802 => document(text),
        700 | 701 => float(text),
        718 => circle(text),
        // arrays: boolean, bytea, integers, floats (numeric among them), json, and those of texts
        1000 => array(text, &truth),
        1001 => array(text, &bytes),
        1005 | 1007 | 1028 => array(text, &whole),
        1021 | 1022 | 1231 => array(text, &float),
        199 | 3807 => array(text, &document),
        651 | 791 | 1008 | 1009 | 1014 | 1015 | 1016 | 1040 | 1041 | 1115 | 1182 | 1183 | 1185 | 1270 | 2951 | 3907 => {
            array(text, &string)
        }
        _ => string(text),
    }
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn truth(text: &str) -> Value {
    Value::Bool(matches!(text, "TRUE" | "t" | "true" | "y" | "yes" | "on" | "1"))
}

fn whole(text: &str) -> Value {
    text.parse::<i64>().map_or(Value::Null, Value::from)
}

/// A number as long as a double holds it exactly, or else a string.
fn int8(text: &str) -> Value {
    const SAFE: i64 = (1 << 53) - 1;
    match text.parse::<i64>() {
        Ok(number) if (-SAFE..=SAFE).contains(&number) => number.into(),
        _ => string(text),
    }
}

fn float(text: &str) -> Value {
    text.parse::<f64>().map_or(Value::Null, double)
}

/// As `JSON.stringify` prints it: no `1.0`, as few digits as say it, no infinities.
fn double(number: f64) -> Value {
    let shortest = number.to_string();
    if let Ok(whole) = shortest.parse::<i64>() {
        return whole.into();
    }
    shortest.parse::<u64>().map_or_else(|_| Number::from_f64(number).map_or(Value::Null, Value::Number), Value::from)
}

/// What becomes of a Buffer.
fn bytes(text: &str) -> Value {
    let digits = text.strip_prefix("\\x").unwrap_or_default();
    let data: Vec<Value> = (0..digits.len() / 2)
        .filter_map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok())
        .map(Value::from)
        .collect();
    Value::Object(Map::from_iter([("type".to_owned(), string("Buffer")), ("data".to_owned(), data.into())]))
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).map_or(Value::Null, through_doubles)
}

fn through_doubles(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, double),
        Value::Array(values) => values.into_iter().map(through_doubles).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, through_doubles(value))).collect(),
        other => other,
    }
}

/// `<(x,y),r>`.
fn circle(text: &str) -> Value {
    let plain: String = text.chars().filter(|c| !"<>()".contains(*c)).collect();
    let mut parts = plain.split(',').map(float);
    let fields = ["x", "y", "radius"].map(|name| (name.to_owned(), parts.next().unwrap_or_default()));
    Value::Object(Map::from_iter(fields))
}

/// An array of any depth, with each element read by `element`.
fn array(text: &str, element: &dyn Fn(&str) -> Value) -> Value {
    // `[0:1]={…}`: the bounds are lost
    let text = if text.starts_with('[') { text.split_once('=').map_or(text, |(_, rest)| rest) } else { text };
    let mut characters = text.chars().peekable();
    characters.next();
    elements(&mut characters, element)
}

/// The elements up to the closing brace.
fn elements(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, element: &dyn Fn(&str) -> Value) -> Value {
    let mut values = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut any) = (false, false);
    while let Some(character) = characters.next() {
        match character {
            '{' => values.push(elements(characters, element)),
            '"' => {
                quoted = true;
                while let Some(inner) = characters.next() {
                    match inner {
                        '"' => break,
                        '\\' => word.extend(characters.next()),
                        other => word.push(other),
                    }
                }
                any = true;
            }
            ',' | '}' => {
                if any {
                    values.push(if !quoted && word == "NULL" { Value::Null } else { element(&word) });
                    word.clear();
                    (quoted, any) = (false, false);
                }
                if character == '}' {
                    break;
                }
            }
            other => {
                word.push(other);
                any = true;
            }
        }
    }
    Value::Array(values)
}

/// A parameter as node-postgres sends it.
pub(crate) fn parameter(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => Some(literal(values)),
        other => Some(other.to_string()),
    }
}

fn literal(values: &[Value]) -> String {
    let items: Vec<String> = values
        .iter()
        .map(|value| match value {
            Value::Array(inner) => literal(inner),
            other => parameter(other).map_or_else(
                || "NULL".to_owned(),
                |text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            ),
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json as expected;

    use super::*;

    #[test]
    fn values_come_out_as_from_the_service() {
        for (oid, text, value) in [
            (16, "t", expected!(true)),
            (20, "9007199254740991", expected!(9_007_199_254_740_991_i64)),
            (20, "9007199254740993", expected!("9007199254740993")),
            (23, "-5", expected!(-5)),
            (1700, "1.50", expected!("1.50")),
            (701, "1", expected!(1)),
            (701, "NaN", expected!(null)),
            (1231, "{1.50,NULL}", expected!([1.5, null])),
            (17, "\\x00ff", expected!({"type": "Buffer", "data": [0, 255]})),
            (
                3802,
                r#"{"a": 12345678901234567890, "b": 1.0}"#,
                expected!({"a": 12_345_678_901_234_567_000_u64, "b": 1}),
            ),
            (1009, r#"{a,"b,\"c","NULL",NULL,""}"#, expected!(["a", "b,\"c", "NULL", null, ""])),
            (1007, "[0:1]={{1,2},{3,4}}", expected!([[1, 2], [3, 4]])),
            (1009, "{}", expected!([])),
            (718, "<(1,2),3>", expected!({"x": 1, "y": 2, "radius": 3})),
            (1184, "2026-01-01 00:00:00+00", expected!("2026-01-01 00:00:00+00")),
        ] {
            assert_eq!(json(oid, text), value, "{oid} {text}");
        }
    }

    #[test]
    fn parameters_go_in_as_node_postgres_sends_them() {
        assert_eq!(parameter(&expected!(null)), None);
        assert_eq!(parameter(&expected!({"a": 1})).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(parameter(&expected!(["a\"", null, [1]])).as_deref(), Some(r#"{"a\"",NULL,{"1"}}"#));
    }
}
