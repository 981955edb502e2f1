//! Virtual tables as the engine sees them: what of a query goes upstream, and what is checked here.

pub mod exec;
pub mod predicate;
pub mod provider;
pub mod translate;

#[cfg(test)]
mod clauses;
#[cfg(test)]
mod planned;
#[cfg(test)]
mod predicate_tests;
#[cfg(test)]
mod translate_tests;
