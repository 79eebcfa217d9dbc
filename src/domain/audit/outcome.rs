//! How calls end, as events tell it.

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditResult {
    /// It did what it was asked for.
    Success,
    /// The caller is not known, or may not do this.
    Denied,
    /// It was allowed, and not done.
    Failed,
}

impl AuditResult {
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Success, Self::Denied, Self::Failed];

    /// The text in the database and in exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }

    /// Reads the text of the database.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == text)
    }
}
