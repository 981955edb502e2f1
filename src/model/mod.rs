//! The vocabulary that the layers share: what a table is, what is asked of it, what comes back. Plain data and three
//! small traits; knows nothing above it.

pub mod canonical;
pub mod connector;
pub mod filter;
pub mod journal;
pub mod push;
pub mod scan;
pub mod statement;
pub mod table;
