//! Tests over the wire: the demo's upstreams, a gateway before them, and clients. Hermetic: loopback only, port 0.

mod across;
mod cli;
mod contract;
mod coverage;
mod engine;
mod five;
mod held;
mod law;
mod laws;
mod public;
mod readme;
mod refusals;
mod sixth;
mod stream;
mod support;
mod sync;
mod system;
mod tidy;
mod vendors;
mod wire;
