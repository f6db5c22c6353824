//! A failure in the words of both languages.

/// What is wrong, for `msg` and for `detail`.
pub(super) struct Words {
    pub(super) cause: String,
    pub(super) detail: String,
}

impl Words {
    pub(super) fn new(cause: impl Into<String>, detail: impl Into<String>) -> Words {
        Words { cause: cause.into(), detail: detail.into() }
    }
}
