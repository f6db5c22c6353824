//! Signing schemes: from parameters, a pass and the time to the texts that go over the wire. A scheme is pure; it knows
//! nothing of HTTP, of the clock or of the network.
//!
//! Each generation of the control center has a file of its own, which states its rule: [`v2020_4`], [`v2020_5`],
//! [`v10_3`], [`v9`]. What they share:
//!
//! | module | does |
//! |---|---|
//! | `rule` | what sets one generation apart: the trait [`Scheme`] |
//! | `stamp` | one attempt's signature, stage by stage |
//! | `payload` | what a call carries apart from its stamp |
//! | `parameters` | what a call is given, as body, params and query |

mod parameters;
mod payload;
mod rule;
mod stamp;
pub mod v10_3;
pub mod v2020_4;
pub mod v2020_5;
pub mod v9;

pub use parameters::{Encoding, LoneSurrogate, Mode, Parameters, Query, Values};
pub use payload::Payload;
pub use rule::{Pass, Scheme};
pub use stamp::{Body, Stamp};

/// Each generation, the usual one first.
pub static ALL: [&dyn Scheme; 4] = [&v2020_4::V2020_4, &v2020_5::V2020_5, &v10_3::V10_3, &v9::V9];
