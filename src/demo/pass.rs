//! A yield that hyper cannot skip.
//!
//! Rows are made on the threads that also carry the sockets, perhaps the client's too, so a body lets them go between
//! two chunks. `yield_now` alone would not do: hyper asks a body that is not ready once more within the same turn, and
//! that second time it is ready. A task of its own would not do either: tokio runs it before it looks at the sockets.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::task::AtomicWaker;

/// Waits until the runtime has looked at its sockets.
pub(super) async fn pass() {
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    // Tokio wakes who yields after it has looked at the sockets; here that is the signal.
    if pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker)).is_ready() {
        return;
    }
    poll_fn(|context| {
        signal.task.register(context.waker());
        if signal.woken.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Remembers that it was woken and wakes the task that waits.
#[derive(Default)]
struct Signal {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Signal {
    fn wake(self: Arc<Signal>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}
