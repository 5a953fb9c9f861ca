//! What people on Discord meet: from a command to its end, with everything that can go wrong between.

mod run;
