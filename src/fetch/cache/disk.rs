//! Segments on disk: one Parquet file for the rows of each, and a database that says which files count, for which rows.
//!
//! A file is written and synced before the transaction that names it, and removed after the one that drops it; files that
//! no record names are removed when the directory is opened. So whenever the process ends, what is found again is what the
//! last transaction said: no row twice, none halfway. The database locks its file: one process at a time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::ChunkReader;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

pub use keyed::KeyedShelf;
pub(in crate::fetch) use keyed::{KeyRecord, KeyedTable};

mod keyed;

/// Records by their number.
const SEGMENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("segments");
/// What the directory is, by a word.
const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
/// The form of records and files. One of another form is not read.
const FORM: &[u8] = b"1";
const MANIFEST: &str = "manifest.redb";
const FILES: &str = "segments";
/// Memory that the database may take for its pages.
const MANIFEST_MEMORY: usize = 4 << 20;
/// Rows of a file that are unpacked at once.
const BATCH_ROWS: usize = 1 << 16;

/// A directory of segments, locked for this process.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    manifest: Database,
    next: AtomicU64,
    /// Bytes that files may take.
    pub(super) max_bytes: u64,
}

/// What is written of a segment besides its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number.
    pub id: u64,
    /// Number of its file; none if it has no rows.
    pub file: Option<u64>,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Rows of the file.
    pub file_rows: usize,
    /// The first of its rows in the file.
    pub offset: usize,
    /// How many are its own.
    pub rows: usize,
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
    /// The filters that upstream was sent, and whether one of them is enough.
    pub filters: Vec<String>,
    /// One of the filters is enough.
    pub any: bool,
    /// Lower bound, microseconds since 1970-01-01 UTC.
    pub from: Option<i64>,
    /// Upper bound.
    pub to: Option<i64>,
    /// When the reading began.
    pub read_at: i64,
    /// Names and types of the columns, in the file's order.
    pub columns: Vec<(String, String)>,
    /// Upstream calls that it took.
    pub calls: f64,
}

/// A Parquet file. Removed once it is doomed and nobody reads it any more.
#[derive(Debug)]
pub(super) struct File {
    /// Its number.
    pub(super) id: u64,
    path: PathBuf,
    /// Columns in its order.
    pub(super) schema: SchemaRef,
    /// Rows in it.
    pub(super) rows: usize,
    /// Size on disk.
    pub(super) bytes: u64,
    doomed: AtomicBool,
}

impl Disk {
    /// Opens a directory, or makes it, and gives what it holds.
    ///
    /// # Errors
    /// 55006 when another process has it open; 58030 when it cannot be read or written; [`Kind::Config`] for one that
    /// another version wrote.
    pub fn open(dir: &Path, max_bytes: Option<u64>) -> Result<(Disk, Vec<Record>)> {
        fs::create_dir_all(dir.join(FILES)).map_err(|error| unusable(dir, &error))?;
        let manifest = match Database::builder().set_cache_size(MANIFEST_MEMORY).create(dir.join(MANIFEST)) {
            Ok(manifest) => manifest,
            Err(DatabaseError::DatabaseAlreadyOpen) => return Err(in_use(dir)),
            Err(error) => return Err(unusable(dir, &error)),
        };
        let disk =
            Disk { dir: dir.to_owned(), manifest, next: AtomicU64::new(1), max_bytes: max_bytes.unwrap_or(u64::MAX) };
        let records = disk.records()?;
        let shelves = disk.shelves()?;
        let shelves = shelves.iter().map(|shelf| Some(shelf.id));
        let last = records.iter().flat_map(|record| [Some(record.id), record.file]).chain(shelves).flatten().max();
        disk.next.store(last.unwrap_or(0) + 1, Ordering::Relaxed);
        disk.sweep(&records)?;
        Ok((disk, records))
    }

