//! Tells the ledger of a scan how the scan ended: whatever the way of paging, this is the outermost stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::record_batch::RecordBatch;
use futures::{Stream, StreamExt, stream};

use crate::error::{Kind, Result};
use crate::model::scan::Batches;
use crate::model::statement::{End, Ledger};

/// The batches of a scan, its end told to the ledger: complete at the end of the stream, failed at an error, stopped if
/// it is dropped before, or cancelled. Nothing comes after an error, and whatever calls are under way then end with it.
pub(super) fn watched(batches: Batches, ledger: Arc<Ledger>) -> Batches {
    Watched { batches, ledger, failed: false }.boxed()
}

struct Watched {
    batches: Batches,
    ledger: Arc<Ledger>,
    failed: bool,
}

impl Stream for Watched {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.batches.poll_next_unpin(context);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.batches = stream::empty().boxed();
            self.failed = true;
        }
        match &polled {
            Poll::Ready(None) if self.failed => {}
            Poll::Ready(None) => self.ledger.end(End::Complete),
            // Whether a cancelled statement asks once more before it drops the stream is chance.
            Poll::Ready(Some(Err(error))) if error.kind == Kind::QueryCanceled => self.ledger.end(End::Stopped),
            Poll::Ready(Some(Err(error))) => self.ledger.end(End::Failed(error.message.clone())),
            _ => {}
        }
        polled
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.ledger.end(End::Stopped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::model::statement::Statement;
    use crate::model::table::TABLE;
    use datafusion::arrow::datatypes::Schema;

    fn batch() -> Result<RecordBatch> {
        Ok(RecordBatch::new_empty(Arc::new(Schema::empty())))
    }

    /// How a scan stands after so many polls, and once its stream is dropped.
    async fn ends(items: Vec<Result<RecordBatch>>, polls: usize) -> (End, End) {
        let ledger = Statement::new("alice", None, 1).open("a", &TABLE);
        let mut batches = watched(stream::iter(items).boxed(), Arc::clone(&ledger));
        for _ in 0..polls {
            let _ = batches.next().await;
        }
        let before = ledger.ended();
        drop(batches);
        (before, ledger.ended())
    }

    #[tokio::test]
    async fn a_scan_ends_as_its_stream_does() {
        assert_eq!(ends(vec![batch()], 0).await, (End::Open, End::Stopped));
        assert_eq!(ends(vec![batch()], 1).await, (End::Open, End::Stopped));
        assert_eq!(ends(vec![batch()], 2).await, (End::Complete, End::Complete));
        let failed = End::Failed("upstream failed".to_owned());
        let fault = || Err(Error::new(Kind::UpstreamFault, "upstream failed"));
        for polls in [2, 3, 4] {
            assert_eq!(ends(vec![batch(), fault(), batch()], polls).await, (failed.clone(), failed.clone()));
        }
        assert_eq!(ends(vec![Err(Error::canceled())], 1).await, (End::Stopped, End::Stopped));
    }

    #[tokio::test]
    async fn what_was_cut_or_lacks_a_part_is_never_complete() {
        for how in [End::Truncated, End::Partial("one failed".to_owned())] {
            let ledger = Statement::new("alice", None, 1).open("a", &TABLE);
            ledger.end(how.clone());
            let mut batches = watched(stream::iter([batch()]).boxed(), Arc::clone(&ledger));
            while batches.next().await.is_some() {}
            drop(batches);
            assert_eq!(ledger.ended(), how);
        }
    }
}
