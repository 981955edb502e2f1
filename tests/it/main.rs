//! Tests over the wire: the demo's upstreams, a gateway before them, and clients. Hermetic: loopback only, port 0.

mod cli;
mod engine;
mod law;
mod readme;
mod refusals;
mod stream;
mod support;
mod tidy;
mod wire;