    /// A number that no segment and no file has.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Writes rows into a file of their own, durably.
    ///
    /// # Errors
    /// 58030 when the disk is full or broken.
    pub(super) fn write(&self, rows: &RecordBatch, time: usize) -> Result<Arc<File>> {
        let id = self.number();
        let path = self.path(id);
        let fault = |error: &dyn std::fmt::Display| {
            // What was written of it is of no use; if it cannot be removed, the next opening does it.
            let _ = fs::remove_file(&path);
            unusable(&self.dir, error)
        };
        let properties = properties(Some(time));
        let file = fs::File::create(&path).map_err(|error| fault(&error))?;
        let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).map_err(|error| fault(&error))?;
        writer.write(rows).map_err(|error| fault(&error))?;
        let file = writer.into_inner().map_err(|error| fault(&error))?;
        file.sync_all().map_err(|error| fault(&error))?;
        let bytes = file.metadata().map_err(|error| fault(&error))?.len();
        let folder = fs::File::open(self.dir.join(FILES)).map_err(|error| fault(&error))?;
        folder.sync_all().map_err(|error| fault(&error))?;
        Ok(Arc::new(File {
            id,
            path,
            schema: rows.schema(),
            rows: rows.num_rows(),
            bytes,
            doomed: AtomicBool::new(false),
        }))
    }

    /// The file that a record names. Its columns are looked at now, its rows are not.
    ///
    /// # Errors
    /// 58030 when it is not there or is no such file.
    pub(super) fn find(&self, id: u64) -> Result<Arc<File>> {
        let path = self.path(id);
        let fault = |error: &dyn std::fmt::Display| damaged(&path, error);
        let file = fs::File::open(&path).map_err(|error| fault(&error))?;
        let bytes = file.metadata().map_err(|error| fault(&error))?.len();
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| fault(&error))?;
        let rows = usize::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        let schema = Arc::clone(metadata.schema());
        Ok(Arc::new(File { id, path, schema, rows, bytes, doomed: AtomicBool::new(false) }))
    }

    /// Enters and drops records in one transaction, durably.
    ///
    /// # Errors
    /// 58030 when it cannot be written; then nothing of it counts.
    pub(super) fn commit(&self, put: &[Record], dropped: &[u64]) -> Result<()> {
        let fault = |error: &dyn std::fmt::Display| unusable(&self.dir, error);
        let transaction = self.manifest.begin_write().map_err(|error| fault(&error))?;
        {
            let mut segments = transaction.open_table(SEGMENTS).map_err(|error| fault(&error))?;
            for id in dropped {
                segments.remove(id).map_err(|error| fault(&error))?;
            }
            for record in put {
                let text = serde_json::to_vec(record).map_err(|error| fault(&error))?;
                segments.insert(record.id, text.as_slice()).map_err(|error| fault(&error))?;
            }
        }
        transaction.commit().map_err(|error| fault(&error))
    }

    /// Drops records, and the files that no other record names.
    ///
    /// # Errors
    /// 58030 when the directory cannot be written.
    pub fn drop_records(&self, ids: &[u64]) -> Result<()> {
        self.commit(&[], ids)?;
        self.sweep(&self.records()?)
    }

    /// Reads the rows of records, and tells which are not what their records say: a file that is gone, damaged, of another
    /// length, or whose rows are out of order or out of range; and a row that two records hold.
    pub fn verify<'a>(&self, records: &'a [Record]) -> Vec<(&'a Record, String)> {
        let mut faults = Vec::new();
        let mut last: Option<&Record> = None;
        for record in records {
            let same = |other: &&Record| {
                let of =
                    |record: &Record| (record.place.clone(), record.scope.clone(), record.form.clone(), record.any);
                (&other.source, &other.table, &other.filters) == (&record.source, &record.table, &record.filters)
                    && of(other) == of(record)
            };
            let before = last.filter(same);
            if before.is_some_and(|before| before.to.is_none() || before.to >= record.from) {
                faults.push((record, "its range is held by another segment as well".to_owned()));
            } else if let Err(error) = self.check(record) {
                faults.push((record, error));
            }
            last = Some(record);
        }
        faults
    }

    fn check(&self, record: &Record) -> Result<(), String> {
        let Some(file) = record.file else {
            return if record.rows == 0 { Ok(()) } else { Err("it has rows and no file".to_owned()) };
        };
        let file = self.find(file).map_err(|error| error.message)?;
        if file.rows != record.file_rows || record.offset + record.rows > file.rows {
            return Err(format!("its file has {} rows, not {}", file.rows, record.file_rows));
        }
        let all: Vec<usize> = (0..file.schema.fields().len()).collect();
        let columns = file.read(&all).map_err(|error| error.message)?;
        let is_time = |column: &&ArrayRef| column.as_primitive_opt::<TimestampMicrosecondType>().is_some();
        // Files are sorted by one of their times.
        let in_order = columns.iter().filter(is_time).any(|column| {
            let times = column.as_primitive::<TimestampMicrosecondType>().slice(record.offset, record.rows);
            let values = times.values();
            let first = values.first().is_none_or(|first| record.from.is_none_or(|from| from <= *first));
            let last = values.last().is_none_or(|last| record.to.is_none_or(|to| *last <= to));
            first && last && values.is_sorted()
        });
        if in_order { Ok(()) } else { Err("its rows are out of order, or outside of its range".to_owned()) }
    }

    fn records(&self) -> Result<Vec<Record>> {
        let fault = |error: &dyn std::fmt::Display| unusable(&self.dir, error);
        let transaction = self.manifest.begin_write().map_err(|error| fault(&error))?;
        let other_form = {
            transaction.open_table(SEGMENTS).map_err(|error| fault(&error))?;
            let mut about = transaction.open_table(ABOUT).map_err(|error| fault(&error))?;
            let form = about.get("form").map_err(|error| fault(&error))?.map(|form| form.value().to_vec());
            if form.is_none() {
                about.insert("form", FORM).map_err(|error| fault(&error))?;
            }
            form.is_some_and(|form| form != FORM)
        };
        transaction.commit().map_err(|error| fault(&error))?;
        if other_form {
            let message = format!("cache directory {} was written by another version", self.dir.display());
            return Err(Error::new(Kind::Config, message).hint("Remove it, or choose another directory."));
        }
        let transaction = self.manifest.begin_read().map_err(|error| fault(&error))?;
        let segments = transaction.open_table(SEGMENTS).map_err(|error| fault(&error))?;
        let mut records = Vec::new();
        for entry in segments.iter().map_err(|error| fault(&error))? {
            let (_, text) = entry.map_err(|error| fault(&error))?;
            records.push(serde_json::from_slice(text.value()).map_err(|error| fault(&error))?);
        }
        Ok(records)
    }

    /// Removes files that no record names: what was being written when the process ended, or being removed.
    fn sweep(&self, records: &[Record]) -> Result<()> {
        let named: BTreeSet<PathBuf> =
            records.iter().filter_map(|record| record.file).map(|file| self.path(file)).collect();
        for entry in fs::read_dir(self.dir.join(FILES)).map_err(|error| unusable(&self.dir, &error))? {
            let path = entry.map_err(|error| unusable(&self.dir, &error))?.path();
            if !named.contains(&path) {
                fs::remove_file(&path).map_err(|error| unusable(&self.dir, &error))?;
            }
        }
        Ok(())
    }

    /// Removes files that no record names any more. One that cannot be removed is, when the directory is opened again.
    pub(super) fn remove(&self, files: impl Iterator<Item = u64>) {
        let paths: BTreeSet<PathBuf> = files.map(|file| self.path(file)).collect();
        for path in paths {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "file of held rows not removed");
            }
        }
    }

    fn path(&self, id: u64) -> PathBuf {
        self.dir.join(FILES).join(format!("{id}.parquet"))
    }
}

