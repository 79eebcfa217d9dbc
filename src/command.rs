//! The commands of the program, one file each: what they do, and what they tell the person who ran them.

pub mod migrate;
