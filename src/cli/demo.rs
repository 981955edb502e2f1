//! `spanwire demo`: embedded upstreams on loopback, and the gateway before them.

use chrono::Utc;
use clap::Args;

use crate::config::{self, Env};
use crate::demo::{Demo, Options};
use crate::error::{Error, Kind, Result};
use crate::server::{self, Compute};

/// The only credential that the embedded upstreams take.
const TOKEN: &str = "demo-token";
const SAMPLE: &str = "SELECT provider, model, count(*), sum(cost_usd), percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) FROM requests WHERE created_at > now() - interval '7 days' GROUP BY 1, 2 ORDER BY 4 DESC";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Port of the gateway; 0 takes any free one
    #[arg(long, default_value_t = 5433)]
    port: u16,
    /// Address of the gateway
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Rows of the table requests; the others are smaller
    #[arg(long, default_value_t = 20_000)]
    rows: u64,
    /// Equal seeds give equal rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Calls a minute that the upstreams allow; 0 is no limit
    #[arg(long, default_value_t = 10)]
    calls_per_minute: u32,
    /// Rows that share one instant, in blocks; 1 is a realistic mix
    #[arg(long, default_value_t = 1)]
    tie: u64,
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let limit = Some(arguments.calls_per_minute).filter(|&calls| calls > 0);
    let options = Options {
        rows: arguments.rows,
        seed: arguments.seed,
        now: Utc::now(),
        calls_per_minute: limit,
        tie: arguments.tie,
        token: TOKEN.to_owned(),
        ..Options::default()
    };
    let demo = Demo::start(options)
        .await
        .map_err(|error| Error::new(Kind::Config, format!("cannot start the demo upstreams: {error}")))?;
    let calls = limit.unwrap_or(1_000_000);
    let host = if arguments.host.contains(':') { format!("[{}]", arguments.host) } else { arguments.host.clone() };
    let text = format!(
        "listen = \"{host}:{port}\"\n\
         [[source]]\nname = \"spanlens\"\nkind = \"spanlens\"\nbase_url = \"{url}\"\ncredential = \"{TOKEN}\"\n\
         quota = {{ calls = {calls}, per = \"1m\" }}\n\
         [[user]]\nname = \"demo\"\npassword = \"demo\"\n",
        port = arguments.port,
        url = demo.spanlens_url(),
    );
    let config = config::parse(&text, "demo", &Env::default(), &server::kinds()).map_err(Error::from)?;
    let compute = Compute::start()?;
    let gateway = server::assemble(&config, &compute)?;
    let listeners = server::listen(&config).await?;
    let port = listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port());
    super::say(&format!("Demo upstreams: Spanlens at {}, {} requests", demo.spanlens_url(), arguments.rows))?;
    super::say("The gateway is ready. Connect with:\n")?;
    super::say(&format!("  psql \"host=127.0.0.1 port={port} user=demo password=demo dbname=spanwire\"\n"))?;
    super::say(&format!("Try:\n\n  {SAMPLE};\n\nCtrl-C stops it."))?;
    server::run(listeners, gateway, None, super::until_signal()).await;
    Ok(())
}
