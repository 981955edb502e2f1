//! The aggregates that make JSON. Values are JSON text already, keys are text; SQL NULL as a value is `null`.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result};
use crate::function::State;
use crate::function::aggregate::{both, only, unexpected};
use crate::function::datum::Datum;
use crate::pgtype::jsonb::quote;

fn json<'d>(value: &'d Datum<'_>) -> Result<&'d str> {
    match value {
        Datum::Null => Ok("null"),
        Datum::Text(text) | Datum::Jsonb(text) => Ok(text),
        other => Err(unexpected(other)),
    }
}

fn name<'d>(key: &'d Datum<'_>) -> Result<&'d str> {
    match key {
        Datum::Null => Err(Error::new(Kind::InvalidParameterValue, "field name must not be null")),
        Datum::Text(text) => Ok(text),
        other => Err(unexpected(other)),
    }
}

/// `json_agg` and `jsonb_agg`: the array without its closing bracket.
#[derive(Debug)]
pub(super) struct List {
    text: String,
    /// What stands before each value but the first that is not NULL.
    separator: &'static str,
    is_jsonb: bool,
}

impl List {
    pub(super) fn json() -> Result<Box<dyn State>> {
        Ok(Box::new(List { text: String::new(), separator: ", ", is_jsonb: false }))
    }

    pub(super) fn json_lines() -> Result<Box<dyn State>> {
        Ok(Box::new(List { text: String::new(), separator: ", \n ", is_jsonb: false }))
    }

    pub(super) fn jsonb() -> Result<Box<dyn State>> {
        Ok(Box::new(List { text: String::new(), separator: ", ", is_jsonb: true }))
    }
}

impl State for List {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let value = only(args)?;
        self.text.push_str(match (self.text.is_empty(), value) {
            (true, _) => "[",
            (false, Datum::Null) => ", ",
            (false, _) => self.separator,
        });
        self.text.push_str(json(value)?);
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        if self.text.is_empty() {
            return Ok(Datum::Null);
        }
        let text = [self.text.as_str(), "]"].concat();
        Ok(if self.is_jsonb { Datum::jsonb(text) } else { Datum::text(text) })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.text.capacity()
    }
}

/// `json_object_agg`: the object without its closing brace.
#[derive(Debug, Default)]
pub(super) struct Object {
    text: String,
}

impl State for Object {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let (key, value) = both(args)?;
        let key = name(key)?;
        self.text.push_str(if self.text.is_empty() { "{ " } else { ", " });
        quote(key, &mut self.text);
        self.text.push_str(" : ");
        self.text.push_str(json(value)?);
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(if self.text.is_empty() { Datum::Null } else { Datum::text([self.text.as_str(), " }"].concat()) })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.text.capacity()
    }
}

/// `jsonb_object_agg`: of equal keys the last one stays; shorter keys stand before longer ones.
#[derive(Debug, Default)]
pub(super) struct Map {
    members: BTreeMap<(usize, String), String>,
    heap: usize,
}

impl State for Map {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let (key, value) = both(args)?;
        let (key, value) = (name(key)?, json(value)?);
        self.heap += value.len();
        match self.members.insert((key.len(), key.to_owned()), value.to_owned()) {
            Some(before) => self.heap -= before.len(),
            None => self.heap += key.len(),
        }
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        if self.members.is_empty() {
            return Ok(Datum::Null);
        }
        let mut text = String::with_capacity(self.heap + 6 * self.members.len() + 2);
        for ((_, key), value) in &self.members {
            text.push_str(if text.is_empty() { "{" } else { ", " });
            quote(key, &mut text);
            text.push_str(": ");
            text.push_str(value);
        }
        text.push('}');
        Ok(Datum::jsonb(text))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.members.len() * size_of::<((usize, String), String)>() + self.heap
    }
}
