//! `string_agg`, `array_agg`, and the one value of a scalar subquery.

use crate::error::{Error, Kind, Result};
use crate::function::State;
use crate::function::aggregate::{both, heap, only, owned, unexpected};
use crate::function::datum::Datum;

/// `string_agg`. A value that is NULL is left out together with its delimiter.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: Option<String>,
}

impl State for Strings {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let (value, delimiter) = both(args)?;
        let value = match value {
            Datum::Null => return Ok(()),
            Datum::Text(value) => value,
            other => return Err(unexpected(other)),
        };
        let Some(text) = &mut self.text else {
            self.text = Some(value.as_ref().to_owned());
            return Ok(());
        };
        match delimiter {
            Datum::Null => {}
            Datum::Text(delimiter) => text.push_str(delimiter),
            other => return Err(unexpected(other)),
        }
        text.push_str(value);
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(self.text.as_ref().map_or(Datum::Null, Datum::text))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.text.as_ref().map_or(0, String::capacity)
    }
}

/// `string_agg` over `bytea`.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    bytes: Option<Vec<u8>>,
}

impl State for Bytes {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let (value, delimiter) = both(args)?;
        let value = match value {
            Datum::Null => return Ok(()),
            Datum::Bytea(value) => value,
            other => return Err(unexpected(other)),
        };
        let Some(bytes) = &mut self.bytes else {
            self.bytes = Some(value.as_ref().to_owned());
            return Ok(());
        };
        match delimiter {
            Datum::Null => {}
            Datum::Bytea(delimiter) => bytes.extend_from_slice(delimiter),
            other => return Err(unexpected(other)),
        }
        bytes.extend_from_slice(value);
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(self.bytes.as_ref().map_or(Datum::Null, |bytes| Datum::Bytea(bytes.clone().into())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes.as_ref().map_or(0, Vec::capacity)
    }
}

/// `array_agg`.
#[derive(Debug, Default)]
pub(super) struct Items {
    items: Vec<Datum<'static>>,
    heap: usize,
}

impl State for Items {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let item = only(args)?;
        self.heap += heap(item);
        self.items.push(owned(item));
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(if self.items.is_empty() { Datum::Null } else { Datum::Array(self.items.clone()) })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.items.capacity() * size_of::<Datum<'_>>() + self.heap
    }
}

/// The value of the first row, which may have to be the only one.
#[derive(Debug)]
pub(super) struct First {
    value: Option<Datum<'static>>,
    is_single: bool,
}

impl First {
    /// `first_of`
    pub(super) fn first_of() -> Result<Box<dyn State>> {
        Ok(Box::new(First { value: None, is_single: false }))
    }

    /// `single_value`
    pub(super) fn single_value() -> Result<Box<dyn State>> {
        Ok(Box::new(First { value: None, is_single: true }))
    }
}

impl State for First {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        if self.value.is_none() {
            self.value = Some(owned(only(args)?));
        } else if self.is_single {
            let message = "more than one row returned by a subquery used as an expression";
            return Err(Error::new(Kind::Cardinality, message));
        }
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        Ok(self.value.clone().unwrap_or(Datum::Null))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.as_ref().map_or(0, heap)
    }
}
