//! A gateway on all five embedded upstreams.

use chrono::{DateTime, Utc};
use spanwire::demo::adaline::{self, Adaline};
use spanwire::demo::respan::{self, Respan};
use spanwire::demo::scale::{self, Scale};
use spanwire::demo::trulayer::{self, TruLayer};
use spanwire::demo::{self, Demo};
use tokio_postgres::Client;

use crate::support::{Gate, gate};

/// The upstreams and the gateway before them.
pub(crate) struct Five {
    pub(crate) spanlens: Demo,
    pub(crate) scale: Scale,
    pub(crate) respan: Respan,
    pub(crate) adaline: Adaline,
    pub(crate) trulayer: TruLayer,
    gate: Gate,
}

/// What the upstreams are like.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) spanlens: demo::Options,
    pub(crate) scale: scale::Options,
    pub(crate) respan: respan::Options,
    pub(crate) adaline: adaline::Options,
    pub(crate) trulayer: trulayer::Options,
    /// Further lines for each source, by name.
    pub(crate) lines: Vec<(&'static str, String)>,
    /// Further lines at the top of the configuration.
    pub(crate) top: String,
}

impl Options {
    /// Small upstreams whose data end now.
    pub(crate) fn small() -> Self {
        Options::of(Utc::now(), 1_200)
    }

    pub(crate) fn of(now: DateTime<Utc>, rows: u64) -> Self {
        Options {
            spanlens: demo::Options { rows, seed: 7, now, calls_per_minute: None, ..demo::Options::default() },
            scale: scale::Options { rows, now, ..scale::Options::default() },
            respan: respan::Options { rows, now, ..respan::Options::default() },
            adaline: adaline::Options { rows, now, ..adaline::Options::default() },
            trulayer: trulayer::Options { traces: rows / 20, now, ..trulayer::Options::default() },
            lines: Vec::new(),
            top: String::new(),
        }
    }
}

/// Starts all of it. Quotas never stand in the way.
pub(crate) async fn start(options: Options) -> Five {
    let spanlens = Demo::start(options.spanlens).await.expect("Spanlens starts");
    let scale = Scale::start(options.scale.clone()).await.expect("Scale starts");
    let respan = Respan::start(options.respan.clone()).await.expect("Respan starts");
    let adaline = Adaline::start(options.adaline.clone()).await.expect("Adaline starts");
    let trulayer = TruLayer::start(options.trulayer.clone()).await.expect("TruLayer starts");
    let projects = options.adaline.projects.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
    let sources = [
        ("spanlens", spanlens.spanlens_url(), "demo-token".to_owned(), String::new()),
        ("scale", scale.url(), options.scale.key, format!("account = \"{}\"", options.scale.account)),
        ("respan", respan.url(), options.respan.key, String::new()),
        ("adaline", adaline.url(), options.adaline.key, format!("projects = [{projects}]")),
        ("trulayer", trulayer.url(), options.trulayer.key, String::new()),
    ];
    let mut text = format!("listen = \"127.0.0.1:0\"\n{}\n", options.top);
    for (name, url, key, own) in sources {
        let more = options.lines.iter().filter(|(source, _)| *source == name).map(|(_, line)| line.as_str());
        let more = more.collect::<Vec<_>>().join("\n");
        text.push_str(&format!(
            "[[source]]\nname = \"{name}\"\nkind = \"{name}\"\nbase_url = \"{url}\"\ncredential = \"{key}\"\n\
             quota = {{ calls = 1000000, per = \"1m\", concurrency = 4 }}\n{own}\n{more}\n"
        ));
    }
    text.push_str("[[user]]\nname = \"demo\"\npassword = \"demo\"\n");
    let gate = gate(&text).await;
    Five { spanlens, scale, respan, adaline, trulayer, gate }
}

impl Five {
    /// A connected client that reads sixty days back, which is more than there is.
    pub(crate) async fn client(&self) -> Client {
        let client = self.gate.client().await;
        client.simple_query("SET spanwire.lookback = '60 days'").await.expect("a setting");
        client
    }

    /// The gateway alone.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Calls that each upstream has answered: Spanlens, Scale, Respan, Adaline, TruLayer.
    pub(crate) fn n_calls(&self) -> [usize; 5] {
        [
            self.spanlens.calls().len(),
            self.scale.calls().len(),
            self.respan.calls().len(),
            self.adaline.calls().len(),
            self.trulayer.calls().len(),
        ]
    }
}
