//! Texts that must never be shown.

use std::fmt;

use zeroize::Zeroizing;

/// A key, a token or a text that holds one: prints nothing, and is wiped when it is dropped.
#[derive(Clone, PartialEq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Secret(Zeroizing::new(text))
    }

    /// The text, which is no longer wiped: for what has turned out not to be a secret.
    pub fn into_inner(mut self) -> String {
        std::mem::take(&mut self.0)
    }

    /// The secret itself. Whoever calls this must not let it into an error or a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "Secret(..)");
    }
}
