//! Why a call did not do what it says.

use std::fmt;
use std::io;
use std::path::Path;

use serde::Serialize;

/// An expected failure, in the words that a person sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Stable: `system.bad-signature`.
    pub code: &'static str,
    /// Place, value and what is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Failure {
    /// A failure without a remedy.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: None }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// The system refused something at `path`.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        if error.raw_os_error() == Some(libc::ENOSPC) {
            return Self::new("system.no-space", format!("{}: the disk is full", path.display()))
                .remedy("make room and try again");
        }
        Self::new("system.io", format!("{}: {error}", path.display()))
            .remedy("look at the journal: the disk may be failing")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, " ({remedy})"))
    }
}

/// A value, or why there is none.
pub type Outcome<T> = Result<T, Failure>;
