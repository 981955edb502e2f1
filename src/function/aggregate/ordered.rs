//! `percentile_cont`, `percentile_disc` and `mode`. The values come in the order of WITHIN GROUP.

use std::cmp::Ordering;

use crate::error::{Error, Kind, Result};
use crate::function::State;
use crate::function::aggregate::span;
use crate::function::aggregate::{compare, heap, only, owned, unexpected};
use crate::function::datum::Datum;
use crate::pgtype::float::put_f64;
use crate::pgtype::interval::Interval;

/// The direct argument.
#[derive(Debug)]
enum Fractions {
    One(Option<f64>),
    /// The array, each of whose elements may be NULL.
    Many(Option<Vec<Option<f64>>>),
}

impl Fractions {
    fn one(direct: &[Datum<'_>]) -> Result<Self> {
        match direct {
            [fraction, ..] => fraction_of(fraction).map(Fractions::One),
            [] => Err(Error::internal("a percentile was called without its fraction")),
        }
    }

    fn many(direct: &[Datum<'_>]) -> Result<Self> {
        match direct {
            [Datum::Null, ..] => Ok(Fractions::Many(None)),
            [Datum::Array(items), ..] => {
                items.iter().map(fraction_of).collect::<Result<_>>().map(|fractions| Fractions::Many(Some(fractions)))
            }
            _ => Err(Error::internal("a percentile was called without its fractions")),
        }
    }

    /// The value at the fraction, or those at each of them.
    fn pick(&self, count: usize, value: impl Fn(f64) -> Result<Datum<'static>>) -> Result<Datum<'static>> {
        match self {
            Fractions::One(None) | Fractions::Many(None) => Ok(Datum::Null),
            Fractions::One(Some(fraction)) => {
                check(*fraction)?;
                if count == 0 { Ok(Datum::Null) } else { value(*fraction) }
            }
            Fractions::Many(Some(_)) if count == 0 => Ok(Datum::Null),
            Fractions::Many(Some(fractions)) => {
                fractions.iter().flatten().try_for_each(|fraction| check(*fraction))?;
                let values = fractions.iter().map(|fraction| fraction.map_or(Ok(Datum::Null), &value));
                values.collect::<Result<_>>().map(Datum::Array)
            }
        }
    }

    fn size(&self) -> usize {
        match self {
            Fractions::Many(Some(fractions)) => size_of_val(fractions.as_slice()),
            _ => 0,
        }
    }
}

fn fraction_of(datum: &Datum<'_>) -> Result<Option<f64>> {
    match datum {
        Datum::Null => Ok(None),
        Datum::Float8(fraction) => Ok(Some(*fraction)),
        other => Err(unexpected(other)),
    }
}

fn check(fraction: f64) -> Result<()> {
    /// 15 less these are the 6 digits of `%g`.
    const FEWER_DIGITS: i32 = -9;
    if (0.0..=1.0).contains(&fraction) {
        return Ok(());
    }
    let mut text = Vec::new();
    put_f64(fraction, FEWER_DIGITS, &mut text);
    let text = String::from_utf8_lossy(&text);
    Err(Error::new(Kind::NumericOutOfRange, format!("percentile value {text} is not between 0 and 1")))
}

/// Values in as few bytes as they need.
#[derive(Debug)]
enum Kept {
    Doubles(Vec<f64>),
    Longs(Vec<i64>),
    Intervals(Vec<Interval>),
    /// The values, and the bytes that they hold beside themselves.
    Others(Vec<Datum<'static>>, usize),
}

impl Kept {
    fn push(&mut self, datum: &Datum<'_>) -> Result<()> {
        if let Kept::Others(values, _) = self
            && values.is_empty()
        {
            *self = match datum {
                Datum::Float8(_) => Kept::Doubles(Vec::new()),
                Datum::Int8(_) => Kept::Longs(Vec::new()),
                Datum::Interval(_) => Kept::Intervals(Vec::new()),
                _ => Kept::Others(Vec::new(), 0),
            };
        }
        match (self, datum) {
            (Kept::Doubles(values), Datum::Float8(value)) => values.push(*value),
            (Kept::Longs(values), Datum::Int8(value)) => values.push(*value),
            (Kept::Intervals(values), Datum::Interval(value)) => values.push(*value),
            (Kept::Others(values, bytes), datum) => {
                *bytes += heap(datum);
                values.push(owned(datum));
            }
            (_, other) => return Err(unexpected(other)),
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Kept::Doubles(values) => values.len(),
            Kept::Longs(values) => values.len(),
            Kept::Intervals(values) => values.len(),
            Kept::Others(values, _) => values.len(),
        }
    }

    fn at(&self, index: usize) -> Datum<'static> {
        match self {
            Kept::Doubles(values) => values.get(index).copied().map(Datum::Float8),
            Kept::Longs(values) => values.get(index).copied().map(Datum::Int8),
            Kept::Intervals(values) => values.get(index).copied().map(Datum::Interval),
            Kept::Others(values, _) => values.get(index).cloned(),
        }
        .unwrap_or(Datum::Null)
    }

    fn size(&self) -> usize {
        match self {
            Kept::Doubles(values) => values.capacity() * size_of::<f64>(),
            Kept::Longs(values) => values.capacity() * size_of::<i64>(),
            Kept::Intervals(values) => values.capacity() * size_of::<Interval>(),
            Kept::Others(values, bytes) => values.capacity() * size_of::<Datum<'_>>() + bytes,
        }
    }
}

/// `percentile_cont` and `percentile_disc`.
#[derive(Debug)]
pub(super) struct Percentile {
    fractions: Fractions,
    values: Kept,
    is_continuous: bool,
}

impl Percentile {
    pub(super) fn cont(direct: &[Datum<'_>]) -> Result<Box<dyn State>> {
        Percentile::make(Fractions::one(direct)?, true)
    }

    pub(super) fn cont_many(direct: &[Datum<'_>]) -> Result<Box<dyn State>> {
        Percentile::make(Fractions::many(direct)?, true)
    }

    pub(super) fn disc(direct: &[Datum<'_>]) -> Result<Box<dyn State>> {
        Percentile::make(Fractions::one(direct)?, false)
    }

    pub(super) fn disc_many(direct: &[Datum<'_>]) -> Result<Box<dyn State>> {
        Percentile::make(Fractions::many(direct)?, false)
    }

    fn make(fractions: Fractions, is_continuous: bool) -> Result<Box<dyn State>> {
        Ok(Box::new(Percentile { fractions, values: Kept::Others(Vec::new(), 0), is_continuous }))
    }

    /// The first value that at least this fraction of the rows does not exceed.
    fn discrete(&self, fraction: f64) -> Datum<'static> {
        let row = (fraction * self.values.len() as f64).ceil() as usize;
        self.values.at(row.saturating_sub(1))
    }

    /// What lies at this fraction of the way from the first row to the last.
    fn continuous(&self, fraction: f64) -> Result<Datum<'static>> {
        let position = fraction * (self.values.len() - 1) as f64;
        let (below, above) = (position.floor(), position.ceil());
        let low = self.values.at(below as usize);
        if below == above {
            return Ok(low);
        }
        let proportion = position - below;
        match (low, self.values.at(above as usize)) {
            (Datum::Float8(low), Datum::Float8(high)) => Ok(Datum::Float8(low + proportion * (high - low))),
            (Datum::Interval(low), Datum::Interval(high)) => span::between(low, high, proportion).map(Datum::Interval),
            (other, _) => Err(unexpected(&other)),
        }
    }
}

impl State for Percentile {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        self.values.push(only(args)?)
    }

    fn finish(&self) -> Result<Datum<'static>> {
        self.fractions.pick(self.values.len(), |fraction| {
            if self.is_continuous { self.continuous(fraction) } else { Ok(self.discrete(fraction)) }
        })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.fractions.size() + self.values.size()
    }
}

/// `mode`: equal values stand together, so the most frequent one and the present one are enough. Of values that are
/// equally frequent the first one wins.
#[derive(Debug, Default)]
pub(super) struct Mode {
    best: Option<(Datum<'static>, u64)>,
    run: Option<(Datum<'static>, u64)>,
}

impl State for Mode {
    fn step(&mut self, args: &[Datum<'_>]) -> Result<()> {
        let new = only(args)?;
        match &mut self.run {
            Some((value, length)) if compare(value, new) == Ordering::Equal => *length += 1,
            _ => {
                let ended = self.run.replace((owned(new), 1));
                if self.longest(ended.as_ref()) {
                    self.best = ended;
                }
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Datum<'static>> {
        let winner = if self.longest(self.run.as_ref()) { &self.run } else { &self.best };
        Ok(winner.as_ref().map_or(Datum::Null, |(value, _)| value.clone()))
    }

    fn size(&self) -> usize {
        let runs = [&self.best, &self.run];
        size_of_val(self) + runs.iter().filter_map(|run| run.as_ref()).map(|(value, _)| heap(value)).sum::<usize>()
    }
}

impl Mode {
    /// Whether a run is longer than the best one.
    fn longest(&self, run: Option<&(Datum<'static>, u64)>) -> bool {
        let length = |run: Option<&(Datum<'static>, u64)>| run.map_or(0, |(_, length)| *length);
        length(run) > length(self.best.as_ref())
    }
}
