//! Spanwire.
pub mod error;
