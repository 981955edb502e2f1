//! `min` and `max`.

use std::cmp::Ordering;

use crate::error::Result;
use crate::function::State;
use crate::function::aggregate::{compare, heap, only, owned};
use crate::function::datum::Datum;

/// The least or the greatest value so far.
#[derive(Debug)]
pub(super) struct Extreme {
    /// What a new value must be, beside the old one, to take its place.
    wanted: Ordering,
    /// Blanks at the end do not count. Of values that differ in them only the first one stays.
    is_padded: bool,
    value: Option<Datum<'static>>,
}

impl Extreme {
    pub(super) fn min() -> Result<Box<dyn State>> {
        Ok(Box::new(Extreme { wanted: Ordering::Less, is_padded: false, value: None }))
    }

    pub(super) fn max() -> Result<Box<dyn State>> {
        Ok(Box::new(Extreme { wanted: Ordering::Greater, is_padded: false, value: None }))
    }

    pub(super) fn min_padded() -> Result<Box<dyn State>> {
        Ok(Box::new(Extreme { wanted: Ordering::Less, is_padded: true, value: None }))
    }

    pub(super) fn max_padded() -> Result<Box<dyn State>> {
        Ok(Box::new(Extreme { wanted: Ordering::Greater, is_padded: true, value: None }))
    }

    fn is_better(&self, new: &Datum<'_>, old: &Datum<'_>) -> bool {
        match (new, old) {
            (Datum::Text(new), Datum::Text(old)) => {
                let shown = |text: &str| if self.is_padded { text.trim_end_matches(' ').len() } else { text.len() };
                new[..shown(new)].cmp(&old[..shown(old)]) == self.wanted
            }
            // Of values that are equal and yet look different, such as 1.0 and 1.00, the last one stays.
            _ => matches!(compare(new, old), order if order == self.wanted || order == Ordering::Equal),
        }
    }
}

impl State for Extreme {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let new = only(args)?;
        if self.value.as_ref().is_none_or(|old| self.is_better(new, old)) {
            self.value = Some(owned(new));
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
