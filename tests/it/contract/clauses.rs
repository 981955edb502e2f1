//! A clause that leads to a push: made of its comparison and of values that stand in the column.

use spanwire::model::table::{Column, Op, Push, Type};

use crate::laws::{literal, pattern};

/// A column, and distinct texts of values that stand in it.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) column: &'static Column,
    pub(super) texts: Vec<String>,
}

/// A clause for which the push fits.
pub(super) fn clause(values: &Values, push: &Push) -> String {
    if let Some(suffix) = push.under {
        return member(values, push.op, suffix);
    }
    let name = values.column.name;
    let one = literal_of(values, &values.pick(push));
    match push.op {
        Op::Equal if values.column.ty == Type::Boolean => format!("NOT {name}"),
        Op::Equal => format!("{name} = {one}"),
        Op::AnyOf => {
            let list: Vec<String> = values.some(push).iter().map(|text| literal_of(values, text)).collect();
            format!("{name} IN ({})", list.join(", "))
        }
        Op::NoneOf | Op::Except => format!("{name} <> {one}"),
        Op::Contains | Op::ContainsCase | Op::StartsWith | Op::EndsWith | Op::EqualIgnoreCase => {
            format!("{name} {}", like(push.op, &values.pick(push)))
        }
        Op::Class(classes) => {
            // The class in the middle: the outer ones are as good.
            let (_, low, high) = classes[classes.len() / 2];
            format!("{name} BETWEEN {low} AND {high}")
        }
        Op::AtLeast(_) | Op::GreaterEqual => format!("{name} >= {one}"),
        Op::AtMost(_) | Op::LessEqual => format!("{name} <= {one}"),
        Op::Greater => format!("{name} > {one}"),
        Op::Less => format!("{name} < {one}"),
        Op::Element => {
            // An element of a document that stands there.
            let documents = values.texts.iter().filter_map(|text| serde_json::from_str::<Vec<String>>(text).ok());
            let element = documents.flatten().find(|element| !element.is_empty()).unwrap_or_else(|| "x".to_owned());
            format!("{name} ? {}", literal(&element))
        }
        Op::Null => format!("{name} IS NULL"),
        Op::NotNull => format!("{name} IS NOT NULL"),
    }
}

fn like(op: Op, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let third = letters.len() / 3;
    let cut = |from: usize, to: usize| pattern(&letters[from..to].iter().collect::<String>());
    match op {
        Op::Contains => format!("ILIKE {}", literal(&format!("%{}%", cut(third, letters.len())))),
        Op::ContainsCase => format!("LIKE {}", literal(&format!("%{}%", cut(third, letters.len())))),
        Op::StartsWith => format!("LIKE {}", literal(&format!("{}%", cut(0, letters.len() - third)))),
        Op::EndsWith => format!("LIKE {}", literal(&format!("%{}", cut(third, letters.len())))),
        _ => format!("ILIKE {}", literal(&pattern(text))),
    }
}

fn literal_of(values: &Values, text: &str) -> String {
    match values.column.ty {
        Type::Bigint | Type::Double => text.to_owned(),
        _ => literal(text),
    }
}

/// A clause over a value within the documents of a column: under any key, and then these.
fn member(values: &Values, op: Op, suffix: &[&str]) -> String {
    let is_number = matches!(op, Op::Greater | Op::GreaterEqual | Op::Less | Op::LessEqual);
    let (key, value) = values.member(suffix, is_number);
    let mut subject = values.column.name.to_owned();
    let path: Vec<&str> = std::iter::once(key.as_str()).chain(suffix.iter().copied()).collect();
    for (at, key) in path.iter().enumerate() {
        subject.push_str(if at + 1 == path.len() { "->>" } else { "->" });
        subject.push_str(&literal(key));
    }
    if let Some(number) = value.as_f64() {
        subject = format!("({subject})::float8");
        let sign = match op {
            Op::Greater => ">",
            Op::GreaterEqual => ">=",
            Op::Less => "<",
            Op::LessEqual => "<=",
            Op::NoneOf | Op::Except => "<>",
            _ => "=",
        };
        return format!("{subject} {sign} {number}");
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match op {
        Op::AnyOf => format!("{subject} IN ({}, 'another')", literal(&text)),
        Op::NoneOf | Op::Except => format!("{subject} <> {}", literal(&text)),
        Op::Equal => format!("{subject} = {}", literal(&text)),
        op => format!("{subject} {}", like(op, &text)),
    }
}

impl Values {
    /// Up to two values that upstream takes.
    pub(super) fn some(&self, push: &Push) -> Vec<String> {
        let taken = |text: &&String| push.domain.is_none_or(|domain| domain.contains(&text.as_str()));
        let plain = |text: &&String| {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || " .:-+".contains(letter);
            text.len() >= 2 && text.len() < 200 && text.chars().all(is_plain)
        };
        let mut fitting: Vec<&String> = self.texts.iter().filter(taken).collect();
        if fitting.iter().any(plain) && self.column.ty == Type::Text {
            fitting.retain(plain);
        }
        if fitting.is_empty() {
            return vec![match (self.column.ty, push.domain) {
                (_, Some(domain)) => domain[0].to_owned(),
                (Type::Bigint | Type::Double, None) => "1".to_owned(),
                (Type::Timestamptz, None) => "2020-01-01".to_owned(),
                (_, None) => "nobody".to_owned(),
            }];
        }
        // Neither the least nor the greatest, if there are so many.
        let middle = fitting.len() / 2;
        fitting[middle..].iter().take(2).map(|text| (*text).clone()).collect()
    }

    fn pick(&self, push: &Push) -> String {
        self.some(push).swap_remove(0)
    }

    /// A key of the documents, and the value at it and the suffix: a number or a text, as wanted, if there is one.
    fn member(&self, suffix: &[&str], is_number: bool) -> (String, serde_json::Value) {
        let mut found = Vec::new();
        for text in &self.texts {
            let Ok(serde_json::Value::Object(members)) = serde_json::from_str(text) else { continue };
            for (key, value) in members {
                let mut at = Some(&value);
                for key in suffix {
                    at = at.and_then(|value| value.get(key));
                }
                // An empty parameter is no filter to most servers.
                let is_value = |at: &&serde_json::Value| !at.is_null() && at.as_str() != Some("");
                found.extend(at.filter(is_value).map(|at| (key.clone(), at.clone())));
            }
        }
        let middle = found.len() / 2;
        found.rotate_left(middle);
        let best = found.iter().position(|(_, value)| value.is_number() == is_number && !value.is_object());
        match best.or(if is_number { None } else { found.first().map(|_| 0) }) {
            Some(at) => found.swap_remove(at),
            None => ("plan".to_owned(), if is_number { serde_json::json!(1) } else { serde_json::json!("nobody") }),
        }
    }
}
