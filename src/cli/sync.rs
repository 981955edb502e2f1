//! `spanwire sync`: fills the tables that the configuration names in `sync`, up to now, and ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::{Error, Kind, Result};
use crate::fetch::sync::{Job, Progresses};
use crate::server;

/// How often the bars are drawn anew.
const TICK: Duration = Duration::from_millis(200);
/// Steps of a bar.
const STEPS: u64 = 1_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, short, env = "SPANWIRE_CONFIG", default_value_os_t = super::default_config())]
    config: PathBuf,
    /// Only these tables, as source.table
    #[arg(long, value_name = "SOURCE.TABLE")]
    table: Vec<String>,
    /// No progress bars
    #[arg(long, short)]
    quiet: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let config = super::load(&arguments.config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if config.cache.dir.is_none() {
        let message = "there is no directory in which the rows could be held when the command ends";
        return Err(Error::new(Kind::Config, message).hint("Set cache.dir."));
    }
    let sources = server::sources(&config)?;
    let jobs = chosen(server::jobs(&config, &sources)?, &arguments.table)?;
    let fetcher = server::holding(&config, &sources)?;
    let progresses = Arc::new(Progresses::default());
    let stop = super::until_signal();
    let bars = Bars::new(&jobs, arguments.quiet);
    // One table after the other: they share a quota, and the first is then whole as soon as can be.
    let mut failed = None;
    for job in &jobs {
        let fill = fetcher.fill(job, &progresses, &stop);
        let filled = tokio::select! {
            filled = fill => filled,
            () = bars.follow(&progresses) => Ok(()),
        };
        bars.draw(&progresses);
        if let Err(error) = filled {
            bars.hide();
            super::say(&format!("{}.{}: {error}", job.source.name, job.table.name))?;
            failed = Some(error);
            if stop.is_cancelled() {
                break;
            }
        }
    }
    bars.hide();
    for filling in progresses.snapshot().iter().filter(|filling| filling.is_filled) {
        let (source, table) = (&filling.source, &filling.table);
        super::say(&format!("{source}.{table}: {} rows read by {} calls", filling.rows, filling.calls))?;
    }
    match failed {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::Config, "not all tables are filled")
            .hint("What was read is held; run the command again to go on from there.")),
    }
}

fn chosen(jobs: Vec<Job>, names: &[String]) -> Result<Vec<Job>> {
    let name = |job: &Job| format!("{}.{}", job.source.name, job.table.name);
    let all: Vec<String> = jobs.iter().map(name).collect();
    if jobs.is_empty() {
        return Err(Error::new(Kind::Config, "the configuration names no table to fill")
            .hint("Add sync = { tables = [\"…\"] } to a [[source]]."));
    }
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(Error::new(Kind::Config, format!("sync does not name table \"{unknown}\""))
            .hint(format!("It names {}.", all.join(", "))));
    }
    Ok(jobs.into_iter().filter(|job| names.is_empty() || names.contains(&name(job))).collect())
}

/// A bar for each table, on standard error if that is a terminal.
struct Bars {
    all: MultiProgress,
    bars: Vec<(String, String, ProgressBar)>,
}

impl Bars {
    fn new(jobs: &[Job], quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let all = MultiProgress::with_draw_target(target);
        let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3}% {msg} ({elapsed}, {eta} left)");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        let bar = |job: &Job| {
            let bar = all.add(ProgressBar::new(STEPS).with_style(style.clone()));
            bar.set_prefix(format!("{}.{}", job.source.name, job.table.name));
            (job.source.name.clone(), job.table.name.to_owned(), bar)
        };
        let bars = jobs.iter().map(bar).collect();
        Bars { all, bars }
    }

    /// Draws the bars until it is dropped.
    async fn follow(&self, progresses: &Progresses) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            self.draw(progresses);
        }
    }

    fn draw(&self, progresses: &Progresses) {
        for filling in progresses.snapshot() {
            let own = |bar: &&(String, String, ProgressBar)| bar.0 == filling.source && bar.1 == filling.table;
            if let Some((_, _, bar)) = self.bars.iter().find(own) {
                bar.set_position((filling.covered * STEPS as f64) as u64);
                bar.set_message(format!("{} rows, {} calls", filling.rows, filling.calls));
                if filling.is_filled {
                    bar.finish();
                }
            }
        }
    }

    fn hide(&self) {
        // A terminal that is gone shows nothing.
        let _ = self.all.clear();
    }
}
