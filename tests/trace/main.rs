//! Whole traces: the lines, the verdict, and what no trace may do.

mod bounds;
mod causes;
mod consequences;
mod documented;
mod script;
mod seed;
mod support;
