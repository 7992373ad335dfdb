//! Whole traces: the lines, the verdict, and what no trace may do.

mod bodies;
mod bounds;
mod captures;
mod causes;
mod consequences;
mod documented;
mod dresses;
mod headers;
mod left_out;
mod packets;
mod pairs;
mod script;
mod seed;
mod support;
mod wrappings;
