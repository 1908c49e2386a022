//! Tools of the lab.
fn main() {}
