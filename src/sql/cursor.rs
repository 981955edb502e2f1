//! A cursor: rows that are read as they are fetched, and a place among them.
//!
//! Rows are numbered from 1. The place is the number of the row fetched last; 0 is before the first row, and one more
//! than there are rows is behind the last. Positions after each kind of FETCH are PostgreSQL's
//! (<https://www.postgresql.org/docs/15/sql-fetch.html>).

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::UInt32Array;
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::error::{Error, Kind, Result};
use crate::sql::engine::Rows;
use crate::sql::parse::utility::Direction;

/// Bytes up to which a cursor that was declared without SCROLL keeps rows for going back.
const CHEAP_BYTES: usize = 4 << 20;

/// How far back a cursor can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// Not at all.
    Never,
    /// As long as its rows are few.
    WhileCheap,
    /// To the first row.
    Always,
}

/// Rows and a place among them.
#[derive(Debug)]
pub struct Cursor {
    name: String,
    scroll: Scroll,
    /// What is not read yet; `None` when all is.
    rows: Option<Rows>,
    /// Rows that were read and may be wanted: a part of them that has no gaps and ends with the last one.
    kept: VecDeque<RecordBatch>,
    kept_bytes: usize,
    /// What the rows take of the session's memory.
    memory: MemoryReservation,
    /// Number of the first row that is kept.
    first: u64,
    /// How many rows were read.
    n_read: u64,
    place: u64,
    failed: bool,
}

/// What is left to do of a FETCH or MOVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Everything: it has not begun.
    To(Direction),
    /// So many rows.
    Forward(u64),
    /// So many rows.
    Backward(u64),
    /// The row of this number.
    Row(u64),
    /// Nothing.
    Over,
}

impl Cursor {
    /// A cursor before the first of these rows. What it keeps of them is taken from `memory`.
    pub fn new(name: &str, rows: Rows, scroll: Scroll, memory: &Arc<dyn MemoryPool>) -> Self {
        Cursor {
            name: name.to_owned(),
            scroll,
            rows: Some(rows),
            kept: VecDeque::new(),
            kept_bytes: 0,
            memory: MemoryConsumer::new("cursor").register(memory),
            first: 1,
            n_read: 0,
            place: 0,
            failed: false,
        }
    }

    /// Goes on with a motion: the next rows of it, or `None` when it is over. Cancel safe: what is left of the motion
    /// stands in `motion`.
    ///
    /// # Errors
    /// Those of the rows; 55000 for a row that is not kept; 53200 if too much would have to be kept.
    pub async fn advance(&mut self, motion: &mut Motion) -> Result<Option<RecordBatch>> {
        if self.failed {
            let message = format!("portal \"{}\" cannot be run", self.name);
            return Err(Error::new(Kind::ObjectState, message));
        }
        let rows = self.next(motion).await;
        if rows.is_err() {
            self.failed = true;
            self.rows = None;
            self.kept.clear();
            self.memory.free();
        }
        rows
    }

    async fn next(&mut self, motion: &mut Motion) -> Result<Option<RecordBatch>> {
        if let Motion::To(direction) = *motion {
            *motion = self.resolved(direction).await?;
        }
        match *motion {
            Motion::Over | Motion::To(_) => Ok(None),
            Motion::Forward(left) => self.forward(left, motion).await,
            Motion::Backward(left) => self.backward(left, motion),
            Motion::Row(number) => self.row(number, motion).await,
        }
    }

    /// Goes to the end of a motion; tells how many rows it passed.
    ///
    /// # Errors
    /// As of [`Cursor::advance`].
    pub async fn pass(&mut self, direction: Direction) -> Result<u64> {
        let (mut motion, mut n_rows) = (Motion::To(direction), 0);
        while let Some(batch) = self.advance(&mut motion).await? {
            n_rows += batch.num_rows() as u64;
        }
        Ok(n_rows)
    }

    async fn resolved(&mut self, direction: Direction) -> Result<Motion> {
        Ok(match direction {
            Direction::Forward(0) | Direction::Backward(0) | Direction::Relative(0) => match self.is_on_row() {
                true => Motion::Row(self.place),
                false => Motion::Over,
            },
            Direction::Forward(n) if n > 0 => Motion::Forward(n.unsigned_abs()),
            Direction::Backward(n) if n < 0 => Motion::Forward(n.unsigned_abs()),
            Direction::Forward(n) | Direction::Backward(n) => Motion::Backward(n.unsigned_abs()),
            Direction::ForwardAll => Motion::Forward(u64::MAX),
            Direction::BackwardAll => Motion::Backward(u64::MAX),
            Direction::Absolute(n) if n < 0 => {
                if self.scroll == Scroll::Never {
                    return Err(forward_only());
                }
                self.read_to(u64::MAX).await?;
                self.or_start((self.n_read + 1).checked_sub(n.unsigned_abs()))?
            }
            Direction::Absolute(n) => self.or_start(Some(n.unsigned_abs()))?,
            Direction::Relative(n) if n < 0 => self.or_start(self.place.checked_sub(n.unsigned_abs()))?,
            Direction::Relative(n) => Motion::Row(self.place.saturating_add(n.unsigned_abs())),
        })
    }

