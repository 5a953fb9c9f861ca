//! What people on Discord meet: from a command to its end, with everything that can go wrong between.

mod both;
mod door;
mod press;
mod run;
mod trouble;
