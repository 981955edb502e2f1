//! Spanwire.
pub mod demo;
pub mod error;
pub mod model;
pub mod upstream;
