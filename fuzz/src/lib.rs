//! What the fuzz targets share.

pub mod server;

use rpa_client::Function;

/// The reply of a function, through the library's one door.
pub fn reply(function: Function, request: &str) -> String {
    String::from_utf8(rpa_client::reply(function, Some(request.as_bytes()))).expect("a reply is UTF-8")
}
