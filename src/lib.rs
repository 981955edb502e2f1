//! Spanwire.
pub mod error;
pub mod model;
pub mod table;
pub mod upstream;
