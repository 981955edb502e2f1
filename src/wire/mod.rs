//! The PostgreSQL protocol: bytes in, bytes out. The only place that names pgwire.

mod connection;
pub mod copy;
pub mod encode;
#[cfg(test)]
mod golden_tests;
mod io;
mod message;
mod portal;
mod record;
mod startup;

pub use self::connection::serve;
pub use self::startup::Tls;
