//! The session's time zone in the two forms that the engine wants: a name in Arrow types, and a zone to compute with.

use std::sync::Arc;

use datafusion::arrow::array::timezone::Tz;

use crate::error::{Error, Kind, Result};

/// A time zone: an IANA name, or a fixed offset as `+hh:mm`.
#[derive(Clone, Debug)]
pub struct Zone {
    name: Arc<str>,
    tz: Tz,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Zone::parse("UTC").expect("UTC is a zone of every time zone database")
    }

    /// Reads a canonical name, as the setting TimeZone holds it.
    ///
    /// # Errors
    /// 22023 when there is no such zone.
    pub fn parse(name: &str) -> Result<Self> {
        let tz = name.parse().map_err(|_| {
            Error::new(Kind::InvalidParameterValue, format!("invalid value for parameter \"TimeZone\": \"{name}\""))
        })?;
        Ok(Zone { name: name.into(), tz })
    }

    /// The name that stands in Arrow types.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// The zone to compute with.
    pub fn tz(&self) -> Tz {
        self.tz
    }
}
