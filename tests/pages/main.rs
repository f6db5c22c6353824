//! The pages hold what they say: examples run as printed, tables are complete, links lead somewhere, and what a page or a
//! comment cites is there. In both languages a page has the same parts.

mod citations;
mod examples;
mod links;
mod page;
mod parts;
mod tables;