impl File {
    /// Columns by their position in the file, each as one array.
    ///
    /// # Errors
    /// 58030 when the file is gone or damaged.
    pub(super) fn read(&self, columns: &[usize]) -> Result<Vec<ArrayRef>> {
        let fault = |error: &dyn std::fmt::Display| damaged(&self.path, error);
        let file = fs::File::open(&self.path).map_err(|error| fault(&error))?;
        let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); columns.len()];
        for batch in batches(file, columns).map_err(|error| fault(&error))? {
            for (part, column) in parts.iter_mut().zip(batch.columns()) {
                part.push(Arc::clone(column));
            }
        }
        let whole = |part: Vec<ArrayRef>| match part.as_slice() {
            [one] => Ok(Arc::clone(one)),
            parts => {
                let parts: Vec<&dyn datafusion::arrow::array::Array> = parts.iter().map(AsRef::as_ref).collect();
                concat(&parts).map_err(|error| fault(&error))
            }
        };
        parts.into_iter().map(whole).collect()
    }

    /// Has it removed as soon as nobody reads it.
    pub(super) fn doom(&self) {
        self.doomed.store(true, Ordering::Relaxed);
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if *self.doomed.get_mut()
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "file of held rows not removed");
        }
    }
}

/// How rows are packed; sorted by their time, if that stands there.
fn properties(time: Option<usize>) -> WriterProperties {
    let sorting = |time| SortingColumn {
        column_idx: i32::try_from(time).unwrap_or_default(),
        descending: false,
        nulls_first: false,
    };
    WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(time.map(|time| vec![sorting(time)]))
        .build()
}

/// Columns of packed rows, by their position.
fn batches(file: impl ChunkReader + 'static, columns: &[usize]) -> Result<Vec<RecordBatch>, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()?;
    reader.map(|batch| batch.map_err(ParquetError::from)).collect()
}

fn in_use(dir: &Path) -> Error {
    Error::new(Kind::ObjectInUse, format!("cache directory {} is in use by another process", dir.display()))
        .detail("A gateway or a command that reads or fills it is running.")
        .hint("Stop it, give this one another directory, or ask the running gateway: SELECT * FROM spanwire.segments.")
}

fn unusable(dir: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("cache directory {} cannot be used: {error}", dir.display()))
        .hint("Check its permissions and the space on its disk.")
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("file of held rows {} cannot be read: {error}", path.display()))
        .hint("`spanwire cache verify --repair` drops what cannot be read.")
}
