//! Rows by key on disk. They are few for each key and the keys are many, so they stand in the database itself: the rows of
//! a key as one Parquet file in a value, and what is to be known of all keys at the start apart from them.

use bytes::Bytes;
use datafusion::arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

use super::{Disk, batches, properties, unusable};
use crate::error::{Error, Kind, Result};

/// Tables by their number.
const TABLES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("keyed_tables");
/// By the table's number and the key.
const KEYS: TableDefinition<'_, (u64, &str), Known> = TableDefinition::new("keys");
const ROWS: TableDefinition<'_, (u64, &str), &[u8]> = TableDefinition::new("key_rows");

/// A [`KeyRecord`]: its fields in their order.
type Known = (i64, bool, u64, u64, i64, i64);

/// A table whose rows are held by key, under one credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedTable {
    /// Name of the source.
    pub source: String,
    /// The source's vendor, address and settings.
    pub place: String,
    /// Fingerprint of the credential.
    pub scope: String,
    /// Name of the table.
    pub table: String,
    /// Switches and what else every request says.
    pub form: String,
    /// Names and types of the columns, in the order of the rows.
    pub columns: Vec<(String, String)>,
}

/// What is known of a key besides its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// When the reading began, in microseconds since 1970-01-01 UTC.
    pub read_at: i64,
    /// No more rows can come.
    pub settled: bool,
    /// Rows.
    pub rows: u64,
    /// Bytes that they take where they are held.
    pub bytes: u64,
    /// Time of the first of the rows, by their time.
    pub first: i64,
    /// Time of the last.
    pub last: i64,
}

/// A table with its keys.
#[derive(Clone, Debug)]
pub struct KeyedShelf {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub table: KeyedTable,
    /// Its keys, ascending.
    pub keys: Vec<(String, KeyRecord)>,
}

impl Disk {
    /// The tables whose rows are held by key.
    ///
    /// # Errors
    /// 58030 when the directory cannot be read.
    pub fn shelves(&self) -> Result<Vec<KeyedShelf>> {
        let fault = |error: &dyn std::fmt::Display| unusable(&self.dir, error);
        let transaction = self.manifest.begin_write().map_err(|error| fault(&error))?;
        transaction.open_table(TABLES).map_err(|error| fault(&error))?;
        transaction.open_table(KEYS).map_err(|error| fault(&error))?;
        transaction.open_table(ROWS).map_err(|error| fault(&error))?;
        transaction.commit().map_err(|error| fault(&error))?;
        let transaction = self.manifest.begin_read().map_err(|error| fault(&error))?;
        let tables = transaction.open_table(TABLES).map_err(|error| fault(&error))?;
        let keys = transaction.open_table(KEYS).map_err(|error| fault(&error))?;
        let mut shelves = Vec::new();
        for entry in tables.iter().map_err(|error| fault(&error))? {
            let (id, text) = entry.map_err(|error| fault(&error))?;
            let (id, table) = (id.value(), serde_json::from_slice(text.value()).map_err(|error| fault(&error))?);
            let mut shelf = KeyedShelf { id, table, keys: Vec::new() };
            for entry in keys.range((id, "")..(id + 1, "")).map_err(|error| fault(&error))? {
                let (key, known) = entry.map_err(|error| fault(&error))?;
                shelf.keys.push((key.value().1.to_owned(), record(known.value())));
            }
            shelves.push(shelf);
        }
        Ok(shelves)
    }

    /// Writes the rows of a key, if it has any, in place of those that were there, durably, and tells the bytes that they
    /// take. `table` is given for one that is not there yet.
    ///
    /// # Errors
    /// 58030 when the disk is full or broken.
    pub(in crate::fetch::cache) fn put_key(
        &self,
        id: u64,
        table: Option<&KeyedTable>,
        key: &str,
        mut known: KeyRecord,
        rows: Option<&RecordBatch>,
    ) -> Result<KeyRecord> {
        let fault = |error: &dyn std::fmt::Display| unusable(&self.dir, error);
        let file = rows.map(|rows| packed(rows).map_err(|error| fault(&error))).transpose()?;
        known.bytes = file.as_ref().map_or(0, |file| file.len() as u64);
        let transaction = self.manifest.begin_write().map_err(|error| fault(&error))?;
        {
            if let Some(table) = table {
                let mut tables = transaction.open_table(TABLES).map_err(|error| fault(&error))?;
                let text = serde_json::to_vec(table).map_err(|error| fault(&error))?;
                tables.insert(id, text.as_slice()).map_err(|error| fault(&error))?;
            }
            let KeyRecord { read_at, settled, rows, bytes, first, last } = known;
            let mut keys = transaction.open_table(KEYS).map_err(|error| fault(&error))?;
            keys.insert((id, key), (read_at, settled, rows, bytes, first, last)).map_err(|error| fault(&error))?;
            let mut rows = transaction.open_table(ROWS).map_err(|error| fault(&error))?;
            match &file {
                Some(file) => rows.insert((id, key), file.as_slice()).map_err(|error| fault(&error))?,
                None => rows.remove((id, key)).map_err(|error| fault(&error))?,
            };
        }
        transaction.commit().map_err(|error| fault(&error))?;
        Ok(known)
    }

