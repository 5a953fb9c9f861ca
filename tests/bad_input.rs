//! What a person, a platform, a file or a server can get wrong: it is told by name with the way out, changes nothing and
//! loses nothing.

mod console;
mod corpus;
mod files;
mod kinds;
mod matrix;
mod mutants;
mod parsers;
mod rendered;
mod values;
pub mod world;