    /// To the row of that number; before the first one, if there is none.
    fn or_start(&mut self, number: Option<u64>) -> Result<Motion> {
        match number {
            Some(number) if number > 0 => Ok(Motion::Row(number)),
            _ => {
                if self.place > 0 && self.scroll == Scroll::Never {
                    return Err(forward_only());
                }
                self.place = 0;
                Ok(Motion::Over)
            }
        }
    }

    fn is_on_row(&self) -> bool {
        (1..=self.n_read).contains(&self.place)
    }

    async fn forward(&mut self, left: u64, motion: &mut Motion) -> Result<Option<RecordBatch>> {
        let next = self.place.saturating_add(1);
        if left == 0 {
            *motion = Motion::Over;
            return Ok(None);
        }
        self.read_to(next).await?;
        if self.n_read < next {
            self.place = self.n_read + 1;
            *motion = Motion::Over;
            return Ok(None);
        }
        let (batch, at) = self.kept_row(next)?;
        let length = (batch.num_rows() - at).min(usize::try_from(left).unwrap_or(usize::MAX));
        let rows = batch.slice(at, length);
        self.place += length as u64;
        *motion = Motion::Forward(left - length as u64);
        self.forget();
        Ok(Some(rows))
    }

    fn backward(&mut self, left: u64, motion: &mut Motion) -> Result<Option<RecordBatch>> {
        if left == 0 {
            *motion = Motion::Over;
            return Ok(None);
        }
        if self.scroll == Scroll::Never {
            return Err(forward_only());
        }
        if self.place <= 1 {
            self.place = 0;
            *motion = Motion::Over;
            return Ok(None);
        }
        let (batch, at) = self.kept_row(self.place - 1)?;
        let length = (at + 1).min(usize::try_from(left).unwrap_or(usize::MAX));
        let index = |number: usize| u32::try_from(number).map_err(|_| Error::internal("a batch of too many rows"));
        let numbers = (0..length).map(|back| index(at - back)).collect::<Result<Vec<_>>>()?;
        let rows = take_record_batch(batch, &UInt32Array::from(numbers));
        let rows = rows.map_err(|error| Error::internal(error.to_string()))?;
        self.place -= length as u64;
        *motion = Motion::Backward(left - length as u64);
        Ok(Some(rows))
    }

    async fn row(&mut self, number: u64, motion: &mut Motion) -> Result<Option<RecordBatch>> {
        if number <= self.place && self.scroll == Scroll::Never {
            return Err(forward_only());
        }
        self.read_to(number).await?;
        if self.n_read < number {
            self.place = self.n_read + 1;
            *motion = Motion::Over;
            return Ok(None);
        }
        let (batch, at) = self.kept_row(number)?;
        let row = batch.slice(at, 1);
        self.place = number;
        *motion = Motion::Over;
        self.forget();
        Ok(Some(row))
    }

    /// Reads on until so many rows were read, or all.
    async fn read_to(&mut self, number: u64) -> Result<()> {
        while self.n_read < number {
            let Some(rows) = &mut self.rows else { return Ok(()) };
            match rows.next().await {
                None => self.rows = None,
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => self.keep(batch)?,
                Some(Err(error)) => return Err(error),
            }
            // On the way to a distant row.
            if self.forgets() {
                self.drop_before(number.min(self.n_read));
            }
        }
        Ok(())
    }

    fn keep(&mut self, batch: RecordBatch) -> Result<()> {
        self.n_read += batch.num_rows() as u64;
        let bytes = batch.get_array_memory_size();
        self.kept_bytes += bytes;
        self.kept.push_back(batch);
        self.memory.try_grow(bytes).map_err(|_| {
            let message = format!("the rows of cursor \"{}\" do not fit the memory of the session", self.name);
            Error::new(Kind::OutOfMemory, message)
                .detail("A cursor that scrolls keeps its rows (limits.query_memory).")
                .hint("Declare it NO SCROLL, or raise limits.query_memory.")
        })
    }

    /// Lets go of rows that cannot be wanted any more, or that have become too many.
    fn forget(&mut self) {
        if self.forgets() {
            self.drop_before(self.place);
        }
    }

    fn forgets(&self) -> bool {
        match self.scroll {
            Scroll::Always => false,
            Scroll::WhileCheap => self.kept_bytes > CHEAP_BYTES,
            Scroll::Never => true,
        }
    }

    /// Drops the batches all of whose rows come before a row.
    fn drop_before(&mut self, number: u64) {
        while let Some(batch) = self.kept.front() {
            let next = self.first + batch.num_rows() as u64;
            if next > number {
                return;
            }
            self.first = next;
            let bytes = batch.get_array_memory_size();
            self.kept_bytes -= bytes;
            self.memory.shrink(bytes);
            self.kept.pop_front();
        }
    }

    /// The batch that holds a row which was read, and its place in that.
    fn kept_row(&self, number: u64) -> Result<(&RecordBatch, usize)> {
        let mut first = self.first;
        if number >= first {
            for batch in &self.kept {
                let next = first + batch.num_rows() as u64;
                if number < next {
                    let at = usize::try_from(number - first).map_err(|_| Error::internal("a row beyond memory"))?;
                    return Ok((batch, at));
                }
                first = next;
            }
        }
        Err(forward_only())
    }
}

fn forward_only() -> Error {
    Error::new(Kind::ObjectState, "cursor can only scan forward")
        .hint("Declare it with SCROLL option to enable backward scan.")
}
