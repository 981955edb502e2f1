//! One row object into the builders: which key goes to which column, without a tree in between.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::cell::{self, AnyCell, Builder, Cell, Refused};
use crate::error::{Error, Kind};
use crate::model::table::{Column, From, Table};
use crate::pgtype::jsonb;

/// A value in an error is cut to so many characters.
const SHOWN_CHARS: usize = 100;

/// What is to be done with each key of a row of this table.
#[derive(Debug)]
pub(super) struct Plan {
    keys: Vec<Key>,
    /// What each slot stands for: a wanted column, or after these the end of a [`Span`].
    columns: Vec<&'static Column>,
    spans: Vec<Span>,
    /// Slot of the column that takes the keys that no column reads.
    rest: Option<usize>,
}

/// A column that is reckoned from two times.
#[derive(Debug)]
struct Span {
    /// Slot of the column, which the start is placed in.
    slot: usize,
    /// Slot of the end; no builder takes it.
    end: usize,
    /// The keys of both.
    keys: [&'static str; 2],
}

#[derive(Debug)]
struct Key {
    name: &'static str,
    want: Want,
    /// Slots that read the key, with its rank among the slot's keys.
    slots: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Nothing,
    Value,
    /// As text: for jsonb, or because several columns read it.
    Raw,
}

/// A row that cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The row is not JSON, or not UTF-8.
    Syntax(String),
    /// A value is not what its column holds.
    Value { column: &'static Column, refused: Refused, shown: Option<String> },
}

/// The values of a row before they are appended: a key may come twice, and a column may read several.
pub(super) struct Staged<'de> {
    cells: Vec<(usize, Cell<'de>)>,
    rest: Vec<(Cow<'de, str>, &'de str)>,
}

impl Plan {
    pub(super) fn new(table: &'static Table, columns: &[usize]) -> Self {
        let wanted: Vec<&'static Column> = columns.iter().filter_map(|position| table.columns.get(*position)).collect();
        let mut columns = wanted.clone();
        let mut spans: Vec<Span> = Vec::new();
        for (slot, column) in wanted.iter().enumerate() {
            if let From::Between(start, end) = column.from {
                spans.push(Span { slot, end: columns.len(), keys: [start, end] });
                columns.push(column);
            }
        }
        let mut keys: Vec<Key> = Vec::new();
        for name in table.columns.iter().flat_map(Column::row_keys) {
            if keys.iter().any(|key| key.name == name) {
                continue;
            }
            let slots = slots(name, &wanted, &spans);
            let want = match slots.as_slice() {
                [] => Want::Nothing,
                [(slot, _)] if !cell::takes_raw(columns[*slot]) => Want::Value,
                _ => Want::Raw,
            };
            keys.push(Key { name, want, slots });
        }
        let rest = wanted.iter().position(|column| column.from == From::Rest);
        Plan { keys, columns, spans, rest }
    }

    /// Appends a row to the builders, one for each column.
    pub(super) fn read(&self, row: &[u8], builders: &mut [Builder]) -> Result<(), Fault> {
        let text = std::str::from_utf8(row).map_err(|_| Fault::Syntax("It is not UTF-8.".to_owned()))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let staged = self.deserialize(&mut deserializer).and_then(|staged| deserializer.end().map(|()| staged));
        let mut staged = staged.map_err(|error| self.blame(text, &error))?;
        for span in &self.spans {
            let reckoned = self.reckon(text, span, &mut staged)?;
            staged.cells[span.slot].1 = reckoned;
        }
        for (slot, (_, cell)) in staged.cells.into_iter().enumerate() {
            let Some(builder) = builders.get_mut(slot) else { continue };
            let taken = match self.rest {
                Some(rest) if rest == slot && staged.rest.is_empty() => builder.take(Cell::Absent),
                Some(rest) if rest == slot => builder.take(Cell::Raw(&object(&staged.rest))),
                _ => builder.take(cell),
            };
            taken.map_err(|refused| self.refusal(text, slot, None, refused))?;
        }
        Ok(())
    }

