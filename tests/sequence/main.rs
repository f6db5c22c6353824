//! Long work in one call (`wait`, `resume`, `pages`), and files that come and go (`save_to`, `files`), against servers that
//! count what they see.

mod center;
mod downloads;
mod emulator;
mod killed;
mod nginx;
mod pages;
mod uploads;
mod waiting;

use rpa_test_support::requests::with_all;
use rpa_test_support::{folder, harness, programs, server, tools};
