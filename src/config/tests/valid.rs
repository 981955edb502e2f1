//! Configurations in order: the example, defaults, every form of a value.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{Cache, Env, Limits, Listen, Quota, Setting, Sync, load, parse};
use super::{KINDS, SOURCE, USER, config};

fn example_env() -> Env {
    let names = ["SPANLENS_TOKEN", "SCALE_API_KEY", "RESPAN_API_KEY", "ADALINE_API_KEY", "TRULAYER_API_KEY"];
    let others = ["METABASE_PASSWORD", "ALICE_PASSWORD", "ALICE_SPANLENS"];
    names.into_iter().chain(others).map(|name| (name, "test-token")).collect()
}

#[test]
fn the_example_is_in_order() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("spanwire.example.toml");
    let config = load(&path, &example_env(), KINDS).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.warnings, [""; 0]);
    let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["spanlens", "scale", "respan", "adaline", "trulayer"]);
    let spanlens = &config.sources[0];
    assert_eq!(spanlens.quota, Some(Quota { calls: 10, per: Duration::from_secs(60), concurrency: Some(2) }));
    assert_eq!(config.sources[3].settings["projects"], Setting::List(vec!["test-project-0123456789".to_owned()]));
    assert_eq!(config.sources[4].settings["projects"].texts(), ["test-project"]);
    assert_eq!(config.users[1].credentials["spanlens"].expose(), "test-token");
    assert_eq!(config.users[0].settings["spanwire.max_staleness"], "60s");
    assert_eq!(config.cache.dir, Some(path.with_file_name("cache")));
    assert_eq!(config.cache.max_bytes, Some(20_000_000_000));
    // The example shows the defaults of the limits.
    assert_eq!(config.limits, Limits::default());
}

#[test]
fn each_line_of_the_example_that_is_commented_out_is_a_key() {
    let text = include_str!("../../../spanwire.example.toml").replace("# tls = ", "tls = ");
    let faults = parse(&text, "/nowhere/spanwire.toml", &example_env(), KINDS).unwrap_err().to_string();
    let line = text.lines().position(|line| line.starts_with("tls = ")).unwrap() + 1;
    let missing = "cannot be read: No such file or directory (os error 2)";
    let expected: Vec<String> = [("cert", "server.crt"), ("key", "server.key"), ("client_ca", "ca.crt")]
        .iter()
        .map(|(key, file)| format!("/nowhere/spanwire.toml:{line}: tls.{key}: file \"/nowhere/{file}\" {missing}"))
        .collect();
    assert_eq!(faults.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn tables_are_kept_filled() {
    let config = config(&format!(
        "source = [{{ name = 'a', kind = 'spanlens', base_url = 'https://x', credential = 't', sync = {{ tables = ['requests'], since = '90d', share = '25%' }} }}]\n{USER}"
    ));
    let minute = Duration::from_secs(60);
    let since = Duration::from_secs(90 * 86_400);
    let sync = Sync { tables: vec!["requests".to_owned()], since, every: minute, share: 250 };
    assert_eq!(config.sources[0].sync, Some(sync));
}

#[test]
fn settings_of_users_are_what_set_takes() {
    let config = config(&format!(
        "{SOURCE}user = [{{ name = 'u', password = 'p', settings = {{ 'spanwire.max_calls' = 5, jit = false, extra_float_digits = 3, TimeZone = 'UTC' }} }}]\n"
    ));
    let settings: Vec<(&str, &str)> =
        config.users[0].settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        settings,
        [("TimeZone", "UTC"), ("extra_float_digits", "3"), ("jit", "off"), ("spanwire.max_calls", "5")]
    );
}

#[test]
fn defaults() {
    let config = config(&format!("{SOURCE}{USER}"));
    assert_eq!(config.listen, [Listen { host: "127.0.0.1".to_owned(), port: 5433 }]);
    assert_eq!((config.tls, config.metrics), (None, None));
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.cache, Cache { dir: None, max_bytes: None, memory: 256_000_000 });
    let source = &config.sources[0];
    assert_eq!(source.base_url.as_str(), "https://api.spanlens.example.com/");
    assert_eq!((source.lookback, source.settle), (Duration::from_secs(30 * 86400), Duration::from_secs(900)));
    assert_eq!((source.quota, source.settings.len()), (None, 0));
    assert_eq!((&config.users[0].sources, config.users[0].credentials.len()), (&None, 0));
}

#[test]
fn forms_of_values() {
    let config = config(&format!(
        "listen = ['[::1]:0', 'localhost:0', '0.0.0.0:0']\n{SOURCE}{USER}\
         [limits]\nstatement_timeout = 0\nidle_session_timeout = '1h 30min'\nquery_memory = '4GiB'\nbody_bytes = 1_000\n\
         [cache]\ndir = '/x'\nmax_bytes = 'off'\nmemory = '1MB'\n"
    ));
    let shown: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["[::1]:0", "localhost:0", "0.0.0.0:0"]);
    assert_eq!(config.listen.iter().map(Listen::is_loopback).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(
        config.warnings,
        ["spanwire.toml:1: listen: rows may cross the network unencrypted; set tls, with required = true"]
    );
    assert_eq!(config.limits.statement_timeout, None);
    assert_eq!(config.limits.idle_session_timeout, Some(Duration::from_secs(5400)));
    assert_eq!((config.limits.query_memory, config.limits.body_bytes), (4 << 30, 1000));
    assert_eq!(config.limits.total_memory, 4 << 30, "never less than one query's");
    assert_eq!(config.cache, Cache { dir: Some(PathBuf::from("/x")), max_bytes: None, memory: 1_000_000 });
}

#[test]
fn http_for_this_machine() {
    for url in ["http://localhost:8080/x", "http://127.0.0.1:1", "http://[::1]:1"] {
        let source = SOURCE.replace("credential", &format!("base_url = '{url}', credential"));
        assert_eq!(config(&format!("{source}{USER}")).sources[0].base_url.scheme(), "http");
    }
}

#[test]
fn a_source_nobody_sees() {
    let text = "[[source]]\nname = 'a'\nkind = 'spanlens'\ncredential = { env = 'TOKEN' }\n[[source]]\nname = 'b'\nkind = 'spanlens'\n\
                credential = { env = 'TOKEN' }\n[[user]]\nname = 'u'\npassword = { env = 'PASSWORD' }\nsources = 'a'\n";
    assert_eq!(config(text).warnings, [r#"spanwire.toml:6: source[1].name: no user sees source "b""#]);
}

#[test]
fn a_file_that_is_not_there() {
    let faults = load(Path::new("/nowhere/x.toml"), &Env::default(), KINDS).unwrap_err();
    assert_eq!(faults.to_string(), "/nowhere/x.toml: cannot be read: No such file or directory (os error 2)");
}
