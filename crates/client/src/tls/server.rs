//! Which server a TLS session is with, as far as messages differ.

/// The server at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    ControlCenter,
    /// Its certificate is judged by the system's store and `tls.ca_file`; pins are the control center's alone.
    Redis,
}

impl Server {
    /// For `detail`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Server::ControlCenter => "the server",
            Server::Redis => "the Redis server",
        }
    }

    /// The field that its address is given in.
    pub(super) fn address_field(self) -> &'static str {
        match self {
            Server::ControlCenter => "host",
            Server::Redis => "token_store.redis",
        }
    }

    pub(super) fn takes_pins(self) -> bool {
        self == Server::ControlCenter
    }
}
