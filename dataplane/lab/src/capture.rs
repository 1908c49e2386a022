use crate::args::Failure;
pub fn run_capture(_: &[String]) -> Result<(), Failure> { Ok(()) }
pub fn run_replay(_: &[String]) -> Result<(), Failure> { Ok(()) }
pub fn run_sniff(_: &[String]) -> Result<(), Failure> { Ok(()) }