    /// Columns of the rows of a key, by their position, as one batch.
    ///
    /// # Errors
    /// 58030 when they are gone or damaged.
    pub(in crate::fetch::cache) fn key_rows(&self, id: u64, key: &str, columns: &[usize]) -> Result<Vec<RecordBatch>> {
        let fault = |error: &dyn std::fmt::Display| damaged(key, error);
        let transaction = self.manifest.begin_read().map_err(|error| fault(&error))?;
        let rows = transaction.open_table(ROWS).map_err(|error| fault(&error))?;
        let file = rows.get((id, key)).map_err(|error| fault(&error))?.ok_or_else(|| fault(&"they are gone"))?;
        let file = Bytes::copy_from_slice(file.value());
        batches(file, columns).map_err(|error| fault(&error))
    }

    /// Drops keys, by the numbers of their tables; and tables, all their keys with them.
    ///
    /// # Errors
    /// 58030 when the directory cannot be written; then nothing is dropped.
    pub fn drop_keys(&self, dropped: &[(u64, String)], tables_dropped: &[u64]) -> Result<()> {
        let fault = |error: &dyn std::fmt::Display| unusable(&self.dir, error);
        let transaction = self.manifest.begin_write().map_err(|error| fault(&error))?;
        {
            let mut tables = transaction.open_table(TABLES).map_err(|error| fault(&error))?;
            let mut keys = transaction.open_table(KEYS).map_err(|error| fault(&error))?;
            let mut rows = transaction.open_table(ROWS).map_err(|error| fault(&error))?;
            for (id, key) in dropped {
                keys.remove((*id, key.as_str())).map_err(|error| fault(&error))?;
                rows.remove((*id, key.as_str())).map_err(|error| fault(&error))?;
            }
            for id in tables_dropped {
                let all = (*id, "")..(*id + 1, "");
                tables.remove(id).map_err(|error| fault(&error))?;
                keys.retain_in(all.clone(), |_, _| false).map_err(|error| fault(&error))?;
                rows.retain_in(all, |_, _| false).map_err(|error| fault(&error))?;
            }
        }
        transaction.commit().map_err(|error| fault(&error))
    }

    /// Reads the rows of all keys of a table, and tells which keys' are not what is known of them.
    pub fn verify_keys<'a>(&self, shelf: &'a KeyedShelf) -> Vec<(&'a str, String)> {
        let all: Vec<usize> = (0..shelf.table.columns.len()).collect();
        let with_rows = shelf.keys.iter().filter(|(_, known)| known.rows > 0);
        let fault = |(key, known): &'a (String, KeyRecord)| match self.key_rows(shelf.id, key, &all) {
            Err(error) => Some((key.as_str(), error.message)),
            Ok(rows) => {
                let rows: usize = rows.iter().map(RecordBatch::num_rows).sum();
                (rows as u64 != known.rows).then(|| (key.as_str(), format!("it has {rows} rows, not {}", known.rows)))
            }
        };
        with_rows.filter_map(fault).collect()
    }
}

fn packed(rows: &RecordBatch) -> Result<Vec<u8>, ParquetError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties(None)))?;
    writer.write(rows)?;
    writer.into_inner()
}

fn record((read_at, settled, rows, bytes, first, last): Known) -> KeyRecord {
    KeyRecord { read_at, settled, rows, bytes, first, last }
}

fn damaged(key: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("held rows of key '{key}' cannot be read: {error}"))
        .hint("`spanwire cache verify --repair` drops what cannot be read.")
}
