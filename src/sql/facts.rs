//! What a session's functions tell.

/// What the functions tell.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The user.
    pub user: String,
    /// The database that the client asked for.
    pub database: String,
    /// First schema of the search path that exists.
    pub schema: Option<String>,
    /// `version()`.
    pub version: String,
    /// Process number of the session.
    pub backend_pid: i32,
}
