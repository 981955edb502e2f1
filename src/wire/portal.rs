//! A portal: a statement with its parameters, and the rows that it still has to send.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;

use crate::error::Result;
use crate::model::statement::{Severity, Statement};
use crate::pgtype::style::{Format, Style};
use crate::session::copy::CopyFormat;
use crate::session::prepared::Prepared;
use crate::sql::engine::Rows;
use crate::wire::copy::CopyEncoder;
use crate::wire::encode::RowEncoder;
use crate::wire::io::{Gone, Io};
use crate::wire::message;

/// Rows that are encoded between two looks at the size of the buffer.
const STRIDE: usize = 32;

/// A bound statement.
pub(super) struct Portal {
    pub(super) prepared: Arc<Prepared>,
    pub(super) parameters: Vec<ScalarValue>,
    pub(super) formats: Vec<Format>,
    pub(super) started: bool,
    pub(super) running: Option<Running>,
}

impl Portal {
    pub(super) fn new(prepared: Arc<Prepared>, parameters: Vec<ScalarValue>, formats: Vec<Format>) -> Self {
        Portal { prepared, parameters, formats, started: false, running: None }
    }

    /// What executing a portal answers that has no rows left.
    pub(super) fn finished_tag(&self) -> String {
        format!("{} 0", self.prepared.verb())
    }
}

/// How rows are written.
enum Encoder {
    Rows(RowEncoder),
    Copy(Box<CopyEncoder>),
}

/// Rows on their way to the client.
pub(super) struct Running {
    rows: Rows,
    encoder: Encoder,
    statement: Arc<Statement>,
    verb: &'static str,
    /// Notices below this are not for the client.
    least_notice: Option<Severity>,
    /// What is left of the batch that was begun.
    batch: Option<(RecordBatch, usize)>,
    n_sent_now: u64,
}

impl Running {
    pub(super) fn new(
        rows: Rows,
        verb: &'static str,
        formats: &[Format],
        style: &Style,
        statement: Arc<Statement>,
        least_notice: Option<Severity>,
    ) -> Result<Self> {
        let encoder = Encoder::Rows(RowEncoder::new(&rows.schema, formats, style)?);
        Ok(Running { rows, encoder, statement, verb, least_notice, batch: None, n_sent_now: 0 })
    }

    /// The rows of a COPY; `out` gets what comes before them.
    pub(super) fn copy(
        rows: Rows,
        format: &Arc<CopyFormat>,
        style: &Style,
        statement: Arc<Statement>,
        least_notice: Option<Severity>,
        out: &mut BytesMut,
    ) -> Result<Self> {
        let mut encoder = Box::new(CopyEncoder::new(&rows.schema, format, style)?);
        encoder.begin(out)?;
        let encoder = Encoder::Copy(encoder);
        Ok(Running { rows, encoder, statement, verb: "COPY", least_notice, batch: None, n_sent_now: 0 })
    }

    /// Whether these are the rows of a COPY, which have no description and know no limit.
    pub(super) fn is_copy(&self) -> bool {
        matches!(self.encoder, Encoder::Copy(_))
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.rows.schema
    }

    pub(super) fn statement(&self) -> &Arc<Statement> {
        &self.statement
    }

    /// The tag of CommandComplete. A resumed portal counts what this Execute sent, as PostgreSQL does.
    pub(super) fn tag(&self) -> String {
        match self.verb {
            "SHOW" | "EXPLAIN" => self.verb.to_owned(),
            verb => format!("{verb} {}", self.n_sent_now),
        }
    }

    /// Sends up to `most` rows. True when the limit was reached and there may be more.
    pub(super) async fn send(&mut self, io: &mut Io, statement: &Statement, most: usize) -> Result<Result<bool>, Gone> {
        self.n_sent_now = 0;
        let mut left = most;
        loop {
            if self.batch.is_none() && left > 0 {
                match self.next_batch(io, statement).await? {
                    Ok(true) => {}
                    Ok(false) => {
                        return Ok(match &mut self.encoder {
                            Encoder::Rows(_) => Ok(false),
                            Encoder::Copy(encoder) => encoder.finish(&mut io.output).map(|()| false),
                        });
                    }
                    Err(error) => return Ok(Err(error)),
                }
            }
            if left == 0 {
                return Ok(Ok(true));
            }
            let Some((batch, at)) = self.batch.take() else { continue };
            let end = at + STRIDE.min(left).min(batch.num_rows() - at);
            let encoded = match &mut self.encoder {
                Encoder::Rows(encoder) => encoder.encode(&batch, at..end, &mut io.output),
                Encoder::Copy(encoder) => encoder.encode(&batch, at..end, &mut io.output),
            };
            if let Err(error) = encoded {
                return Ok(Err(error));
            }
            left -= end - at;
            self.n_sent_now += (end - at) as u64;
            if end < batch.num_rows() {
                self.batch = Some((batch, end));
            }
            if io.is_full()
                && let Err(error) = io.flush_for(statement).await?
            {
                return Ok(Err(error));
            }
        }
    }

    /// Waits for the next batch; meanwhile sends notices and what is queued, and watches for the client to leave.
    async fn next_batch(&mut self, io: &mut Io, statement: &Statement) -> Result<Result<bool>, Gone> {
        // Rows that are there already should not wait for those that are not.
        let mut flushed = io.output.is_empty();
        loop {
            tokio::select! {
                biased;
                batch = self.rows.next() => {
                    return Ok(match batch {
                        Some(Ok(batch)) => {
                            if batch.num_rows() > 0 {
                                self.batch = Some((batch, 0));
                                Ok(true)
                            } else {
                                continue;
                            }
                        }
                        None => {
                            put_notices(io, statement, self.least_notice)?;
                            Ok(false)
                        }
                        Some(Err(error)) => Err(error),
                    });
                }
                () = statement.noticed() => {
                    put_notices(io, statement, self.least_notice)?;
                    flushed = false;
                }
                gone = io.watch() => return Err(gone),
                () = std::future::ready(()), if !flushed => {
                    io.flush().await?;
                    flushed = true;
                }
            }
        }
    }
}

/// Queues the notices that the client wants to hear of.
pub(super) fn put_notices(io: &mut Io, statement: &Statement, least: Option<Severity>) -> Result<(), Gone> {
    for notice in statement.take_notices() {
        if least.is_some_and(|least| notice.severity >= least) {
            io.put(&message::notice(&notice)).map_err(|_| Gone::Socket)?;
        }
    }
    Ok(())
}
