//! `spanwire demo`: embedded upstreams on loopback, and the gateway before them.

use std::str::FromStr;

use chrono::Utc;
use clap::Args;

use crate::config::{self, Env};
use crate::demo::adaline::{self, Adaline};
use crate::demo::respan::{self, Respan};
use crate::demo::scale::{self, Scale};
use crate::demo::trulayer::{self, TruLayer};
use crate::demo::{Demo, Options};
use crate::error::{Error, Kind, Result};
use crate::server::{self, Compute};

/// The only credential that the embedded upstreams take.
const TOKEN: &str = "demo-token";
const SPANLENS: &str = "spanlens";
/// The upstreams beside Spanlens.
const OTHERS: [&str; 4] = ["scale", "respan", "adaline", "trulayer"];
/// Calls a minute that the gateway may make to an upstream without a limit.
const NO_LIMIT: u32 = 1_000_000;
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
    /// Calls a minute that Spanlens allows; 0 is no limit, for the others too
    #[arg(long, default_value_t = 10)]
    calls_per_minute: u32,
    /// Calls a minute that another upstream allows, such as adaline=30; 0 is no limit. May be given for each
    #[arg(long, value_name = "NAME=CALLS")]
    upstream_limit: Vec<UpstreamLimit>,
    /// Spans that TruLayer's plan exports of a trace, 0 being a plan without exports; all of them unless given
    #[arg(long, value_name = "SPANS")]
    trulayer_plan_cap: Option<usize>,
    /// Only this upstream, such as spanlens; all of them unless given
    #[arg(long, value_name = "NAME", value_parser = known)]
    only: Option<&'static str>,
    /// Rows that share one instant, in blocks; 1 is a realistic mix
    #[arg(long, default_value_t = 1)]
    tie: u64,
}

/// What one upstream beside Spanlens allows a minute; 0 is no limit.
#[derive(Clone, Debug)]
struct UpstreamLimit {
    name: &'static str,
    calls: u32,
}

/// The upstream of a name.
fn known(text: &str) -> std::result::Result<&'static str, String> {
    let all = || std::iter::once(SPANLENS).chain(OTHERS);
    let name = all().find(|&known| known == text);
    name.ok_or_else(|| format!("expected one of {}", all().collect::<Vec<_>>().join(", ")))
}

impl FromStr for UpstreamLimit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (name, calls) = text.split_once('=').ok_or("expected NAME=CALLS")?;
        let known = OTHERS.into_iter().find(|&known| known == name);
        let name = known.ok_or_else(|| format!("expected one of {}", OTHERS.join(", ")))?;
        let calls = calls.parse().map_err(|_| "the calls must be a whole number".to_owned())?;
        Ok(UpstreamLimit { name, calls })
    }
}

impl Arguments {
    /// Whether an upstream is started.
    fn wants(&self, name: &str) -> bool {
        self.only.is_none_or(|only| only == name)
    }

    /// Calls a minute that an upstream beside Spanlens allows, if the arguments say it; the last of several counts.
    fn limit_of(&self, name: &str) -> Option<u32> {
        let given = self.upstream_limit.iter().rfind(|limit| limit.name == name).map(|limit| limit.calls);
        given.or((self.calls_per_minute == 0).then_some(0))
    }

    /// The limit of an upstream's server; `documented` unless the arguments say another.
    fn server_limit(&self, name: &str, documented: Option<u32>) -> Option<u32> {
        match self.limit_of(name) {
            Some(0) => None,
            given => given.or(documented),
        }
    }

    /// The line of the configuration that has the gateway keep to another limit than the documented one.
    fn quota_line(&self, name: &str) -> String {
        self.limit_of(name).map_or_else(String::new, quota_line)
    }
}

fn quota_line(calls: u32) -> String {
    let calls = if calls == 0 { NO_LIMIT } else { calls };
    format!("quota = {{ calls = {calls}, per = \"1m\" }}\n")
}

pub(super) async fn run(arguments: Arguments) -> Result<()> {
    let options = Options {
        rows: arguments.rows,
        seed: arguments.seed,
        now: Utc::now(),
        calls_per_minute: Some(arguments.calls_per_minute).filter(|&calls| calls > 0),
        tie: arguments.tie,
        token: TOKEN.to_owned(),
        ..Options::default()
    };
    let demo = Demo::start(options).await.map_err(|error| cannot_start(&error))?;
    let others = Others::start(&arguments).await.map_err(|error| cannot_start(&error))?;
    let host = if arguments.host.contains(':') { format!("[{}]", arguments.host) } else { arguments.host.clone() };
    let mut text = format!("listen = \"{host}:{port}\"\n", port = arguments.port);
    let spanlens = (SPANLENS, demo.spanlens_url(), quota_line(arguments.calls_per_minute));
    let spanlens = Some(spanlens).filter(|_| arguments.wants(SPANLENS));
    let sources: Vec<_> = spanlens.into_iter().chain(others.sources(&arguments)).collect();
    for (name, url, own) in &sources {
        text.push_str(&format!(
            "[[source]]\nname = \"{name}\"\nkind = \"{name}\"\nbase_url = \"{url}\"\ncredential = \"{TOKEN}\"\n{own}"
        ));
    }
    text.push_str("[[user]]\nname = \"demo\"\npassword = \"demo\"\n");
    let config = config::parse(&text, "demo", &Env::default(), &server::kinds()).map_err(Error::from)?;
    let compute = Compute::start()?;
    let gateway = server::assemble(&config, &compute)?;
    let listeners = server::listen(&config).await?;
    let port = listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port());
    for (name, url, _) in &sources {
        super::say(&format!("Demo upstream {name} at {url}"))?;
    }
    super::say("The gateway is ready. Connect with:\n")?;
    super::say(&format!("  psql \"host=127.0.0.1 port={port} user=demo password=demo dbname=spanwire\"\n"))?;
    super::say(&format!("Try:\n\n  {SAMPLE};\n\nCtrl-C stops it."))?;
    server::run(listeners, gateway, None, super::until_signal()).await;
    Ok(())
}

