//! The command line of `randomlike`.

fn main() {}
