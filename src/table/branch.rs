//! A scan as one branch of a virtual table over all sources: how many of them read at once, and what becomes of the
//! others' rows when one upstream fails.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::sync::Semaphore;

use crate::error::{Error, Kind};
use crate::model::scan::Batches;
use crate::model::statement::{End, Notice, Severity, Statement};

/// Branches of one session that wait for upstream at once. What each of them holds meanwhile is a page.
const MOST_AT_ONCE: usize = 16;

/// What the branches of a session share.
#[derive(Clone, Debug)]
pub struct Branches {
    /// None where there are so few branches that they cannot be too many.
    permits: Option<Arc<Semaphore>>,
}

impl Branches {
    /// For virtual tables of at most so many branches.
    pub fn new(most: usize) -> Self {
        Branches { permits: (most > MOST_AT_ONCE).then(|| Arc::new(Semaphore::new(MOST_AT_ONCE))) }
    }

    /// The batches of one branch. If the session wants a warning where an upstream fails, they end early instead of
    /// failing. `waits_for_keys` is of a scan that another part of the statement must feed.
    pub(super) fn follow(&self, batches: Batches, of: Of, waits_for_keys: bool) -> Batches {
        // A permit that is held while another branch must come first could be the one that this one lacks.
        let permits = self.permits.clone().filter(|_| !waits_for_keys);
        let next = |(mut batches, permits, of): (Batches, Option<Arc<Semaphore>>, Of)| async move {
            let permit = match &permits {
                Some(permits) => permits.acquire().await.ok(),
                None => None,
            };
            let next = batches.next().await;
            drop(permit);
            match next? {
                Err(error) if of.may_lack_rows(error.kind) => {
                    // First the call ends and writes its ledger, then the ledger is set right.
                    drop(batches);
                    of.tell(&error);
                    None
                }
                item => Some((item, (batches, permits, of))),
            }
        };
        stream::unfold((batches, permits, of), next).boxed()
    }
}

/// Whose rows a branch reads, and for whom.
#[derive(Debug)]
pub(super) struct Of {
    pub(super) statement: Arc<Statement>,
    pub(super) source: String,
    pub(super) table: &'static str,
}

impl Of {
    fn may_lack_rows(&self, kind: Kind) -> bool {
        self.statement.policy.warn_on_upstream_error && is_upstreams(kind)
    }

    fn tell(&self, error: &Error) {
        let own =
            |ledger: &&Arc<crate::model::statement::Ledger>| ledger.source == self.source && ledger.table == self.table;
        let ledgers = self.statement.scans();
        let failed = ledgers.iter().filter(own).rfind(|ledger| matches!(ledger.ended(), End::Failed(_)));
        let ledger = failed.or_else(|| ledgers.iter().filter(own).rfind(|ledger| ledger.ended() == End::Open));
        if let Some(ledger) = ledger {
            ledger.end(End::Partial(error.message.clone()));
        }
        self.statement.notice(Notice {
            severity: Severity::Warning,
            message: format!("rows of source \"{}\" are missing: {}", self.source, error.message),
            detail: error.detail.clone(),
            hint: error.hint.clone().or_else(|| {
                Some("SET spanwire.on_upstream_error = error makes the statement fail instead.".to_owned())
            }),
        });
    }
}

/// Whether it is an upstream that failed, and not the statement or the gateway.
fn is_upstreams(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::UpstreamConnection
            | Kind::UpstreamAuthorization
            | Kind::UpstreamRequest
            | Kind::UpstreamQuota
            | Kind::UpstreamFault
            | Kind::UpstreamTruncated
            | Kind::UpstreamData
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::statement::Policy;
    use crate::model::table::{TABLE, Table};

    const SPANS: Table = Table { name: "spans", ..TABLE };

    fn of(policy: Policy) -> Of {
        let mut statement = Statement::new("demo", None, 10);
        statement.policy = policy;
        Of { statement: Arc::new(statement), source: "one".to_owned(), table: "spans" }
    }

    async fn follow(of: Of, error: Error) -> Option<crate::error::Result<()>> {
        let failing = stream::once(std::future::ready(Err(error))).boxed();
        let mut batches = Branches::new(100).follow(failing, of, false);
        batches.next().await.map(|batch| batch.map(|_| ()))
    }

    #[tokio::test]
    async fn a_failing_upstream_ends_its_branch_with_a_warning_if_the_session_wants_one() {
        let of = of(Policy { warn_on_upstream_error: true, ..Policy::default() });
        let statement = Arc::clone(&of.statement);
        let ledger = statement.open("one", &SPANS);
        let other = statement.open("two", &SPANS);
        assert_eq!(follow(of, Error::new(Kind::UpstreamFault, "upstream failed (HTTP 500)")).await, None);
        let notices = statement.take_notices();
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].severity, Severity::Warning);
        assert_eq!(notices[0].message, "rows of source \"one\" are missing: upstream failed (HTTP 500)");
        assert_eq!(ledger.ended(), End::Partial("upstream failed (HTTP 500)".to_owned()));
        assert_eq!(other.ended(), End::Open);
        // What a call writes when it is dropped later does not hide it.
        ledger.end(End::Failed("dropped".to_owned()));
        assert_eq!(ledger.ended(), End::Partial("upstream failed (HTTP 500)".to_owned()));
    }

    #[tokio::test]
    async fn the_error_stays_one_by_default_and_if_it_is_not_upstreams() {
        let fault = Error::new(Kind::UpstreamFault, "upstream failed (HTTP 500)");
        assert_eq!(follow(of(Policy::default()), fault.clone()).await, Some(Err(fault)));
        for kind in [Kind::QueryCanceled, Kind::ConfigurationLimit, Kind::ProgramLimit, Kind::Internal] {
            let of = of(Policy { warn_on_upstream_error: true, ..Policy::default() });
            let error = Error::new(kind, "no");
            assert_eq!(follow(of, error.clone()).await, Some(Err(error)), "{kind:?}");
        }
    }
}
