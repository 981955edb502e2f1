//! `spanwire cache`: what is held on disk, looked at without a gateway.

use std::path::PathBuf;

use chrono::Utc;
use clap::{Args, Subcommand};

use crate::error::{Error, Kind, Result};
use crate::fetch::{Disk, KeyedShelf, Record};
use crate::model::scan::iso_micros;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the time ranges that are held
    Ls(Place),
    /// Read every file and compare it with what is known of it
    Verify {
        #[command(flatten)]
        place: Place,
        /// Drop the segments that are damaged, so that their rows are read anew
        #[arg(long)]
        repair: bool,
    },
    /// Drop what is held
    Purge {
        #[command(flatten)]
        place: Place,
        /// Drop all that is held
        #[arg(long, conflicts_with_all = ["source", "table", "older_than"])]
        all: bool,
        /// Only rows up to so long ago, such as 90d
        #[arg(long, value_name = "SPAN", value_parser = humantime::parse_duration)]
        older_than: Option<std::time::Duration>,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// The configuration
    #[arg(long, short, env = "SPANWIRE_CONFIG", default_value_os_t = super::default_config())]
    config: PathBuf,
    /// Only this source
    #[arg(long)]
    source: Option<String>,
    /// Only this table
    #[arg(long)]
    table: Option<String>,
}

impl Place {
    fn open(&self) -> Result<(Disk, Vec<Record>, Vec<KeyedShelf>)> {
        let config = super::load(&self.config)?;
        let Some(dir) = &config.cache.dir else {
            return Err(Error::new(Kind::Config, "the configuration holds no rows on disk").hint("Set cache.dir."));
        };
        let (disk, mut records) = Disk::open(dir, config.cache.max_bytes)?;
        records.retain(|record| self.means(&record.source, &record.table));
        let mut shelves = disk.shelves()?;
        shelves.retain(|shelf| self.means(&shelf.table.source, &shelf.table.table));
        let from = |record: &Record| record.from.unwrap_or(i64::MIN);
        records.sort_by(|one, other| {
            let name = |record: &Record| (record.source.clone(), record.table.clone(), record.scope.clone());
            (name(one), &one.filters, from(one)).cmp(&(name(other), &other.filters, from(other)))
        });
        Ok((disk, records, shelves))
    }

    fn means(&self, source: &str, table: &str) -> bool {
        self.source.as_ref().is_none_or(|own| own == source) && self.table.as_ref().is_none_or(|own| own == table)
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::Ls(place) => list(place),
        Command::Verify { place, repair } => verify(place, *repair),
        Command::Purge { place, all, older_than } => purge(place, *all, *older_than),
    }
}

fn list(place: &Place) -> Result<()> {
    let (_disk, records, shelves) = place.open()?;
    super::say("source.table\tcredential\tfrom\tto\tread at\trows\tfile bytes\tcalls\tfilters")?;
    for record in &records {
        let Record { source, table, scope, rows, file_bytes, calls, filters, .. } = record;
        let (from, to) = (time(record.from), time(record.to));
        let read_at = iso_micros(record.read_at);
        let filters = if filters.is_empty() { "none".to_owned() } else { filters.join(" and ") };
        super::say(&format!(
            "{source}.{table}\t{scope}\t{from}\t{to}\t{read_at}\t{rows}\t{file_bytes}\t{calls:.1}\t{filters}"
        ))?;
    }
    for shelf in &shelves {
        let known = || shelf.keys.iter().map(|(_, known)| known);
        let (from, to) = (known().map(|known| known.first).min(), known().map(|known| known.last).max());
        let read_at = known().map(|known| known.read_at).max().map_or_else(String::new, iso_micros);
        super::say(&format!(
            "{}.{}\t{}\t{}\t{}\t{read_at}\t{}\t{}\t{}\tby key",
            shelf.table.source,
            shelf.table.table,
            shelf.table.scope,
            time(from),
            time(to),
            rows_of(std::slice::from_ref(shelf)),
            bytes_of(std::slice::from_ref(shelf)),
            shelf.keys.len(),
        ))?;
    }
    let rows = records.iter().map(|record| record.rows as u64).sum::<u64>() + rows_of(&shelves);
    let bytes = bytes(&records) + bytes_of(&shelves);
    super::say(&format!("{}, {rows} rows, {bytes} bytes", count(&records, &shelves)))
}

