//! What a call carries apart from its stamp.

/// The content type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded;charset=utf-8";

/// The parameters as they are signed and sent, the same for each attempt.
pub struct Payload {
    /// `key=value&...`, percent-encoded; absent where there are no parameters, or none in the query.
    pub query: Option<String>,
    /// What the signature covers before pass and time are added.
    pub(super) signed: String,
    pub(super) sent: Sent,
}

/// What is sent beside the query.
pub(super) enum Sent {
    /// No body; a content type all the same, where the control center wants one.
    Nothing(Option<&'static str>),
    /// What is signed, byte for byte, as this content type.
    Body(&'static str),
    /// What is signed, as a form, with the stamp beside it. The action in it is so long.
    Form { action: usize },
}