    /// The milliseconds between the times of a span; NULL if the row has not both.
    fn reckon<'de>(&self, row: &str, span: &Span, staged: &mut Staged<'de>) -> Result<Cell<'de>, Fault> {
        let mut times = [None; 2];
        for ((slot, key), time) in [span.slot, span.end].into_iter().zip(span.keys).zip(&mut times) {
            let cell = std::mem::replace(&mut staged.cells[slot].1, Cell::Absent);
            let reckoned = cell::reckoned(cell, self.columns[slot].form);
            *time = reckoned.map_err(|refused| self.refusal(row, slot, Some(key), refused))?;
        }
        Ok(match times {
            [Some(start), Some(end)] => Cell::Double(cell::between(start, end)),
            _ => Cell::Null,
        })
    }

    fn find(&self, name: &str, guess: usize) -> Option<usize> {
        // Rows of one answer have their keys in one order.
        if self.keys.get(guess).is_some_and(|key| key.name == name) {
            return Some(guess);
        }
        self.keys.iter().position(|key| key.name == name)
    }

    /// The fault of a value of a slot: that under `key`, or under the first of the column's keys that is there.
    fn refusal(&self, row: &str, slot: usize, key: Option<&str>, refused: Refused) -> Fault {
        let column = self.columns[slot];
        let members = members(row);
        let shown = column
            .row_keys()
            .filter(|name| key.is_none_or(|key| key == *name))
            .find_map(|name| members.iter().rev().find(|(key, _)| key == name));
        Fault::Value { column, refused, shown: shown.map(|(_, raw)| shorten(raw.get())) }
    }

    /// Finds out why a row could not be read; slow, for it is read again value by value.
    fn blame(&self, row: &str, error: &serde_json::Error) -> Fault {
        for (name, raw) in members(row) {
            let Some(key) = self.find(&name, 0).map(|index| &self.keys[index]) else { continue };
            if let (Want::Value, [(slot, _), ..], Err(refused)) = (key.want, &*key.slots, cell::read(raw.get())) {
                return self.refusal(row, *slot, Some(key.name), refused);
            }
        }
        Fault::Syntax(format!("JSON: {error}."))
    }
}

/// The slots that read a key, each with the key's rank among its keys.
fn slots(name: &str, wanted: &[&'static Column], spans: &[Span]) -> Vec<(usize, usize)> {
    let columns = wanted.iter().enumerate().filter(|(_, column)| !matches!(column.from, From::Between(..)));
    let ranked = columns.filter_map(|(slot, column)| Some((slot, column.row_keys().position(|key| key == name)?)));
    let starts = spans.iter().filter(|span| span.keys[0] == name).map(|span| (span.slot, 0));
    let ends = spans.iter().filter(|span| span.keys[1] == name).map(|span| (span.end, 0));
    ranked.chain(starts).chain(ends).collect()
}

impl<'de> DeserializeSeed<'de> for &Plan {
    type Value = Staged<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Staged<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &Plan {
    type Value = Staged<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Staged<'de>, A::Error> {
        let mut cells: Vec<(usize, Cell<'de>)> = Vec::with_capacity(self.columns.len());
        cells.resize(self.columns.len(), (usize::MAX, Cell::Absent));
        let mut rest = Vec::new();
        let mut guess = 0;
        while let Some(name) = members.next_key_seed(Name)? {
            let Some(index) = self.find(&name, guess) else {
                if self.rest.is_some() {
                    rest.push((name, members.next_value::<&'de RawValue>()?.get()));
                } else {
                    members.next_value::<IgnoredAny>()?;
                }
                continue;
            };
            guess = index + 1;
            let key = &self.keys[index];
            let cell = match key.want {
                Want::Nothing => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
                Want::Value => members.next_value_seed(AnyCell)?,
                Want::Raw => Cell::Raw(members.next_value::<&'de RawValue>()?.get()),
            };
            // The first of a column's keys wins; of a key that comes twice, the last.
            let mut place = |slot: usize, rank: usize, cell: Cell<'de>| {
                if rank <= cells[slot].0 {
                    cells[slot] = (rank, cell);
                }
            };
            if let [(slot, rank)] = key.slots[..] {
                place(slot, rank, cell);
            } else {
                key.slots.iter().for_each(|(slot, rank)| place(*slot, *rank, cell.clone()));
            }
        }
        Ok(Staged { cells, rest })
    }
}

/// Reads a key without copying it where it has no escapes.
pub(super) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

impl Fault {
    /// The error of row `number` (1 is the first) of a table.
    pub(super) fn explain(self, table: &str, number: u64) -> Error {
        let (column, refused, shown) = match self {
            Fault::Syntax(why) => {
                return Error::new(Kind::UpstreamFault, format!("upstream sent a row of {table} that cannot be read"))
                    .detail(format!("Row {number} of the answer: {why}"));
            }
            Fault::Value { column, refused, shown } => (column, refused, shown),
        };
        let sent = match refused {
            Refused::Type(word) => format!("{word} where {} is expected", column.ty.name()),
            Refused::Value(what) => what,
        };
        let detail = match shown {
            Some(value) => format!("Row {number} of the answer holds {value}."),
            None => format!("It is row {number} of the answer."),
        };
        let message = format!("column \"{}\" of {table}: upstream sent {sent}", column.name);
        Error::new(Kind::UpstreamData, message).detail(detail)
    }
}

/// The text of an object of these members.
fn object(members: &[(Cow<'_, str>, &str)]) -> String {
    let mut text = String::from("{");
    for (index, (name, raw)) in members.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        jsonb::quote(name, &mut text);
        text.push(':');
        text.push_str(raw);
    }
    text.push('}');
    text
}

/// The members of a row as text; none if it is not JSON.
pub(super) fn members(row: &str) -> Vec<(Cow<'_, str>, &RawValue)> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a row object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut found = Vec::new();
            while let Some(name) = members.next_key_seed(Name)? {
                found.push((name, members.next_value::<&'de RawValue>()?));
            }
            Ok(found)
        }
    }
    serde_json::Deserializer::from_str(row).deserialize_map(Members).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
