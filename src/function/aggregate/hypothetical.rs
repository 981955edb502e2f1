//! `rank`, `dense_rank`, `percent_rank` and `cume_dist` of a row that is not there, WITHIN GROUP.
//!
//! The direct argument is the value of that row. How the rows are ordered cannot be seen from few of them: whoever calls
//! `make` may add two booleans, whether the order is descending and whether NULLs come first; without them it is
//! ascending with NULLs last.

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::function::State;
use crate::function::aggregate::{compare, heap, only, owned};
use crate::function::datum::Datum;

/// Which of the functions it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
}

/// The place of a value among the rows.
#[derive(Debug)]
pub(super) struct Hypothetical {
    function: Function,
    value: Datum<'static>,
    is_descending: bool,
    has_nulls_first: bool,
    rows: i64,
    before: i64,
    peers: i64,
    /// How many values differ among the rows before it, and the last of them.
    distinct: i64,
    last: Option<Datum<'static>>,
}

impl Hypothetical {
    pub(super) fn make(direct: &[Datum<'_>], function: Function) -> Result<Box<dyn State>> {
        let value = direct.first().ok_or_else(|| Error::internal("a hypothetical row without its value"))?;
        let is_set = |at: usize| matches!(direct.get(at), Some(Datum::Bool(true)));
        Ok(Box::new(Hypothetical {
            function,
            value: owned(value),
            is_descending: is_set(1),
            has_nulls_first: is_set(2),
            rows: 0,
            before: 0,
            peers: 0,
            distinct: 0,
            last: None,
        }))
    }

    fn order(&self, row: &Datum<'_>) -> Ordering {
        let order = compare(row, &self.value);
        let is_reversed = if row.is_null() || self.value.is_null() { self.has_nulls_first } else { self.is_descending };
        if is_reversed { order.reverse() } else { order }
    }
}

impl State for Hypothetical {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let row = only(args)?;
        self.rows += 1;
        match self.order(row) {
            Ordering::Less => {
                self.before += 1;
                if self.function == Function::DenseRank
                    && self.last.as_ref().is_none_or(|last| compare(last, row).is_ne())
                {
                    self.distinct += 1;
                    self.last = Some(owned(row));
                }
            }
            Ordering::Equal => self.peers += 1,
            Ordering::Greater => {}
        }
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        let share = |part: i64, whole: i64| Datum::Float8(part as f64 / whole as f64);
        Ok(match self.function {
            Function::Rank => Datum::Int8(self.before + 1),
            Function::DenseRank => Datum::Int8(self.distinct + 1),
            Function::PercentRank if self.rows == 0 => Datum::Float8(0.0),
            Function::PercentRank => share(self.before, self.rows),
            Function::CumeDist => share(self.before + self.peers + 1, self.rows + 1),
        })
    }

    fn size(&self) -> usize {
        size_of_val(self) + heap(&self.value) + self.last.as_ref().map_or(0, heap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(direct: &[Datum<'_>], rows: &[Datum<'_>]) -> Vec<Datum<'static>> {
        let functions = [Function::Rank, Function::DenseRank, Function::PercentRank, Function::CumeDist];
        let run = |function| {
            let mut state = Hypothetical::make(direct, function).unwrap();
            rows.iter().for_each(|row| state.step(std::slice::from_ref(row)).unwrap());
            state.finish().unwrap()
        };
        functions.into_iter().map(run).collect()
    }

    /// SELECT rank(2) WITHIN GROUP (ORDER BY x DESC) FROM (VALUES (NULL), (5), (3), (3), (2), (1)) t(x), and the others.
    #[test]
    fn the_order_may_be_descending() {
        let rows = [Datum::Null, Datum::Int4(5), Datum::Int4(3), Datum::Int4(3), Datum::Int4(2), Datum::Int4(1)];
        let direct = [Datum::Int4(2), Datum::Bool(true), Datum::Bool(true)];
        let expected =
            [Datum::Int8(5), Datum::Int8(4), Datum::Float8(0.6666666666666666), Datum::Float8(0.8571428571428571)];
        assert_eq!(ranks(&direct, &rows), expected);
    }
}
