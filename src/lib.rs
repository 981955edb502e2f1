//! Spanwire.
pub mod config;
pub mod error;
pub mod scram;
pub mod secret;
