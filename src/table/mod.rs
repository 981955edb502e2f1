//! Virtual tables as the engine sees them: what of a query goes upstream, and what is checked here.

pub mod exec;
pub mod predicate;
pub mod provider;
pub mod translate;
