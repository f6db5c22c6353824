//! TCP, and the attempt that uses it: limits that hold to the millisecond, and what went out and came.

pub(crate) mod attempt;
pub(crate) mod lookup;
pub(crate) mod tcp;
