//! One item of the sequences that a path works on.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::jsonpath::ast::Comparison;
use crate::function::jsonpath::execute::Truth;
use crate::function::numeric::Numeric;
use crate::pgtype::jsonb::access::{elements, members, text};
use crate::pgtype::jsonb::quote;

/// An item.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    Null,
    Bool(bool),
    Number(Numeric),
    Text(Cow<'a, str>),
    /// An object or an array, as text.
    Container(Cow<'a, str>),
}

impl<'a> Item<'a> {
    /// The item that a `jsonb` is.
    pub(super) fn read(json: &'a str) -> Result<Self> {
        Ok(match json.as_bytes().first() {
            Some(b'{' | b'[') => Item::Container(Cow::Borrowed(json)),
            Some(b'"') => Item::Text(text(json).unwrap_or_default()),
            Some(b'n') => Item::Null,
            Some(b't') => Item::Bool(true),
            Some(b'f') => Item::Bool(false),
            _ => Item::Number(Numeric::parse(json)?),
        })
    }

    pub(super) fn into_owned(self) -> Item<'static> {
        match self {
            Item::Null => Item::Null,
            Item::Bool(value) => Item::Bool(value),
            Item::Number(value) => Item::Number(value),
            Item::Text(text) => Item::Text(Cow::Owned(text.into_owned())),
            Item::Container(json) => Item::Container(Cow::Owned(json.into_owned())),
        }
    }

    /// Writes it as `jsonb`.
    pub(super) fn put(&self, out: &mut String) {
        match self {
            Item::Null => out.push_str("null"),
            Item::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Item::Number(value) => out.push_str(&value.to_string()),
            Item::Text(text) => quote(text, out),
            Item::Container(json) => out.push_str(json),
        }
    }

    /// It as a value.
    pub(super) fn datum(self) -> Datum<'a> {
        if let Item::Container(json) = self {
            return Datum::Jsonb(json);
        }
        let mut out = String::new();
        self.put(&mut out);
        Datum::jsonb(out)
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Item::Container(json) if json.starts_with('['))
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Item::Container(json) if json.starts_with('{'))
    }

    /// What it makes of its text, which borrows what the text borrows.
    pub(super) fn parts<T>(
        &self,
        make: impl for<'b> Fn(&'b str) -> Result<Vec<(T, Item<'b>)>>,
    ) -> Result<Vec<(T, Item<'a>)>> {
        match self {
            Item::Container(Cow::Borrowed(json)) => make(json),
            Item::Container(Cow::Owned(json)) => {
                Ok(make(json)?.into_iter().map(|(key, part)| (key, part.into_owned())).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The elements of an array or the values of an object.
    pub(super) fn children(&self) -> Result<Vec<Item<'a>>> {
        let parts = self.parts(|json| {
            let values = members(json).map(|(_, value)| value);
            elements(json).chain(values).map(|value| Ok(((), Item::read(value)?))).collect()
        })?;
        Ok(parts.into_iter().map(|(_, part)| part).collect())
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Item::Null => "null",
            Item::Bool(_) => "boolean",
            Item::Number(_) => "number",
            Item::Text(_) => "string",
            Item::Container(json) => {
                if json.starts_with('[') {
                    "array"
                } else {
                    "object"
                }
            }
        }
    }

    /// Whether two items compare so.
    pub(super) fn compare(&self, comparison: Comparison, other: &Item<'_>) -> Truth {
        let order = match (self, other) {
            (Item::Null, Item::Null) => Ordering::Equal,
            (Item::Null, _) | (_, Item::Null) => return Truth::from(comparison == Comparison::NotEqual),
            (Item::Bool(own), Item::Bool(other)) => own.cmp(other),
            (Item::Number(own), Item::Number(other)) => own.compare(other),
            (Item::Text(own), Item::Text(other)) => own.cmp(other),
            _ => return Truth::Unknown,
        };
        Truth::from(match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        })
    }
}
