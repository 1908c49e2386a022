//! Versions of releases, and which is newer.

use std::cmp::Ordering;
use std::fmt;

/// `MAJOR.MINOR.PATCH`, or `MAJOR.MINOR.PATCH-WORD.NUMBER`, which comes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u32; 3],
    pre: Option<(String, u32)>,
}

const MAX_WORD_LEN: usize = 16;

impl Version {
    /// The version that `text` writes, in the one way in which it can be written.
    pub fn parse(text: &str) -> Option<Self> {
        let (numbers, pre) = match text.split_once('-') {
            None => (text, None),
            Some((numbers, pre)) => {
                let (word, number) = pre.split_once('.')?;
                let is_word = (1..=MAX_WORD_LEN).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase());
                (numbers, Some((is_word.then(|| word.to_owned())?, parse_number(number)?)))
            }
        };
        let mut parts = numbers.split('.').map(parse_number);
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self { numbers, pre })
    }
}

fn parse_number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok())?
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (&self.pre, &other.pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(mine), Some(theirs)) => mine.cmp(theirs),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        self.pre.as_ref().map_or(Ok(()), |(word, number)| write!(f, "-{word}.{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_ordered_number_by_number() {
        let rising = ["0.1.0", "0.9.9", "0.10.0", "1.0.0-beta.2", "1.0.0-rc.1", "1.0.0-rc.10", "1.0.0", "1.0.1"];
        for pair in rising.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
        }
        for text in rising {
            assert_eq!(Version::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_can_be_written_in_two_ways_or_hides_something_is_none() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.2.03",
            "1.2.3-",
            "1.2.3-rc",
            "1.2.3-rc.",
            "1.2.3-RC.1",
            "v1.2.3",
            "1.2.3-rc.01",
            "1.2.4294967296",
            "1.2.3-rc.1-x",
            "1.2.-3",
            "+1.2.3",
            "1.2.3/../x",
            "1.2.3\n",
            "1..3",
        ] {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }
}
