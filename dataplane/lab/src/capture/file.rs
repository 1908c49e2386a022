//! Datagrams in a file: a line that says what it is, then each with its length before it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

const MAGIC: &[u8] = b"quicether-lab datagrams 1\n";

/// Writes datagrams one by one.
pub struct Writer(BufWriter<File>);

impl Writer {
    /// A new file; one that is there is replaced.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(MAGIC)?;
        Ok(Self(file))
    }

    /// Adds one.
    pub fn add(&mut self, datagram: &[u8]) -> io::Result<()> {
        let len = u16::try_from(datagram.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.0.write_all(&len.to_be_bytes())?;
        self.0.write_all(datagram)
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// All datagrams of a file.
pub fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    decode(BufReader::new(File::open(path)?))
}

fn decode(mut from: impl Read) -> io::Result<Vec<Vec<u8>>> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(|| bad("not a file of datagrams"))?;
    let mut datagrams = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len));
        let datagram = after.get(..len).ok_or_else(|| bad("the last datagram is cut short"))?;
        datagrams.push(datagram.to_vec());
        rest = &after[len..];
    }
    if rest.is_empty() { Ok(datagrams) } else { Err(bad("the last datagram is cut short")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_such_file_is_refused() {
        assert!(decode(&b"hello"[..]).is_err());
        let cut = [MAGIC, &[0, 3, 1, 2]].concat();
        assert!(decode(&cut[..]).is_err());
        let whole = [MAGIC, &[0, 3, 1, 2, 3, 0, 0]].concat();
        assert_eq!(decode(&whole[..]).unwrap(), [vec![1, 2, 3], vec![]]);
    }
}
