//! GitHub's expressions, as far as the workflows here use them: literals, names with dots, `!`, `&&`, `||`,
//! `==`, `!=`, and a few functions. Anything else is an error, so that nothing is taken for true by accident.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// A text with `${{ … }}` in it, filled in.
pub(crate) fn fill(text: &str, contexts: &Value) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, behind) = after.split_once("}}").with_context(|| format!("no end: {text}"))?;
        out.push_str(before);
        out.push_str(&show(&value(expression, contexts)?));
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether an `if:` lets its step run. Without a word about failure it means `success() && …`.
pub(crate) fn holds(condition: &str, contexts: &Value) -> Result<bool> {
    let inner = condition.trim();
    let inner = inner.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(inner);
    let speaks = ["always()", "failure()", "success()", "cancelled()"].iter().any(|word| inner.contains(word));
    let fine = contexts["job"]["status"] == "success";
    Ok((speaks || fine) && truth(&value(inner, contexts)?))
}

fn value(expression: &str, contexts: &Value) -> Result<Value> {
    let mut parser = Parser { tokens: tokens(expression)?, at: 0, contexts };
    let value = parser.either()?;
    ensure!(parser.at == parser.tokens.len(), "cannot read {expression:?} to its end");
    Ok(value)
}

/// A value as text, as GitHub writes it.
fn show(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text(String),
    Name(String),
    Sign(&'static str),
}

const SIGNS: [&str; 9] = ["&&", "||", "==", "!=", "!", "(", ")", ",", "."];

fn tokens(expression: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            // a quotation mark in a text is written twice
            let mut end = quoted.find('\'').context("no end of a text")?;
            while quoted[end + 1..].starts_with('\'') {
                end = quoted[end + 2..].find('\'').context("no end of a text")? + end + 2;
            }
            tokens.push(Token::Text(quoted[..end].replace("''", "'")));
            rest = &quoted[end + 1..];
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
            ensure!(end > 0, "cannot read {rest:?}");
            tokens.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    contexts: &'a Value,
}

impl Parser<'_> {
    fn takes(&mut self, sign: &'static str) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Value> {
        let mut value = self.both()?;
        while self.takes("||") {
            let other = self.both()?;
            value = if truth(&value) { value } else { other };
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<Value> {
        let mut value = self.compared()?;
        while self.takes("&&") {
            let other = self.compared()?;
            value = if truth(&value) { other } else { value };
        }
        Ok(value)
    }

    fn compared(&mut self) -> Result<Value> {
        let value = self.single()?;
        // texts are compared without regard to case
        let same = |a: &Value, b: &Value| show(a).to_lowercase() == show(b).to_lowercase();
        if self.takes("==") {
            let other = self.single()?;
            return Ok(same(&value, &other).into());
        }
        if self.takes("!=") {
            let other = self.single()?;
            return Ok((!same(&value, &other)).into());
        }
        Ok(value)
    }

    fn single(&mut self) -> Result<Value> {
        if self.takes("!") {
            return Ok((!truth(&self.single()?)).into());
        }
        if self.takes("(") {
            let value = self.either()?;
            ensure!(self.takes(")"), "a bracket is not closed");
            return Ok(value);
        }
        let token = self.tokens.get(self.at).cloned().context("something is missing at the end")?;
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Value::String(text)),
            Token::Name(name) if self.takes("(") => self.call(&name),
            Token::Name(name) => match name.as_str() {
                "true" | "false" => Ok((name == "true").into()),
                "null" => Ok(Value::Null),
                number if number.starts_with(|c: char| c.is_ascii_digit()) => Ok(serde_json::from_str(number)?),
                _ => self.named(&name),
            },
            Token::Sign(sign) => bail!("unexpected {sign:?}"),
        }
    }

    /// `steps.backup.outputs.snapshot`; what is not there is null, but the context must be.
    fn named(&mut self, context: &str) -> Result<Value> {
        let mut value = self.contexts.get(context).cloned().with_context(|| format!("no context {context}"))?;
        while self.takes(".") {
            let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else { bail!("a name is missing") };
            self.at += 1;
            value = value.get(&name).cloned().unwrap_or_default();
        }
        Ok(value)
    }

    fn call(&mut self, name: &str) -> Result<Value> {
        let mut arguments = Vec::new();
        while !self.takes(")") {
            arguments.push(self.either()?);
            ensure!(self.takes(",") || self.tokens.get(self.at) == Some(&Token::Sign(")")), "no comma in {name}(…)");
        }
        let status = &self.contexts["job"]["status"];
        match (name, arguments.as_slice()) {
            ("always", []) => Ok(true.into()),
            ("success", []) => Ok((status == "success").into()),
            ("failure", []) => Ok((status == "failure").into()),
            ("cancelled", []) => Ok((status == "cancelled").into()),
            ("format", [form, filling @ ..]) => {
                let numbered = filling.iter().enumerate();
                let filled =
                    numbered.fold(show(form), |text, (n, value)| text.replace(&format!("{{{n}}}"), &show(value)));
                Ok(filled.into())
            }
            _ => bail!("no function {name} with {} arguments", arguments.len()),
        }
    }
}

#[test]
fn expressions_mean_what_they_mean_at_github() -> Result<()> {
    let contexts = serde_json::json!({
        "vars": {"REF": "abc", "EMPTY": ""}, "job": {"status": "failure"},
        "steps": {"backup": {"outputs": {"exit-code": "3"}}},
    });
    for (text, expected) in [
        ("no expression", "no expression"),
        ("${{ vars.REF }}/${{vars.NOTHING}}.", "abc/."),
        ("${{ vars.EMPTY || 'it''s this' }}", "it's this"),
        ("${{ vars.REF && format('--table {0}', vars.REF) }}", "--table abc"),
        ("${{ vars.EMPTY && format('--table {0}', vars.EMPTY) }}", ""),
        ("${{ steps.backup.outputs.exit-code == '3' }}", "true"),
        ("${{ !(vars.REF != 'ABC') }}", "true"),
        ("${{ failure() && 7 }}", "7"),
    ] {
        let filled = fill(text, &contexts)?;
        ensure!(filled == expected, "{text}: {filled}");
    }
    for broken in ["${{ vars.REF", "${{ nothing.x }}", "${{ hashFiles('x') }}", "${{ 'x }}", "${{ a b }}"] {
        ensure!(fill(broken, &contexts).is_err(), "{broken}");
    }
    ensure!(holds("always()", &contexts)? && !holds("vars.REF", &contexts)? && holds("${{ failure() }}", &contexts)?);
    Ok(())
}
