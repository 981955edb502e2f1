//! Spanwire.
pub mod cli;
pub mod server;
pub mod wire;
pub mod session;
pub mod sql;
pub mod table;
pub mod fetch;
pub mod upstream;
pub mod pgtype;
pub mod model;
pub mod config;
pub mod demo;
pub mod error;
pub mod scram;
pub mod secret;
