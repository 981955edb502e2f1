//! The settings of a session: SET, SHOW, RESET, SET LOCAL, and what a rolled-back transaction takes back.

mod table;
mod value;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use self::table::{SETTINGS, Setting};
use crate::error::{Error, Kind, Result};
use crate::model::statement::{HeldRows, Priority, Severity};

pub use crate::session::SERVER_VERSION;

/// Values by the lower-case name of their setting.
type Values = BTreeMap<String, String>;

/// The settings of one session.
#[derive(Clone, Debug)]
pub struct Vars {
    /// What RESET goes back to: the gateway's defaults and what the client said at the start.
    defaults: Values,
    values: Arc<Values>,
    /// What ROLLBACK goes back to, per open block and savepoint.
    saved: Vec<(String, Arc<Values>)>,
    /// What SET LOCAL has hidden until the block ends.
    local: Values,
    reported: Values,
    /// What can be switched on at the sources: the name, and what it does.
    switches: Vec<(String, &'static str)>,
}

/// A setting and its value, as a row of `pg_settings`.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its value as SHOW has it.
    pub shown: String,
    /// Its value in its unit.
    pub raw: String,
    /// What RESET goes back to, in its unit.
    pub reset: String,
    /// `ms` or `kB`.
    pub unit: Option<&'static str>,
    /// `bool`, `integer`, `real`, `string` or `enum`.
    pub vartype: &'static str,
    /// `user`, or `internal` for what no session sets.
    pub context: &'static str,
    /// `default` or `session`.
    pub source: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// The words that it takes, if it takes words only.
    pub words: Option<&'static [&'static str]>,
    /// The least and the largest number that it takes.
    pub bounds: Option<(i64, i64)>,
}

/// How long a SET lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Until the session ends.
    Session,
    /// Until the transaction ends.
    Local,
    /// It is what RESET goes back to.
    Startup,
}

fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
}

impl Default for Vars {
    fn default() -> Self {
        let defaults: Values =
            SETTINGS.iter().map(|setting| (setting.name.to_lowercase(), setting.default.to_owned())).collect();
        let values = Arc::new(defaults.clone());
        Vars {
            defaults,
            values,
            saved: Vec::new(),
            local: Values::new(),
            reported: Values::new(),
            switches: Vec::new(),
        }
    }
}

impl Vars {
    /// Sets what the gateway itself decides, checked by nobody.
    pub fn decide(&mut self, name: &str, value: &str) {
        self.defaults.insert(name.to_lowercase(), value.to_owned());
        self.values_mut().insert(name.to_lowercase(), value.to_owned());
    }

    /// Adds a setting that is on or off, and off by default. One of the same name stays.
    pub fn offer(&mut self, name: &str, doc: &'static str) {
        if self.switch(name).is_none() {
            self.switches.push((name.to_owned(), doc));
            self.decide(name, "off");
        }
    }

