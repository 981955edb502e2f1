//! Virtual tables as the engine sees them: what of a query goes upstream, and what is checked here.

pub mod branch;
pub mod canonical;
pub mod exec;
pub mod keyed;
pub mod ordered;
mod place;
pub mod predicate;
pub mod provider;
pub mod sampled;
pub mod shortcut;
pub mod system;
pub mod translate;

#[cfg(test)]
mod clauses;
#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod planned;
#[cfg(test)]
mod predicate_tests;
#[cfg(test)]
mod translate_tests;
