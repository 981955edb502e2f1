//! The two byte buffers of a connection. Messages are read and written by pgwire's codecs; rows are written straight into
//! the buffer by [`crate::wire::encode`], so that nothing is copied per row.

use std::io;

use bytes::{Buf, BytesMut};
use pgwire::error::PgWireError;
use pgwire::messages::{DecodeContext, PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::MaybeTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::error::{Error, Kind, Result};
use crate::model::statement::Statement;

/// Bytes that are gathered before a write.
const BOUNDARY: usize = 64 * 1024;
/// Bytes that are read ahead while a statement runs. More than this waits in the kernel.
const READ_AHEAD: usize = 1 << 20;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum Gone {
    /// The socket broke, or the client closed it.
    Socket,
    /// The session was told why; nothing more is to say.
    Told,
}

/// One client's socket with its buffers.
pub(super) struct Io {
    reader: ReadHalf<MaybeTls>,
    writer: WriteHalf<MaybeTls>,
    input: BytesMut,
    /// What is not written yet. Always ends at the end of a message.
    pub(super) output: BytesMut,
    pub(super) context: DecodeContext,
}

impl Io {
    pub(super) fn new(socket: MaybeTls, input: BytesMut) -> Self {
        let (reader, writer) = tokio::io::split(socket);
        let context = DecodeContext::default();
        Io { reader, writer, input, output: BytesMut::with_capacity(2 * BOUNDARY), context }
    }

    /// Reads the next message. `None` when the client closed the socket.
    pub(super) async fn read(&mut self) -> Result<Option<PgWireFrontendMessage>> {
        loop {
            let decoded = PgWireFrontendMessage::decode(&mut self.input, &self.context);
            match decoded {
                Ok(Some(message)) => return Ok(Some(message)),
                Ok(None) => {}
                Err(PgWireError::IoError(_)) => return Ok(None),
                Err(error) => return Err(Error::new(Kind::Protocol, format!("invalid message: {error}"))),
            }
            match self.reader.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => {}
            }
        }
    }

    /// Reads ahead while a statement runs; returns only when the client has left. Cancel safe.
    pub(super) async fn watch(&mut self) -> Gone {
        while self.input.len() < READ_AHEAD {
            match self.reader.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return Gone::Socket,
                Ok(_) => {}
            }
        }
        std::future::pending().await
    }

    /// Queues a message.
    pub(super) fn put(&mut self, message: &PgWireBackendMessage) -> Result<()> {
        message.encode(&mut self.output).map_err(|error| Error::internal(format!("message not sent: {error}")))
    }

    /// Whether enough is queued to be worth a write.
    pub(super) fn is_full(&self) -> bool {
        self.output.len() >= BOUNDARY
    }

    /// Writes what is queued.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        let written: io::Result<()> = async {
            while self.output.has_remaining() {
                self.writer.write_buf(&mut self.output).await?;
            }
            self.writer.flush().await
        }
        .await;
        // A single huge row must not keep its memory for the rest of the session.
        if self.output.capacity() > 16 * BOUNDARY {
            self.output = BytesMut::with_capacity(2 * BOUNDARY);
        }
        written.map_err(|_| Gone::Socket)
    }

    /// Writes what is queued, unless the statement is stopped meanwhile: a client that does not read must not keep the
    /// upstream call alive. What is left stays queued.
    pub(super) async fn flush_for(&mut self, statement: &Statement) -> Result<Result<()>, Gone> {
        tokio::select! {
            biased;
            flushed = self.flush() => flushed.map(Ok),
            () = statement.cancel.cancelled() => Ok(Err(statement.stopped())),
        }
    }

    /// Says goodbye.
    pub(super) async fn close(&mut self) {
        let _ = self.flush().await;
        let _ = self.writer.shutdown().await;
    }
}
