//! The connectors, one file each, and the sending of a single request.

use crate::model::connector::Connector;

pub mod adaline;
pub mod decode;
pub mod http;
mod json;
pub mod refusal;
pub mod respan;
pub mod scale;
pub mod spanlens;
pub mod trulayer;

/// All vendors that the gateway can speak to. A new one is a file beside these and a word in this list.
pub const CONNECTORS: &[&Connector] =
    &[&spanlens::CONNECTOR, &scale::CONNECTOR, &respan::CONNECTOR, &adaline::CONNECTOR, &trulayer::CONNECTOR];
