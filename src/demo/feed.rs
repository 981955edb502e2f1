//! A response body: rows made while they are sent, 64 KiB at a time.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures::Stream;

use super::data::{Data, Table};
use super::params::Filter;
use super::pass::pass;
use super::rhythm::first;
use super::rows::Row;
use super::text::{Csv, Json};
use super::{Order, Progress, rows};

const CHUNK_BYTES: usize = 64 * 1024;
/// Rows looked at before other tasks get a turn, however few of them the filter takes.
const TURN_ROWS: u64 = 4096;

/// What to send.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) table: Table,
    pub(super) form: Form,
    pub(super) range: Range<u64>,
    pub(super) times_ms: (i64, i64),
    pub(super) filter: Filter,
    pub(super) limit: u64,
    pub(super) order: Order,
    /// Decides how rows on one instant are ordered.
    pub(super) nonce: u64,
}

/// The text around and between the rows.
#[derive(Debug)]
pub(super) enum Form {
    Csv,
    Bare,
    /// With the text of the time of the export.
    Object(String),
}

/// What the call log sees of a body.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    rows: AtomicU64,
    whole: AtomicBool,
    dropped: AtomicBool,
}

impl Gauge {
    pub(super) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Acquire)
    }

    pub(super) fn progress(&self) -> Progress {
        if self.whole.load(Ordering::Acquire) {
            Progress::Whole
        } else if self.dropped.load(Ordering::Acquire) {
            Progress::Dropped
        } else {
            Progress::Running
        }
    }
}

/// The body as a stream. Dropping it stops the work.
pub(super) fn stream(data: Arc<Data>, plan: Plan, gauge: Arc<Gauge>) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures::stream::unfold(Feed::new(data, plan, gauge), async |mut feed| {
        loop {
            match feed.turn() {
                Turn::Chunk(bytes) => return Some((Ok(bytes), feed)),
                Turn::Nothing => pass().await,
                Turn::End => return None,
            }
        }
    })
}

enum Turn {
    Chunk(Bytes),
    Nothing,
    End,
}

#[derive(Debug)]
enum Stage {
    Head,
    /// Counting the rows that will come, for the envelope that says so: so many found, the next index to look at.
    Count(u64, u64),
    Rows,
    End,
}

#[derive(Debug)]
struct Feed {
    data: Arc<Data>,
    plan: Plan,
    walk: Walk,
    stage: Stage,
    /// A chunk was made: let it be sent, and other tasks have their turn, before more is made.
    pause: bool,
    sent: u64,
    gauge: Arc<Gauge>,
}

impl Feed {
    fn new(data: Arc<Data>, plan: Plan, gauge: Arc<Gauge>) -> Feed {
        let walk = Walk::new(plan.order, &plan.range, plan.nonce);
        Feed { data, plan, walk, stage: Stage::Head, pause: false, sent: 0, gauge }
    }

    fn turn(&mut self) -> Turn {
        if std::mem::take(&mut self.pause) {
            return Turn::Nothing;
        }
        let mut out = Vec::new();
        match self.stage {
            Stage::Head => self.head(&mut out),
            Stage::Count(found, next) => self.count(&mut out, found, next),
            Stage::Rows => self.rows(&mut out),
            Stage::End => return Turn::End,
        }
        self.pause = !out.is_empty();
        if out.is_empty() { Turn::Nothing } else { Turn::Chunk(Bytes::from(out)) }
    }

    fn head(&mut self, out: &mut Vec<u8>) {
        self.stage = Stage::Rows;
        match &self.plan.form {
            Form::Csv => out.extend_from_slice(columns(self.plan.table).join(",").as_bytes()),
            Form::Bare => out.push(b'['),
            Form::Object(exported_at) => {
                out.extend_from_slice(format!("{{\n  \"exported_at\": \"{exported_at}\",\n").as_bytes());
                self.stage = Stage::Count(0, self.plan.range.start);
            }
        }
    }

    fn count(&mut self, out: &mut Vec<u8>, mut found: u64, next: u64) {
        let Range { end, .. } = self.plan.range;
        let turn_end = end.min(next + TURN_ROWS);
        found += if self.takes_all() {
            end - next
        } else {
            (next..turn_end).filter(|&index| self.takes(index)).count() as u64
        };
        if turn_end < end && found < self.plan.limit && !self.takes_all() {
            self.stage = Stage::Count(found, turn_end);
            return;
        }
        let count = found.min(self.plan.limit);
        out.extend_from_slice(format!("  \"count\": {count},\n  \"data\": [").as_bytes());
        self.stage = Stage::Rows;
    }

    fn rows(&mut self, out: &mut Vec<u8>) {
        out.reserve(CHUNK_BYTES + 1024);
        for _ in 0..TURN_ROWS {
            let index = if self.sent < self.plan.limit { self.walk.next(&self.data, self.plan.table) } else { None };
            let Some(index) = index else {
                self.tail(out);
                self.stage = Stage::End;
                break;
            };
            if self.takes(index) {
                self.row(out, index);
                self.sent += 1;
            }
            if out.len() >= CHUNK_BYTES {
                break;
            }
        }
        self.gauge.rows.store(self.sent, Ordering::Release);
        if matches!(self.stage, Stage::End) {
            self.gauge.whole.store(true, Ordering::Release);
        }
    }

