use crate::args::Failure;
pub fn run(_: &[String]) -> Result<(), Failure> { Ok(()) }