    fn switch(&self, name: &str) -> Option<&str> {
        let found = self.switches.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(own, _)| own.as_str())
    }

    /// Sets a setting. Several values make a list.
    ///
    /// # Errors
    /// 42704 for an unknown name, 22023 for a value that does not fit, 55P02 for a setting that cannot change.
    pub fn set(&mut self, name: &str, values: &[String], scope: Scope) -> Result<()> {
        let key = name.to_lowercase();
        let value = match (find(name), self.switch(name)) {
            (Some(setting), _) if !setting.open => return Err(closed(setting.name)),
            (Some(setting), _) => value::check(setting, values)?,
            (None, Some(switch)) => value::boolean(switch, values)?,
            // As PostgreSQL: a name with a dot may be anybody's. The engine's own are nobody's.
            _ if key.contains('.') && !key.starts_with("datafusion.") && !key.starts_with("spanwire.") => {
                values.join(", ")
            }
            _ => return Err(unknown(name)),
        };
        if key == "transaction_read_only" && value == "off" {
            return Err(no_writing());
        }
        if scope == Scope::Local
            && let Some(before) = self.values.get(&key)
        {
            self.local.entry(key.clone()).or_insert_with(|| before.clone());
        }
        if scope == Scope::Startup {
            self.defaults.insert(key.clone(), value.clone());
        }
        self.values_mut().insert(key, value);
        Ok(())
    }

    /// Sets a setting to what a text says: where it takes a list, the text is one.
    ///
    /// # Errors
    /// As [`Vars::set`].
    pub fn set_text(&mut self, name: &str, text: &str, scope: Scope) -> Result<()> {
        match find(name).map(|setting| setting.ty) {
            Some(table::Type::Path) => self.set(name, &value::path(text), scope),
            _ => self.set(name, &[text.to_owned()], scope),
        }
    }

    /// Sets a setting to its default.
    ///
    /// # Errors
    /// 42704 for an unknown name, 55P02 for a setting that cannot change.
    pub fn reset(&mut self, name: &str) -> Result<()> {
        let key = name.to_lowercase();
        if let Some(setting) = find(name)
            && !setting.open
        {
            return Err(closed(setting.name));
        }
        match self.defaults.get(&key).cloned() {
            Some(default) => {
                self.values_mut().insert(key, default);
                Ok(())
            }
            None => self.values_mut().remove(&key).map(|_| ()).ok_or_else(|| unknown(name)),
        }
    }

    /// Sets all settings to their defaults.
    pub fn reset_all(&mut self) {
        self.values = Arc::new(self.defaults.clone());
    }

    /// The name as SHOW's column has it.
    ///
    /// # Errors
    /// 42704 for an unknown name.
    pub fn canonical(&self, name: &str) -> Result<String> {
        match find(name) {
            Some(setting) => Ok(setting.name.to_owned()),
            None if self.values.contains_key(&name.to_lowercase()) => Ok(self.switch(name).unwrap_or(name).to_owned()),
            None => Err(unknown(name)),
        }
    }

    /// The value as SHOW shows it.
    ///
    /// # Errors
    /// 42704 for an unknown name.
    pub fn show(&self, name: &str) -> Result<String> {
        let value = self.values.get(&name.to_lowercase()).ok_or_else(|| unknown(name))?;
        Ok(find(name).map_or_else(|| value.clone(), |setting| value::show(setting.ty, value)))
    }

    /// The values of all settings as they are shown, by name in lower case.
    pub fn values(&self) -> HashMap<String, String> {
        let shown = |(name, value): (&String, &String)| {
            (name.clone(), find(name).map_or_else(|| value.clone(), |setting| value::show(setting.ty, value)))
        };
        self.values.iter().map(shown).collect()
    }

    /// (name, value as shown, description) of all settings.
    pub fn all(&self) -> Vec<(String, String, String)> {
        let one = |setting: &Setting| {
            let value = self.values.get(&setting.name.to_lowercase()).map_or("", String::as_str);
            (setting.name.to_owned(), value::show(setting.ty, value), setting.doc.to_owned())
        };
        let switch = |(name, doc): &(String, &str)| {
            let value = self.values.get(&name.to_lowercase()).map_or("off", String::as_str);
            (name.clone(), value.to_owned(), (*doc).to_owned())
        };
        SETTINGS.iter().map(one).chain(self.switches.iter().map(switch)).collect()
    }

    /// All settings as `pg_settings` has them.
    pub fn described(&self) -> Vec<Described> {
        let raw = |values: &Values, name: &str| values.get(&name.to_lowercase()).cloned().unwrap_or_default();
        let one = |setting: &Setting| {
            let (vartype, unit) = setting.ty.described();
            let (raw, reset) = (raw(&self.values, setting.name), raw(&self.defaults, setting.name));
            // What nobody sets is kept as text, also the numbers.
            let is_number = !setting.open && raw.parse::<i64>().is_ok();
            let is_switch = !setting.open && matches!(raw.as_str(), "on" | "off");
            let vartype = match () {
                () if is_number => "integer",
                () if is_switch => "bool",
                () => vartype,
            };
            Described {
                name: setting.name.to_owned(),
                shown: value::show(setting.ty, &raw),
                source: if raw == reset { "default" } else { "session" },
                raw,
                reset,
                unit,
                vartype,
                context: if setting.open { "user" } else { "internal" },
                doc: setting.doc,
                words: setting.ty.words(),
                bounds: setting.ty.bounds(),
            }
        };
        let switch = |(name, doc): &(String, &'static str)| {
            let own = Some(raw(&self.values, name)).filter(|raw| !raw.is_empty()).unwrap_or_else(|| "off".to_owned());
            Described {
                name: name.clone(),
                shown: own.clone(),
                source: if own == "off" { "default" } else { "session" },
                raw: own,
                reset: "off".to_owned(),
                unit: None,
                vartype: "bool",
                context: "user",
                doc,
                words: None,
                bounds: None,
            }
        };
        SETTINGS.iter().map(one).chain(self.switches.iter().map(switch)).collect()
    }

    /// A transaction starts with the modes that are the session's defaults.
    pub fn start_transaction(&mut self) {
        for (own, default) in [
            ("transaction_isolation", "default_transaction_isolation"),
            ("transaction_deferrable", "default_transaction_deferrable"),
        ] {
            if self.raw(own) != self.raw(default) {
                let value = self.raw(default).to_owned();
                self.values_mut().insert(own.to_owned(), value);
            }
        }
    }

    /// A block or savepoint opens.
    pub fn begin(&mut self, name: &str) {
        self.saved.push((name.to_owned(), Arc::clone(&self.values)));
    }

    /// A savepoint is forgotten; what was set since stays.
    pub fn release(&mut self, name: &str) {
        if let Some(at) = self.saved.iter().rposition(|(own, _)| own == name) {
            self.saved.truncate(at);
        }
    }

    /// Goes back to a savepoint, which stays.
    pub fn rollback_to(&mut self, name: &str) {
        if let Some(at) = self.saved.iter().rposition(|(own, _)| own == name) {
            self.values = Arc::clone(&self.saved[at].1);
            self.saved.truncate(at + 1);
        }
    }

    /// The block ends well: what SET LOCAL hid comes back. True if that changed a setting.
    pub fn commit(&mut self) -> bool {
        self.saved.clear();
        let hidden = std::mem::take(&mut self.local);
        let changes = !hidden.is_empty();
        if changes {
            self.values_mut().extend(hidden);
        }
        changes
    }

    /// The block is taken back. True if that changed a setting.
    pub fn rollback(&mut self) -> bool {
        self.local.clear();
        let Some((_, values)) = self.saved.drain(..).next() else { return false };
        let before = std::mem::replace(&mut self.values, values);
        !Arc::ptr_eq(&before, &self.values)
    }

    fn values_mut(&mut self) -> &mut Values {
        Arc::make_mut(&mut self.values)
    }

    /// Settings that clients are told of and that have changed since this was last asked; at first all.
    pub fn take_reports(&mut self) -> Vec<(String, String)> {
        let mut reports = Vec::new();
        for setting in SETTINGS.iter().filter(|setting| setting.report) {
            let key = setting.name.to_lowercase();
            let shown = self.values.get(&key).map(|value| value::show(setting.ty, value)).unwrap_or_default();
            if self.reported.get(&key) != Some(&shown) {
                self.reported.insert(key, shown.clone());
                reports.push((setting.name.to_owned(), shown));
            }
        }
        reports
    }

    fn raw(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    fn millis(&self, name: &str) -> Option<Duration> {
        self.raw(name).parse().ok().filter(|&millis: &u64| millis > 0).map(Duration::from_millis)
    }

    /// `statement_timeout`; none is no limit.
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.millis("statement_timeout")
    }

    /// `idle_in_transaction_session_timeout`; none is no limit.
    pub fn idle_in_transaction_session_timeout(&self) -> Option<Duration> {
        self.millis("idle_in_transaction_session_timeout")
    }

    /// `idle_session_timeout`; none is no limit.
    pub fn idle_session_timeout(&self) -> Option<Duration> {
        self.millis("idle_session_timeout")
    }

    /// `spanwire.lookback`; none is the source's own.
    pub fn lookback(&self) -> Option<Duration> {
        value::span(self.raw("spanwire.lookback"))
    }

    /// `spanwire.max_calls`; none is the configuration's.
    pub fn max_calls(&self) -> Option<u32> {
        self.raw("spanwire.max_calls").parse().ok()
    }

    /// `spanwire.cache` and `spanwire.max_staleness`.
    pub fn held_rows(&self) -> HeldRows {
        match self.raw("spanwire.cache") {
            "off" => HeldRows::Never,
            "only" => HeldRows::Only,
            _ => HeldRows::UpTo(self.millis("spanwire.max_staleness").unwrap_or_default()),
        }
    }

    /// `spanwire.priority`.
    pub fn priority(&self) -> Priority {
        match self.raw("spanwire.priority") {
            "sync" => Priority::Sync,
            "backfill" => Priority::Backfill,
            _ => Priority::Interactive,
        }
    }

    /// `spanwire.pushdown`.
    pub fn pushdown(&self) -> bool {
        self.raw("spanwire.pushdown") != "off"
    }

    /// Whether a setting of somebody else's says on.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.raw(&name.to_lowercase()), "on" | "true" | "yes" | "1")
    }

    /// `search_path`, with `$user` as it stands.
    pub fn search_path(&self) -> Vec<String> {
        value::path(self.raw("search_path"))
    }

    /// `TimeZone`: an IANA name or a POSIX zone, as `SHOW` gives it.
    pub fn time_zone(&self) -> &str {
        self.raw("timezone")
    }

    /// `extra_float_digits`.
    pub fn extra_float_digits(&self) -> i32 {
        self.raw("extra_float_digits").parse().unwrap_or(1)
    }

    /// The word of an enumerated setting.
    pub fn word(&self, name: &str) -> &str {
        self.raw(name)
    }

    /// `client_min_messages`, as far as there are messages to hold back.
    pub fn least_notice(&self) -> Option<Severity> {
        match self.raw("client_min_messages") {
            "warning" => Some(Severity::Warning),
            "error" => None,
            _ => Some(Severity::Notice),
        }
    }
}

