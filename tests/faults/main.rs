//! Servers that fail, and what the caller is told: the kind, whether the request was delivered, how many attempts were made,
//! and that it did not take too long.

mod again;
mod ca_file;
mod clock;
mod codings;
mod extremes;
mod fork;
mod hangs;
mod heads;
mod idle;
mod keeping;
mod limits;
mod posts;
mod redirects;
mod replies;
mod table;
mod unreachable;

use rpa_test_support::replies::{ends_at, facts};
use rpa_test_support::requests::create_job as request;
use rpa_test_support::server::closed_port;
use rpa_test_support::{c, harness, programs, server, tls, tools};

const MODES: [&str; 4] = ["get", "post", "put", "delete"];
