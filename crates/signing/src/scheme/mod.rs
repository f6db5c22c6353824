//! Signing schemes: from parameters, token and time to the texts that go over the wire. A scheme is pure; it knows
//! nothing of HTTP, of the clock or of the network.

pub mod v2020_4;
