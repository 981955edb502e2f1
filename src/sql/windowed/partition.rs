//! The rows of a partition: the frame of each, and what a function gives over it.

use std::cmp::Ordering;
use std::ops::Range;

use datafusion::arrow::array::ArrayRef;

use super::{Bound, Call, Exclude, Frame, Spec, Units};
use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::{Aggregate, State, io};
use crate::pgtype::types::PgType;
use crate::sql::values::{Builder, Reader};

/// The rows of one partition.
pub(super) struct Partition<'a> {
    spec: &'a Spec,
    rows: usize,
    /// The arguments of each row.
    args: Vec<Vec<Datum<'a>>>,
    /// Whether FILTER lets a row in.
    passes: Vec<bool>,
    /// The first key of each row, if RANGE needs it.
    keys: Vec<Datum<'a>>,
    /// Where each group of equal rows begins; then the number of rows.
    groups: Vec<usize>,
    /// The group of each row.
    group: Vec<usize>,
}

impl<'a> Partition<'a> {
    pub(super) fn read(spec: &'a Spec, values: &'a [ArrayRef], rows: usize) -> Result<Partition<'a>> {
        let n_args = spec.args.len();
        let bools = spec.filter.then_some(PgType::Bool);
        let types = spec.args.iter().copied().chain(bools).chain(spec.order.iter().map(|key| key.ty));
        let readers = values.iter().zip(types).map(|(array, ty)| Reader::new(array, ty)).collect::<Result<Vec<_>>>()?;
        let mut partition = Partition {
            spec,
            rows,
            args: Vec::with_capacity(rows),
            passes: Vec::with_capacity(rows),
            keys: Vec::new(),
            groups: Vec::new(),
            group: Vec::with_capacity(rows),
        };
        let mut last: Vec<Datum<'static>> = Vec::new();
        for row in 0..rows {
            let mut own = Vec::with_capacity(n_args);
            for reader in &readers[..n_args] {
                own.push(reader.get(row)?.into_owned());
            }
            partition.args.push(own);
            partition.passes.push(!spec.filter || readers[n_args].get(row)? == Datum::Bool(true));
            let first_key = n_args + usize::from(spec.filter);
            let keys = readers[first_key..].iter().map(|reader| reader.get(row).map(Datum::into_owned));
            let keys = keys.collect::<Result<Vec<_>>>()?;
            let same = row > 0
                && spec.order.iter().zip(keys.iter().zip(&last)).all(|(key, (one, other))| same(key.ty, one, other));
            if !same {
                partition.groups.push(row);
            }
            partition.group.push(partition.groups.len() - 1);
            if spec.shifts.is_some() {
                partition.keys.push(keys.first().cloned().unwrap_or(Datum::Null));
            }
            last = keys;
        }
        partition.groups.push(rows);
        Ok(partition)
    }

    fn peers(&self, row: usize) -> Range<usize> {
        let group = self.group[row];
        self.groups[group]..self.groups[group + 1]
    }

    pub(super) fn evaluate(&self) -> Result<ArrayRef> {
        let mut builder = Builder::new(self.spec.result, &self.spec.zone, self.rows);
        match self.spec.call {
            Call::Aggregate(aggregate) => self.aggregate(aggregate, &mut builder)?,
            _ => {
                for row in 0..self.rows {
                    builder.push(&self.value(row)?)?;
                }
            }
        }
        Ok(builder.finish())
    }

    fn value(&self, row: usize) -> Result<Datum<'static>> {
        let int = |number: usize| Datum::Int8(i64::try_from(number).unwrap_or(i64::MAX));
        let args = &self.args[row];
        let rows = self.rows as f64;
        Ok(match self.spec.call {
            Call::RowNumber => int(row + 1),
            Call::Rank => int(self.peers(row).start + 1),
            Call::DenseRank => int(self.group[row] + 1),
            Call::PercentRank if self.rows <= 1 => Datum::Float8(0.0),
            Call::PercentRank => Datum::Float8(self.peers(row).start as f64 / (rows - 1.0)),
            Call::CumeDist => Datum::Float8(self.peers(row).end as f64 / rows),
            Call::Ntile => self.ntile(row)?,
            Call::Lag | Call::Lead => {
                let by = match args.get(1) {
                    None => 1,
                    Some(Datum::Int4(by)) => i64::from(*by),
                    Some(_) => return Ok(Datum::Null),
                };
                let by = if matches!(self.spec.call, Call::Lag) { -by } else { by };
                let at = i64::try_from(row).unwrap_or(i64::MAX).saturating_add(by);
                match usize::try_from(at).ok().and_then(|at| self.args.get(at)) {
                    Some(other) => other[0].clone().into_owned(),
                    None => args.get(2).cloned().unwrap_or(Datum::Null).into_owned(),
                }
            }
            Call::FirstValue => {
                let first = self.in_frame(row)?.next();
                first.map_or(Datum::Null, |at| self.args[at][0].clone().into_owned())
            }
            Call::LastValue => {
                let last = self.in_frame(row)?.last();
                last.map_or(Datum::Null, |at| self.args[at][0].clone().into_owned())
            }
            Call::NthValue => {
                let Datum::Int4(nth) = args[1] else { return Ok(Datum::Null) };
                let wrong = || Error::new(Kind::InvalidNthValue, "argument of nth_value must be greater than zero");
                let nth = usize::try_from(nth).ok().and_then(|nth| nth.checked_sub(1)).ok_or_else(wrong)?;
                let found = self.in_frame(row)?.nth(nth);
                found.map_or(Datum::Null, |at| self.args[at][0].clone().into_owned())
            }
            Call::Count => {
                let counts = |at: &usize| self.passes[*at] && !self.args[*at].iter().any(Datum::is_null);
                int(self.in_frame(row)?.filter(counts).count())
            }
            Call::Aggregate(_) => return Err(Error::internal("an aggregate as a plain window function")),
        })
    }

    fn ntile(&self, row: usize) -> Result<Datum<'static>> {
        // PostgreSQL asks the first row of the partition.
        let Some(Datum::Int4(buckets)) = self.args.first().and_then(|args| args.first()) else {
            return Ok(Datum::Null);
        };
        let wrong = || Error::new(Kind::InvalidNtile, "argument of ntile must be greater than zero");
        let buckets = usize::try_from(*buckets).ok().filter(|buckets| *buckets > 0).ok_or_else(wrong)?;
        let (small, larger) = (self.rows / buckets, self.rows % buckets);
        let in_larger = larger * (small + 1);
        let bucket = match row < in_larger {
            true => row / (small + 1),
            false => larger + (row - in_larger) / small.max(1),
        };
        Ok(Datum::Int4(i32::try_from(bucket + 1).unwrap_or(i32::MAX)))
    }

    fn in_frame(&self, row: usize) -> Result<impl Iterator<Item = usize>> {
        let frame = self.frame(row)?;
        let peers = self.peers(row);
        let exclude = self.spec.frame.exclude;
        Ok(frame.filter(move |at| match exclude {
            Exclude::NoOthers => true,
            Exclude::CurrentRow => *at != row,
            Exclude::Group => !peers.contains(at),
            Exclude::Ties => *at == row || !peers.contains(at),
        }))
    }

    fn aggregate(&self, aggregate: &'static Aggregate, builder: &mut Builder) -> Result<()> {
        let fresh = || (aggregate.make)(&[], &self.spec.style);
        let step = |state: &mut Box<dyn State>, at: usize| {
            let args = &self.args[at];
            match self.passes[at] && !(aggregate.strict && args.iter().any(Datum::is_null)) {
                true => state.step(args),
                false => Ok(()),
            }
        };
        let grows = self.spec.frame.exclude == Exclude::NoOthers;
        let mut known: Option<(Range<usize>, Box<dyn State>, Datum<'static>)> = None;
        for row in 0..self.rows {
            let frame = self.frame(row)?;
            if let Some((last, state, value)) = &mut known
                && grows
                && last.start == frame.start
                && last.end <= frame.end
            {
                if last.end < frame.end {
                    for at in last.end..frame.end {
                        step(state, at)?;
                    }
                    *value = state.finish()?;
                    *last = frame;
                }
                builder.push(value)?;
                continue;
            }
            let mut state = fresh()?;
            for at in self.in_frame(row)? {
                step(&mut state, at)?;
            }
            let value = state.finish()?;
            builder.push(&value)?;
            known = Some((frame, state, value));
        }
        Ok(())
    }

    /// The rows from a frame's beginning to its end.
    fn frame(&self, row: usize) -> Result<Range<usize>> {
        let Frame { units, start, end, .. } = &self.spec.frame;
        let count = |value: &Datum<'_>| match value {
            Datum::Int8(count) => usize::try_from(*count).unwrap_or(usize::MAX),
            _ => 0,
        };
        let groups = self.groups.len() - 1;
        let range = match units {
            Units::Rows => {
                let start = match start {
                    Bound::UnboundedPreceding => 0,
                    Bound::Preceding(by) => row.saturating_sub(count(by)),
                    Bound::CurrentRow => row,
                    Bound::Following(by) => row.saturating_add(count(by)),
                    Bound::UnboundedFollowing => self.rows,
                };
                let end = match end {
                    Bound::UnboundedPreceding => 0,
                    Bound::Preceding(by) => (row + 1).saturating_sub(count(by)),
                    Bound::CurrentRow => row + 1,
                    Bound::Following(by) => (row + 1).saturating_add(count(by)),
                    Bound::UnboundedFollowing => self.rows,
                };
                start..end
            }
            Units::Groups => {
                let own = self.group[row];
                let start = match start {
                    Bound::UnboundedPreceding => 0,
                    Bound::Preceding(by) => self.groups[own.saturating_sub(count(by))],
                    Bound::CurrentRow => self.groups[own],
                    Bound::Following(by) => self.groups[own.saturating_add(count(by)).min(groups)],
                    Bound::UnboundedFollowing => self.rows,
                };
                let end = match end {
                    Bound::UnboundedPreceding => 0,
                    Bound::Preceding(by) => self.groups[(own + 1).saturating_sub(count(by))],
                    Bound::CurrentRow => self.groups[own + 1],
                    Bound::Following(by) => self.groups[(own + 1).saturating_add(count(by)).min(groups)],
                    Bound::UnboundedFollowing => self.rows,
                };
                start..end
            }
            Units::Range => {
                let peers = self.peers(row);
                let start = match start {
                    Bound::UnboundedPreceding => 0,
                    Bound::CurrentRow => peers.start,
                    Bound::UnboundedFollowing => self.rows,
                    Bound::Preceding(by) => self.reach(row, by, true, true)?,
                    Bound::Following(by) => self.reach(row, by, false, true)?,
                };
                let end = match end {
                    Bound::UnboundedPreceding => 0,
                    Bound::CurrentRow => peers.end,
                    Bound::UnboundedFollowing => self.rows,
                    Bound::Preceding(by) => self.reach(row, by, true, false)?,
                    Bound::Following(by) => self.reach(row, by, false, false)?,
                };
                start..end
            }
        };
        let end = range.end.min(self.rows);
        Ok(range.start.min(end)..end)
    }

    /// Where the rows begin (or end) whose key is at most an offset before (or after) the row's.
    fn reach(&self, row: usize, by: &Datum<'static>, preceding: bool, begins: bool) -> Result<usize> {
        let key = &self.keys[row];
        let peers = self.peers(row);
        if key.is_null() {
            return Ok(if begins { peers.start } else { peers.end });
        }
        let Some((plus, minus)) = self.spec.shifts else { return Err(Error::internal("a frame without an offset")) };
        let Some(order) = self.spec.order.first() else { return Err(Error::internal("a frame without an order")) };
        // In descending order the rows before have larger keys.
        let adds = preceding == order.descending;
        let shifted = (if adds { plus } else { minus })(&[key.clone(), by.clone()], &self.spec.style);
        let limit = match shifted {
            Ok(limit) => Some(limit),
            // Beyond the type's range lies no row.
            Err(error) if matches!(error.kind, Kind::NumericOutOfRange | Kind::DatetimeOverflow) => None,
            Err(error) => return Err(error),
        };
        let before = |at: usize| {
            let other = &self.keys[at];
            if other.is_null() {
                return order.nulls_first;
            }
            let ordering = match &limit {
                Some(limit) => io::compare(order.ty, other, limit),
                None if adds => Ordering::Less,
                None => Ordering::Greater,
            };
            let ordering = if order.descending { ordering.reverse() } else { ordering };
            if begins { ordering.is_lt() } else { ordering.is_le() }
        };
        // Rows are sorted, so those before the bound stand together.
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}

fn same(ty: PgType, one: &Datum<'_>, other: &Datum<'_>) -> bool {
    match (one.is_null(), other.is_null()) {
        (false, false) => io::compare(ty, one, other).is_eq(),
        (one, other) => one == other,
    }
}
