//! # Spanwire: SQL over the export APIs of LLM observability vendors
//!
//! A server that speaks the PostgreSQL protocol, shows exports as tables, turns WHERE, ORDER BY and LIMIT into the fewest
//! upstream calls, streams the rows back, and computes everything else itself. To its users it is a read-only PostgreSQL
//! that happens to be filled by HTTP.
//!
//! ## One query, top to bottom
//! ```text
//! client bytes
//!  → wire      messages: startup, SCRAM, TLS, simple and extended queries, portals, cancel
//!  → session   one user: settings, transaction state, utility statements; which statements are queries
//!  → sql       the syntax tree → parse analysis with PostgreSQL's rules → DataFusion plan → its run on a runtime of its
//!              own; EXPLAIN
//!    function  … PostgreSQL's functions, operators, casts and aggregates, as plain functions of values
//!    catalog   … or, if every relation is one of PostgreSQL's catalogs, a small evaluator over these
//!  → table     filters → conditions → what upstream can do, and what is checked again here
//!  → fetch     pages, quota, retries: from a Scan to batches
//!  → upstream  one request; the body decoded to Arrow as it comes
//!  → back up: batches → residual filter, join, aggregate → wire::encode: RecordBatch → DataRow
//! ```
//! Each arrow is one call with one plain struct: `Parsed → Plan → Scan → Page → Request → RecordBatch → DataRow`.
//!
//! ## Where things are
//! The `mod` lines below stand in reading order, outermost first. `model` is the vocabulary and knows nothing above it;
//! `pgtype` holds PostgreSQL's types and their text and bytes, below both wire and SQL; `server` puts the parts together
//! and, with `cli`, is the only one that sees all of them; `demo` knows nobody: it is written from the vendors' documents,
//! so that a mistake made in a connector cannot hide itself. pgwire is named in `wire` only, reqwest in `upstream::http`
//! only. A test reads the `use` lines and keeps these rules.
//!
//! ## Invariants
//! * *A result is PostgreSQL's over the true rows.* Every filter that reaches a scan is checked again on the rows, also
//!   those that upstream serves exactly (not those over columns that upstream does not return, and not those that were sent
//!   where a session has switched on rows which they do not describe); so LIMIT and ORDER BY always reach the scan, and it alone decides what of them
//!   upstream may be told. A page size is only ever a hint: the scan goes on until enough rows have passed.
//! * *Nothing is cut silently.* A full page is never taken for the end; what cannot be read past is an error; a lookback
//!   that applies is told in a NOTICE.
//! * *Held rows are never older than the session allows,* are found only under the credential that read them, and what broke
//!   off or was cut is not held as whole.
//! * *One quota, never exceeded.* Every HTTP attempt takes a permit. The limiter looks at any window of the vendor's
//!   length, and a call holds its slot from before it is sent until that long after its headers came.
//! * *No secret leaves.* A credential is a sensitive header of requests to its own host; it stands in no URL, log or error.
//! * *Only reading,* but for temporary tables of the session. Statements are classified before planning; the plan is looked
//!   at once more before it runs.
//! * *Cancel, timeout and a client that left* drop the stream, which drops the HTTP call and gives the permit back.
//!   Operators that compute without pause look at the statement's token ([`sql::cancel`]).
//!
//! ## Where this differs from the first design
//! * The engine plans no SQL. Statements are parsed by a grammar of ours into sqlparser's tree ([`sql::parse`]) and analyzed
//!   here ([`sql::analyze`]): names, types, overloads, casts, subqueries and windows are PostgreSQL's before the engine sees
//!   a plan, so there are no rewrites of what it makes of a statement. What its operators would compute otherwise than
//!   PostgreSQL is computed by functions of ours; its comparisons stay, because scans can tell upstream of them.
//! * Where its optimizer takes for granted what does not hold, something is put in its way, each case in one marked place:
//!   [`sql::barrier`] (keys, constants, filters with projections), [`sql::inferred`] (conditions that may fail on rows
//!   which they were not written for), [`sql::whole`] (aggregates without parts), [`sql::scalar`] (values that it shall
//!   not look into). AND and OR compute their right side only for the rows that need it ([`sql::lazy`]).
//! * `numeric` is held as bytes that sort like the number and carry its scale, not as a decimal of one scale a column.
//! * pgwire's handlers and socket loop are not used, only its codecs, TLS negotiation and SCRAM: one task per connection
//!   owns both directions, so a client that leaves is seen while its query waits ([`wire`]).
//! * Filters are all `Exact` towards the engine and checked in the scan, instead of `Inexact` ones checked above it: the
//!   limit and the order then reach the scan whatever the filters are.
//! * A dependent join is no join of ours: a rule puts the side that gives the keys first, and hands them to the scan on the
//!   other side through a slot; the engine's own join does the rest, so all kinds of joins stay what they are ([`table::keyed`]).
//! * The tables of `public` are views, UNION ALL over one projection a source; filters, orders and limits go through them by
//!   the engine's rules and one of ours ([`table::canonical`], [`table::ordered`]).
//! * Rows of TruLayer's spans without a trace named are those of the traces that started in the time range or an hour before.
//! * Segments are sorted by their time and never overlap under the same filters, so a part of one is a slice, and what is
//!   read anew takes the place of what it overlaps ([`fetch`]). Which files count is said by a small transactional database
//!   (redb) instead of a manifest of our own: it survives kill -9 and locks the directory. What memory holds of files is
//!   single columns, because statements want few of many.
//! * Rows that come only by key are held by key, not by time: small and many, they stand in that database itself
//!   ([`fetch`]).
//! * Statements that want what another one is reading wait for it as long as that one moves, and go on as soon as what they
//!   want is held.
//! * The limiter is a log of slots and not a token bucket, nor a crate with one: the vendors count windows. Work in the
//!   background leaves a fifth of the slots to who looks at a screen ([`fetch::limiter`]).
//! * EXPLAIN's cost is the least number of upstream calls ([`sql::estimate`]).
//! * Every message is a transaction: what a text of statements has made is taken back if one of them fails ([`session`]).
//! * A cursor starts its query at the first FETCH, and WITH HOLD does not fill it at COMMIT: nothing that it reads is of a
//!   transaction ([`session`]). Temporary tables are the one thing that a session writes; they are in memory, and in a
//!   schema of their own before all others.
//! * Lists are unrolled by an operator of ours, whose batches are bounded by their bytes ([`sql::unnest`]).
//! * The default search path is `"$user", public` and then the sources: `requests` means the virtual table over all of
//!   them, and what only one vendor has is found without its schema.

pub mod cli;
pub mod server;

pub mod wire;

pub mod session;

pub mod sql;

pub mod catalog;

pub mod table;

pub mod fetch;

pub mod upstream;

pub mod function;

pub mod pgtype;

pub mod model;

pub mod config;

pub mod demo;

pub mod error;
pub mod scram;
pub mod secret;
