//! The connectors, one file each, and the sending of a single request.

use crate::model::connector::Connector;

pub mod decode;
pub mod http;
mod json;
pub mod jsonb;
pub mod refusal;
pub mod spanlens;

/// All vendors that the gateway can speak to. A new one is a file beside these and a word in this list.
pub const CONNECTORS: &[&Connector] = &[&spanlens::CONNECTOR];