    fn row(&self, out: &mut Vec<u8>, index: u64) {
        let separator: &[u8] = match (&self.plan.form, self.sent) {
            (Form::Csv, _) => b"\n",
            (Form::Bare, 0) => b"",
            (Form::Bare, _) => b",",
            (Form::Object(_), 0) => b"\n    ",
            (Form::Object(_), _) => b",\n    ",
        };
        out.extend_from_slice(separator);
        match self.plan.table {
            Table::Requests => self.write(out, &self.data.request(index)),
            Table::Traces => self.write(out, &self.data.trace(index)),
            Table::Anomalies => self.write(out, self.data.anomaly(index)),
            Table::Security => self.write(out, &self.data.flagged(index)),
        }
    }

    fn write(&self, out: &mut Vec<u8>, row: &impl Row) {
        if matches!(self.plan.form, Form::Csv) {
            row.write(&mut Csv::open(out));
        } else {
            let mut json = Json::open(out, matches!(self.plan.form, Form::Object(_)));
            row.write(&mut json);
            json.close();
        }
    }

    fn tail(&self, out: &mut Vec<u8>) {
        let tail: &[u8] = match &self.plan.form {
            // The server ends only this one with a line feed.
            Form::Csv if self.plan.table == Table::Requests => b"\n",
            Form::Csv => b"",
            Form::Bare => b"]",
            Form::Object(_) if self.sent == 0 => b"]\n}",
            Form::Object(_) => b"\n  ]\n}",
        };
        out.extend_from_slice(tail);
    }

    fn takes_all(&self) -> bool {
        match self.plan.table {
            Table::Requests => self.plan.filter.takes_all(),
            Table::Anomalies => false,
            Table::Traces | Table::Security => true,
        }
    }

    fn takes(&self, index: u64) -> bool {
        match self.plan.table {
            Table::Requests => self.plan.filter.takes_all() || self.plan.filter.takes(&self.data.figures(index)),
            Table::Anomalies => {
                let (from_ms, to_ms) = self.plan.times_ms;
                (from_ms..=to_ms).contains(&self.data.anomaly(index).detected_at.div_euclid(1000))
            }
            Table::Traces | Table::Security => true,
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.gauge.dropped.store(true, Ordering::Release);
    }
}

/// The order in which the indexes of a range are visited; each exactly once.
#[derive(Debug)]
enum Walk {
    /// Block by block of rows on one instant, each block turned by the nonce.
    Blocks { rest: Range<u64>, block: Range<u64>, at: u64, oldest_first: bool, nonce: u64 },
    /// `start + (factor * step + shift) % length`, with a factor that has no divisor in common with the length.
    Shuffled { start: u64, length: u64, factor: u64, shift: u64, step: u64 },
}

impl Walk {
    fn new(order: Order, range: &Range<u64>, nonce: u64) -> Walk {
        let length = range.end - range.start;
        if order == Order::Unsorted && length > 0 {
            let mut factor = nonce % length + length / 3 + 1;
            while divisor(factor, length) != 1 {
                factor += 1;
            }
            return Walk::Shuffled { start: range.start, length, factor, shift: nonce % length, step: 0 };
        }
        Walk::Blocks { rest: range.clone(), block: 0..0, at: 0, oldest_first: order == Order::OldestFirst, nonce }
    }

    fn next(&mut self, data: &Data, table: Table) -> Option<u64> {
        match self {
            Walk::Blocks { rest, block, at, oldest_first, nonce } => {
                if *at == block.end - block.start {
                    // Anomalies are not in the order of time: each is a block of its own.
                    let instant = |index: u64| match table {
                        Table::Anomalies => -(index as i64),
                        _ => data.instant(table, index),
                    };
                    *block = take_block(rest, *oldest_first, instant)?;
                    *at = 0;
                }
                let length = block.end - block.start;
                let index = block.start + (*at + *nonce % length) % length;
                *at += 1;
                Some(index)
            }
            Walk::Shuffled { start, length, factor, shift, step } => {
                if *step == *length {
                    return None;
                }
                let place = u128::from(*factor) * u128::from(*step) + u128::from(*shift);
                *step += 1;
                // The remainder is below `length`, which is a u64.
                Some(*start + (place % u128::from(*length)) as u64)
            }
        }
    }
}

/// Takes the rows on one instant off one end of the range.
fn take_block(rest: &mut Range<u64>, from_end: bool, instant: impl Fn(u64) -> i64) -> Option<Range<u64>> {
    if rest.is_empty() {
        return None;
    }
    if from_end {
        let at = instant(rest.end - 1);
        // Nearly every block is one row: look at the neighbour before searching.
        let single = rest.end - rest.start == 1 || instant(rest.end - 2) != at;
        let start = if single { rest.end - 1 } else { first(rest.clone(), |index| instant(index) <= at) };
        let block = start..rest.end;
        rest.end = start;
        return Some(block);
    }
    let at = instant(rest.start);
    let single = rest.end - rest.start == 1 || instant(rest.start + 1) != at;
    let end = if single { rest.start + 1 } else { first(rest.clone(), |index| instant(index) < at) };
    let block = rest.start..end;
    rest.start = end;
    Some(block)
}

fn divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { divisor(right, left % right) }
}

fn columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Requests => rows::REQUEST_COLUMNS,
        Table::Traces => rows::TRACE_COLUMNS,
        Table::Anomalies => rows::ANOMALY_COLUMNS,
        Table::Security => rows::SECURITY_COLUMNS,
    }
}