fn unknown(name: &str) -> Error {
    let error = Error::new(Kind::UndefinedObject, format!("unrecognized configuration parameter \"{name}\""));
    match crate::sql::fault::nearest(name, SETTINGS.iter().map(|setting| setting.name)) {
        Some(near) => error.hint(format!("Perhaps you meant \"{near}\".")),
        None => error,
    }
}

fn closed(name: &str) -> Error {
    Error::new(Kind::CantChangeRuntimeParam, format!("parameter \"{name}\" cannot be changed"))
}

/// What a PostgreSQL standby says.
pub(super) fn no_writing() -> Error {
    Error::new(Kind::FeatureNotSupported, "cannot set transaction read-write mode during recovery")
        .detail("The gateway only reads, as a standby does.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(vars: &mut Vars, name: &str, value: &str) -> Result<()> {
        vars.set(name, &[value.to_owned()], Scope::Session)
    }

    #[test]
    fn switches_are_settings_that_are_on_or_off() {
        let mut vars = Vars::default();
        vars.offer("vendor.archived", "Reads archived rows.");
        vars.offer("vendor.archived", "The same of another table.");
        assert_eq!(vars.show("vendor.archived").unwrap(), "off");
        let error = set(&mut vars, "Vendor.Archived", "perhaps").unwrap_err();
        assert_eq!(error.message, "parameter \"vendor.archived\" requires a Boolean value");
        assert_eq!(error.sqlstate(), "22023");
        for (value, is_on) in [("yes", true), ("f", false), ("TRUE", true), ("0", false), ("On", true)] {
            set(&mut vars, "VENDOR.archived", value).unwrap();
            assert_eq!(vars.is_on("vendor.archived"), is_on, "{value}");
        }
        assert_eq!(vars.canonical("VENDOR.ARCHIVED").unwrap(), "vendor.archived");
        let of_vendor: Vec<_> = vars.all().into_iter().filter(|(name, ..)| name.starts_with("vendor.")).collect();
        let expected = ("vendor.archived".to_owned(), "on".to_owned(), "Reads archived rows.".to_owned());
        assert_eq!(of_vendor, [expected]);
        vars.reset("vendor.archived").unwrap();
        assert!(!vars.is_on("vendor.archived"));
        set(&mut vars, "vendor.archived", "on").unwrap();
        vars.reset_all();
        assert_eq!(vars.show("vendor.archived").unwrap(), "off");
    }

    #[test]
    fn the_priority_is_one_of_three_words() {
        let mut vars = Vars::default();
        assert_eq!(vars.priority(), Priority::Interactive);
        for (word, priority) in
            [("sync", Priority::Sync), ("Backfill", Priority::Backfill), ("interactive", Priority::Interactive)]
        {
            set(&mut vars, "spanwire.priority", word).unwrap();
            assert_eq!(vars.priority(), priority);
        }
        let error = set(&mut vars, "spanwire.priority", "high").unwrap_err();
        assert_eq!(error.sqlstate(), "22023");
        assert_eq!(error.hint.as_deref(), Some("Available values: interactive, sync, backfill."));
    }

    #[test]
    fn other_names_with_a_dot_take_any_value() {
        let mut vars = Vars::default();
        vars.offer("vendor.archived", "Reads archived rows.");
        set(&mut vars, "vendor.other", "perhaps").unwrap();
        assert_eq!(vars.show("vendor.other").unwrap(), "perhaps");
        assert_eq!(set(&mut vars, "spanwire.nope", "on").unwrap_err().sqlstate(), "42704");
    }
}
