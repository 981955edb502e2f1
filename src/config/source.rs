//! `[[source]]`: one account at one vendor, which is one schema.

use std::collections::BTreeMap;
use std::time::Duration;

use url::{Host, Url};

use super::node::Value;
use super::read::{Item, Section, suggest};
use super::values::or;
use super::{KindInfo, Quota, Setting, Source, Sync, credential};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Long enough for any history, short enough to be taken from any date.
const MAX_SPAN: Duration = DAY.saturating_mul(36_525);

/// A source as declared: what other parts refer to is there even if the source has faults.
pub(super) struct Declared<'a> {
    pub(super) name: Option<(String, Item<'a>)>,
    /// The path of the table, for faults about the source as a whole.
    pub(super) section: Section<'a>,
    /// False also where a credential is given and wrong.
    pub(super) lacks_credential: bool,
    pub(super) source: Option<Source>,
}

pub(super) fn read<'a>(mut section: Section<'a>, kinds: &[KindInfo]) -> Declared<'a> {
    let name = section.need("name").and_then(|item| Some((item.text()?.to_owned(), item)));
    if let Some((name, item)) = &name {
        check_name(name, item);
    }
    let kind_item = section.need("kind");
    let kind = kind_item.as_ref().and_then(|item| known_kind(item, kinds));
    let base_url = base_url(&mut section, kind);
    let credential_item = section.get("credential");
    let quota = section.section("quota").and_then(quota);
    let lookback = or(&mut section, "lookback", DAY * 30, |item| item.duration(Duration::from_secs(1)..=MAX_SPAN));
    let settle =
        or(&mut section, "settle", Duration::from_secs(15 * 60), |item| item.duration(Duration::ZERO..=MAX_SPAN));
    let settings = settings(&mut section, kind, kinds);
    let sync = section.section("sync").and_then(|section| sync(section, lookback));
    let lacks_credential = credential_item.is_none();
    let credential = credential_item.as_ref().and_then(credential::credential);
    let source = match (&name, kind, base_url) {
        (Some((name, _)), Some(kind), Some(base_url)) => Some(Source {
            name: name.clone(),
            kind: kind.kind.to_owned(),
            base_url,
            credential,
            quota,
            lookback,
            settle,
            sync,
            settings,
        }),
        _ => None,
    };
    section.finish_with(|key| {
        let other = kinds.iter().find(|other| other.settings.contains(&key))?;
        Some(format!("it belongs to kind {:?}", other.kind))
    });
    Declared { name, section, lacks_credential, source }
}

fn known_kind<'k>(item: &Item<'_>, kinds: &'k [KindInfo]) -> Option<&'k KindInfo> {
    let wanted = item.text()?;
    let kind = kinds.iter().find(|kind| kind.kind == wanted);
    if kind.is_none() {
        let known: Vec<&str> = kinds.iter().map(|kind| kind.kind).collect();
        item.fault_hint(format!("unknown kind {wanted:?}"), format!("known kinds: {}", known.join(", ")));
    }
    kind
}

fn check_name(name: &str, item: &Item<'_>) {
    let is_identifier = name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_identifier {
        item.fault_hint(
            format!("{name:?} cannot be a schema"),
            "use lower-case letters, digits and _, not starting with a digit, at most 63 characters",
        );
    } else if matches!(name, "public" | "spanwire" | "information_schema") || name.starts_with("pg_") {
        item.fault_hint(format!("schema {name:?} belongs to the gateway"), "choose another name");
    }
}

fn base_url(section: &mut Section<'_>, kind: Option<&KindInfo>) -> Option<Url> {
    let Some(item) = section.get("base_url") else {
        return match kind?.default_base_url {
            Some(default) => Url::parse(default).ok(),
            None => {
                let kind = kind?.kind;
                section.missing("base_url", format!("is missing, and kind {kind:?} has no default"), None);
                None
            }
        };
    };
    match check_url(item.text()?) {
        Ok(url) => Some(url),
        Err((message, hint)) => {
            item.fault_hint(message, hint);
            None
        }
    }
}

/// Takes only URLs to which a credential can be sent without anybody else reading it. The text is never repeated: it
/// may hold a password.
fn check_url(text: &str) -> Result<Url, (String, &'static str)> {
    const FORM: &str = "write \"https://host/path\"";
    let url = Url::parse(text).map_err(|error| (format!("is not a URL: {error}"), FORM))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(("is not an https URL".to_owned(), FORM));
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(("has no host".to_owned(), FORM)),
    };
    if url.scheme() == "http" && !is_loopback {
        return Err(("would send the credential in the clear".to_owned(), "use https; http is for localhost only"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("holds a user or a password".to_owned(), "set credential instead"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(("holds a query or a fragment".to_owned(), "write the part before ? and #"));
    }
    Ok(url)
}

fn quota(mut section: Section<'_>) -> Option<Quota> {
    let (calls, per, concurrency) = (section.need("calls"), section.need("per"), section.get("concurrency"));
    let calls = calls.and_then(|item| item.count(1..=u32::MAX));
    let per = per.and_then(|item| item.duration(Duration::from_millis(1)..=DAY * 366));
    let concurrency = concurrency.and_then(|item| item.count(1..=10_000));
    section.finish();
    Some(Quota { calls: calls?, per: per?, concurrency })
}

fn sync(mut section: Section<'_>, lookback: Duration) -> Option<Sync> {
    let tables = section.need("tables").and_then(|item| item.texts());
    let tables: Option<Vec<String>> = tables.map(|texts| texts.into_iter().map(|(text, _)| text).collect());
    let since = or(&mut section, "since", lookback, |item| item.duration(Duration::from_secs(1)..=MAX_SPAN));
    let minute = Duration::from_secs(60);
    let every = or(&mut section, "every", minute, |item| item.duration(Duration::from_secs(1)..=DAY));
    let share = or(&mut section, "share", 500, |item| item.per_mille());
    section.finish();
    Some(Sync { tables: tables?, since, every, share })
}

fn settings(section: &mut Section<'_>, kind: Option<&KindInfo>, kinds: &[KindInfo]) -> BTreeMap<String, Setting> {
    let mut settings = BTreeMap::new();
    let keys: Vec<&'static str> = match kind {
        Some(kind) => kind.settings.to_vec(),
        // The kind is at fault already; its settings need not be as well.
        None => kinds.iter().flat_map(|kind| kind.settings).copied().collect(),
    };
    for key in keys {
        if let Some(setting) = section.get(key).and_then(|item| setting(&item)) {
            settings.insert(key.to_owned(), setting);
        }
    }
    settings
}

fn setting(item: &Item<'_>) -> Option<Setting> {
    match &item.node.value {
        // Account numbers are often written without quotes.
        Value::Integer(Some(number)) => Some(Setting::Text(number.to_string())),
        Value::Text(text) if !(item.is_variable() && text.contains(',')) => {
            item.text().map(|text| Setting::Text(text.to_owned()))
        }
        Value::Text(_) | Value::List(_) => {
            Some(Setting::List(item.texts()?.into_iter().map(|(text, _)| text).collect()))
        }
        _ => {
            item.mismatch("a string or a list of strings");
            None
        }
    }
}

/// Says that `name` is not one of the sources.
pub(super) fn unknown(name: &str, sources: &[&str], item: &Item<'_>) {
    item.fault_hint(format!("unknown source {name:?}"), suggest(name, sources, "known sources"));
}
