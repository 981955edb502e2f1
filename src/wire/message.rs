//! Errors, notices and row descriptions as messages.

use datafusion::arrow::datatypes::Schema;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::{FieldDescription, RowDescription};
use pgwire::messages::response::{CommandComplete, ErrorResponse, NoticeResponse};

use crate::error::{Error, Result};
use crate::model::statement::{Notice, Severity};
use crate::model::table::{PG_ORIGIN, PG_TYPMOD};
use crate::pgtype::style::Format;
use crate::pgtype::types::PgType;

/// An error that ends the statement.
pub(super) fn error(error: &Error) -> PgWireBackendMessage {
    PgWireBackendMessage::ErrorResponse(ErrorResponse::new(fields("ERROR", error)))
}

/// An error that ends the connection.
pub(super) fn fatal(error: &Error) -> PgWireBackendMessage {
    PgWireBackendMessage::ErrorResponse(ErrorResponse::new(fields("FATAL", error)))
}

fn fields(severity: &str, error: &Error) -> Vec<(u8, String)> {
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', error.sqlstate().to_owned()),
        (b'M', error.message.clone()),
    ];
    fields.extend(error.detail.clone().map(|detail| (b'D', detail)));
    fields.extend(error.hint.clone().map(|hint| (b'H', hint)));
    fields.extend(error.position.map(|position| (b'P', position.to_string())));
    fields
}

/// Something beside the rows.
pub(super) fn notice(notice: &Notice) -> PgWireBackendMessage {
    let (severity, code) = match notice.severity {
        Severity::Notice => ("NOTICE", "00000"),
        Severity::Warning => ("WARNING", "01000"),
    };
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', code.to_owned()),
        (b'M', notice.message.clone()),
    ];
    fields.extend(notice.detail.clone().map(|detail| (b'D', detail)));
    fields.extend(notice.hint.clone().map(|hint| (b'H', hint)));
    PgWireBackendMessage::NoticeResponse(NoticeResponse::new(fields))
}

/// The end of a statement.
pub(super) fn complete(tag: &str) -> PgWireBackendMessage {
    PgWireBackendMessage::CommandComplete(CommandComplete::new(tag.to_owned()))
}

/// The columns of a result. `formats` is one per column.
pub(super) fn row_description(schema: &Schema, formats: &[Format]) -> Result<PgWireBackendMessage> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (field, format) in schema.fields().iter().zip(formats) {
        let pg_type = PgType::of(field)?;
        let code = match format {
            Format::Text => 0,
            Format::Binary => 1,
        };
        let typmod = field.metadata().get(PG_TYPMOD).and_then(|typmod| typmod.parse().ok()).unwrap_or(-1);
        let origin = field.metadata().get(PG_ORIGIN).and_then(|origin| origin.split_once(' '));
        let origin = origin.and_then(|(table, column)| Some((table.parse::<u32>().ok()?, column.parse().ok()?)));
        // OIDs are unsigned; the message has 32 bits for one.
        let (table, column) = origin.map_or((0, 0), |(table, column): (u32, i16)| (table.cast_signed(), column));
        columns.push(FieldDescription::new(
            field.name().clone(),
            table,
            column,
            pg_type.oid(),
            pg_type.typlen(),
            typmod,
            code,
        ));
    }
    Ok(PgWireBackendMessage::RowDescription(RowDescription::new(columns)))
}