/// The upstreams beside Spanlens. They allow what their vendors document unless the arguments say otherwise.
struct Others {
    scale: Option<Scale>,
    respan: Option<Respan>,
    adaline: Option<Adaline>,
    trulayer: Option<TruLayer>,
    projects: Vec<String>,
}

impl Others {
    async fn start(arguments: &Arguments) -> std::io::Result<Self> {
        let (now, seed, key) = (Utc::now(), arguments.seed, TOKEN.to_owned());
        let rows = (arguments.rows / 4).max(1);
        let adaline = adaline::Options {
            rows,
            seed,
            now,
            key: key.clone(),
            calls_per_minute: arguments.server_limit("adaline", Some(100)),
            ..adaline::Options::default()
        };
        let respan = respan::Options {
            rows,
            seed,
            now,
            key: key.clone(),
            calls_per_minute: arguments.server_limit("respan", Some(120)),
            ..respan::Options::default()
        };
        let scale = scale::Options {
            rows,
            seed,
            now,
            key: key.clone(),
            calls_per_minute: arguments.server_limit("scale", None),
            ..scale::Options::default()
        };
        let trulayer = trulayer::Options {
            traces: rows / 20,
            seed,
            now,
            key,
            calls_per_minute: arguments.server_limit("trulayer", None),
            plan_cap: arguments.trulayer_plan_cap,
            ..trulayer::Options::default()
        };
        let projects = adaline.projects.clone();
        let wants = |name| arguments.wants(name);
        Ok(Others {
            projects,
            scale: if wants("scale") { Some(Scale::start(scale).await?) } else { None },
            respan: if wants("respan") { Some(Respan::start(respan).await?) } else { None },
            adaline: if wants("adaline") { Some(Adaline::start(adaline).await?) } else { None },
            trulayer: if wants("trulayer") { Some(TruLayer::start(trulayer).await?) } else { None },
        })
    }

    /// Name, base URL and further lines of the configuration.
    fn sources(&self, arguments: &Arguments) -> Vec<(&'static str, String, String)> {
        let projects = self.projects.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
        let sources = [
            self.scale.as_ref().map(|scale| ("scale", scale.url(), "account = \"demo-account\"\n".to_owned())),
            self.respan.as_ref().map(|respan| ("respan", respan.url(), String::new())),
            self.adaline.as_ref().map(|adaline| ("adaline", adaline.url(), format!("projects = [{projects}]\n"))),
            self.trulayer.as_ref().map(|trulayer| ("trulayer", trulayer.url(), String::new())),
        ];
        let with_quota =
            |(name, url, own): (&'static str, String, String)| (name, url, own + &arguments.quota_line(name));
        sources.into_iter().flatten().map(with_quota).collect()
    }
}

fn cannot_start(error: &std::io::Error) -> Error {
    Error::new(Kind::Config, format!("cannot start the demo upstreams: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Arguments;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(line: &[&str]) -> Arguments {
        Line::try_parse_from([&["demo"], line].concat()).expect("a valid line").arguments
    }

    #[test]
    fn one_upstream_can_be_had_alone() {
        assert!(arguments(&[]).wants("spanlens") && arguments(&[]).wants("scale"));
        let one = arguments(&["--only", "scale"]);
        assert!(one.wants("scale") && !one.wants("spanlens"));
        assert!(Line::try_parse_from(["demo", "--only", "nobody"]).is_err());
    }

    #[test]
    fn upstreams_keep_their_documented_limits_unless_told_otherwise() {
        let plain = arguments(&[]);
        assert_eq!(plain.server_limit("adaline", Some(100)), Some(100));
        assert_eq!(plain.quota_line("adaline"), "");
        let told = arguments(&["--upstream-limit", "adaline=30", "--upstream-limit", "respan=0"]);
        assert_eq!(told.server_limit("adaline", Some(100)), Some(30));
        assert_eq!(told.quota_line("adaline"), "quota = { calls = 30, per = \"1m\" }\n");
        assert_eq!(told.server_limit("respan", Some(120)), None);
        assert_eq!(told.server_limit("scale", None), None);
        assert_eq!(told.quota_line("scale"), "");
    }

    #[test]
    fn no_limit_for_spanlens_is_none_for_the_others_except_where_told() {
        let open = arguments(&["--calls-per-minute", "0", "--upstream-limit", "respan=7"]);
        assert_eq!(open.server_limit("adaline", Some(100)), None);
        assert_eq!(open.quota_line("adaline"), "quota = { calls = 1000000, per = \"1m\" }\n");
        assert_eq!(open.server_limit("respan", Some(120)), Some(7));
    }

    #[test]
    fn a_limit_names_an_upstream_and_a_number() {
        for wrong in ["adaline", "spanlens=3", "adaline=", "adaline=-1", "=3"] {
            assert!(Line::try_parse_from(["demo", "--upstream-limit", wrong]).is_err(), "{wrong}");
        }
    }
}
