//! Words of a command line, read strictly: an unknown flag or a bad value is a usage error.

use std::fmt::Display;
use std::str::FromStr;

/// Why a tool ended early.
#[derive(Debug)]
pub enum Failure {
    /// The words were wrong; nothing was done.
    Usage(String),
    /// Something did not work.
    Failed(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// An error with what was being done, for a person.
pub fn failed(what: &str) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| Failure::Failed(format!("{what}: {error}"))
}

/// Flags and plain words of one tool.
pub struct Args {
    usage: &'static str,
    words: Vec<String>,
    flags: Vec<(String, Option<String>)>,
}

impl Args {
    /// Sorts words into flags and plain words. `switches` are the flags without a value.
    pub fn parse(words: &[String], switches: &[&str], usage: &'static str) -> Result<Self, Failure> {
        let mut args = Self { usage, words: Vec::new(), flags: Vec::new() };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let Some(flag) = word.strip_prefix("--") else {
                args.words.push(word.clone());
                continue;
            };
            if flag == "help" {
                return Err(Failure::Usage(usage.to_string()));
            }
            if let Some((name, value)) = flag.split_once('=') {
                args.flags.push((name.to_string(), Some(value.to_string())));
            } else if switches.contains(&flag) {
                args.flags.push((flag.to_string(), None));
            } else {
                let value = rest.next().ok_or_else(|| args.bad(format!("--{flag} wants a value")))?;
                args.flags.push((flag.to_string(), Some(value.clone())));
            }
        }
        Ok(args)
    }

    fn bad(&self, what: String) -> Failure {
        Failure::Usage(format!("{what}\n{}", self.usage))
    }

    /// The next plain word, parsed.
    pub fn word<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<T, Failure> {
        if self.words.is_empty() {
            return Err(self.bad(format!("{name} is missing")));
        }
        let word = self.words.remove(0);
        word.parse().map_err(|error| self.bad(format!("{name}: \"{word}\": {error}")))
    }

    /// Whether a switch was given.
    pub fn switch(&mut self, name: &str) -> bool {
        let before = self.flags.len();
        self.flags.retain(|(flag, _)| flag != name);
        self.flags.len() != before
    }

    /// The value of a flag, parsed; the last one counts.
    pub fn flag<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let mut found = None;
        while let Some(at) = self.flags.iter().position(|(flag, _)| flag == name) {
            let text = self.flags.remove(at).1.unwrap_or_default();
            found = Some(text.parse().map_err(|error| self.bad(format!("--{name}: \"{text}\": {error}")))?);
        }
        Ok(found)
    }

    /// The value of a flag that must be there.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<T, Failure> {
        self.flag(name)?.ok_or_else(|| self.bad(format!("--{name} is missing")))
    }

    /// Refuses what nobody asked for.
    pub fn finish(self) -> Result<(), Failure> {
        if let Some((flag, _)) = self.flags.first() {
            return Err(self.bad(format!("--{flag} is not a flag of this tool")));
        }
        if let Some(word) = self.words.first() {
            return Err(self.bad(format!("\"{word}\" is one word too many")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Args {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        Args::parse(&words, &["quiet"], "usage: x").expect("parses")
    }

    #[test]
    fn words_flags_and_switches_are_told_apart() {
        let mut args = parse("a --rate 8.5 --quiet b --seed=7");
        assert!(args.switch("quiet"));
        assert_eq!(args.flag::<f64>("rate").unwrap(), Some(8.5));
        assert_eq!(args.required::<u64>("seed").unwrap(), 7);
        assert_eq!(args.word::<String>("first").unwrap(), "a");
        assert_eq!(args.word::<String>("second").unwrap(), "b");
        assert!(args.finish().is_ok());
    }

    #[test]
    fn a_typo_and_a_bad_value_are_refused() {
        assert!(matches!(parse("--rat 8").finish(), Err(Failure::Usage(text)) if text.contains("--rat")));
        assert!(parse("--rate fast").flag::<f64>("rate").is_err());
        assert!(parse("").word::<String>("interface").is_err());
        assert!(parse("extra").finish().is_err());
    }
}
