//! PEM (RFC 7468) of one private key: just what a key file needs.

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of a key file.
pub fn encode(der: &[u8]) -> String {
    let mut base64 = String::with_capacity(der.len() * 4 / 3 + 4);
    for chunk in der.chunks(3) {
        let bits =
            u32::from_be_bytes([0, chunk[0], chunk.get(1).copied().unwrap_or(0), chunk.get(2).copied().unwrap_or(0)]);
        for place in 0..4 {
            if place <= chunk.len() {
                base64.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]));
            } else {
                base64.push('=');
            }
        }
    }
    let mut text = format!("{BEGIN}\n");
    for start in (0..base64.len()).step_by(64) {
        text.push_str(&base64[start..base64.len().min(start + 64)]);
        text.push('\n');
    }
    text + END + "\n"
}

/// The DER bytes of a key file, or `None` when it is no PEM private key.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let mut der = Vec::with_capacity(body.len() * 3 / 4);
    let (mut bits, mut count, mut padded) = (0u32, 0u32, false);
    for byte in body.bytes().filter(|b| !b.is_ascii_whitespace()) {
        if byte == b'=' {
            padded = true;
            continue;
        }
        let value = ALPHABET.iter().position(|a| *a == byte).filter(|_| !padded)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xff_ffff;
        count += 1;
        if count % 4 != 1 {
            let shift = 6 - 2 * ((count + 3) % 4);
            der.push(u8::try_from(bits >> shift & 0xff).ok()?);
        }
    }
    (count % 4 != 1).then_some(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_at_every_length() {
        for len in 0..200usize {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 37 + len) as u8).collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn known_text_and_garbage() {
        assert_eq!(encode(b"hello"), format!("{BEGIN}\naGVsbG8=\n{END}\n"));
        assert_eq!(decode(&format!("{BEGIN}\naGVs bG8=\n{END}")), Some(b"hello".to_vec()));
        for bad in [
            "",
            "aGVsbG8=",
            "-----BEGIN PRIVATE KEY-----\na\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nab=c\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