/// How many segments there are, and keys, if rows are held by key.
fn count(records: &[Record], shelves: &[KeyedShelf]) -> String {
    match keys_of(shelves) {
        0 => segments(records.len()),
        keys => format!("{} and {}", segments(records.len()), keyed(keys)),
    }
}

fn keyed(count: usize) -> String {
    format!("{count} key{}", if count == 1 { "" } else { "s" })
}

fn keys_of(shelves: &[KeyedShelf]) -> usize {
    shelves.iter().map(|shelf| shelf.keys.len()).sum()
}

fn rows_of(shelves: &[KeyedShelf]) -> u64 {
    shelves.iter().flat_map(|shelf| &shelf.keys).map(|(_, known)| known.rows).sum()
}

fn bytes_of(shelves: &[KeyedShelf]) -> u64 {
    shelves.iter().flat_map(|shelf| &shelf.keys).map(|(_, known)| known.bytes).sum()
}

fn segments(count: usize) -> String {
    format!("{count} segment{}", if count == 1 { "" } else { "s" })
}

/// Bytes of the files, each once.
fn bytes(records: &[Record]) -> u64 {
    let mut files: Vec<(u64, u64)> =
        records.iter().filter_map(|record| record.file.map(|file| (file, record.file_bytes))).collect();
    files.sort_unstable();
    files.dedup();
    files.iter().map(|(_, bytes)| bytes).sum()
}

fn time(time: Option<i64>) -> String {
    time.map_or_else(|| "open".to_owned(), iso_micros)
}

fn verify(place: &Place, repair: bool) -> Result<()> {
    let (disk, records, shelves) = place.open()?;
    let faults = disk.verify(&records);
    for (record, fault) in &faults {
        super::say(&format!("segment {} of {}.{}: {fault}", record.id, record.source, record.table))?;
    }
    let mut keys = Vec::new();
    for shelf in &shelves {
        for (key, fault) in disk.verify_keys(shelf) {
            super::say(&format!("key '{key}' of {}.{}: {fault}", shelf.table.source, shelf.table.table))?;
            keys.push((shelf.id, key.to_owned()));
        }
    }
    let damaged = faults.len() + keys.len();
    super::say(&format!("{}, {damaged} damaged", count(&records, &shelves)))?;
    if damaged == 0 {
        return Ok(());
    }
    if repair {
        disk.drop_records(&faults.iter().map(|(record, _)| record.id).collect::<Vec<_>>())?;
        disk.drop_keys(&keys, &[])?;
        return super::say("dropped; their rows will be read anew");
    }
    let hint = "Run it with --repair to drop them; their rows are then read anew.";
    let what = match keys.len() {
        0 => segments(faults.len()),
        keys => format!("{} and {}", segments(faults.len()), keyed(keys)),
    };
    Err(Error::new(Kind::Io, format!("damage in {what}")).hint(hint))
}

fn purge(place: &Place, all: bool, older_than: Option<std::time::Duration>) -> Result<()> {
    if !all && place.source.is_none() && place.table.is_none() && older_than.is_none() {
        return Err(Error::new(Kind::Config, "nothing says what to drop")
            .hint("Give --source, --table or --older-than, or --all for everything."));
    }
    let (disk, mut records, mut shelves) = place.open()?;
    if let Some(age) = older_than {
        let age_us = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        let border = Utc::now().timestamp_micros().saturating_sub(age_us);
        records.retain(|record| record.to.is_some_and(|to| to <= border));
        shelves.iter_mut().for_each(|shelf| shelf.keys.retain(|(_, known)| known.last <= border));
    }
    disk.drop_records(&records.iter().map(|record| record.id).collect::<Vec<_>>())?;
    let keys = shelves.iter().flat_map(|shelf| shelf.keys.iter().map(|(key, _)| (shelf.id, key.clone())));
    disk.drop_keys(&keys.collect::<Vec<_>>(), &[])?;
    let rows = records.iter().map(|record| record.rows as u64).sum::<u64>() + rows_of(&shelves);
    super::say(&format!("dropped {}, {rows} rows", count(&records, &shelves)))
}
