//! Which joins drive a scan, with which keys, and that the rows stay the same.

mod ends;
mod fake;
mod shapes;

use std::sync::Arc;

use self::fake::{Upstream, bench, plain};

/// Runs a statement over tables whose rows come by key and over the same tables without: the rows must be the same.
/// Gives the upstream of the first, or what is wrong.
async fn same_rows(sql: &str) -> Result<Arc<Upstream>, String> {
    let (keyed, truth) = (bench(Upstream::default()), plain());
    let expected = truth.rows(sql).await.map_err(|error| format!("{sql}: {error:?}"))?;
    let got = keyed.rows(sql).await.map_err(|error| format!("{sql}: {error:?}"))?;
    match expected {
        _ if expected.is_empty() => Err(format!("{sql}: proves nothing")),
        _ if got != expected => Err(format!("{sql}: {got:?} instead of {expected:?}")),
        _ => Ok(keyed.upstream),
    }
}

/// The rows of each statement must be the same, and its spans be asked for once for each of these keys; all of them
/// without a list.
async fn spans_asked(expected: Option<&[String]>, statements: &[&str]) {
    let mut faults = Vec::new();
    for sql in statements {
        match same_rows(sql).await {
            Ok(upstream) if upstream.keys("spans").as_deref() == expected => {}
            Ok(upstream) => faults.push(format!("{sql}: asked for {:?}", upstream.keys("spans"))),
            Err(fault) => faults.push(fault),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The spans must be asked for once for each key that `keys` gives.
async fn driven_by(keys: &str, statements: &[&str]) {
    let keys = plain().rows(keys).await.unwrap();
    assert!(!keys.is_empty(), "no keys prove nothing");
    spans_asked(Some(&keys), statements).await;
}
