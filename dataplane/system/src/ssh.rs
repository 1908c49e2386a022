//! The switch for SSH, and who may come in by it.

use crate::command::Command;
use crate::failure::{Failure, Outcome};
use crate::place::Place;

/// There while SSH is on; `ssh.service` does not start without it.
pub const SWITCH: &str = "/var/lib/quicether-system/ssh-on";
/// Keys of the administrator.
pub const KEYS: &str = "/var/lib/quicether-ssh/authorized_keys";

const MAX_KEYS: usize = 32;
const MAX_LINE_LEN: usize = 4096;
const MAX_COMMENT_LEN: usize = 100;
const MIN_RSA_BLOB_LEN: usize = 270;

const TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// Whether SSH is on, and how many keys may come in.
pub fn observe(place: &Place) -> (bool, usize) {
    let keys = place.read(KEYS, (MAX_KEYS * MAX_LINE_LEN) as u64).unwrap_or_default();
    (place.at(SWITCH).exists(), keys.lines().filter(|line| !line.is_empty()).count())
}

/// Puts the keys in place, when there are any, then turns SSH on or off.
pub fn apply(place: &Place, on: bool, keys: Option<&[String]>) -> Outcome<()> {
    if let Some(keys) = keys {
        place.replace(KEYS, parse_keys(keys)?.as_bytes(), 0o644)?;
    }
    if !on {
        place.remove(SWITCH)?;
        return Command::StopSsh.run(place);
    }
    if observe(place).1 == 0 {
        return Err(Failure::new("system.no-ssh-key", "nobody could sign in by SSH: no key is given")
            .remedy("give the public key of the administrator; passwords are not accepted"));
    }
    place.replace(SWITCH, b"", 0o644)?;
    Command::StartSsh.run(place)
}

/// The file of all keys, or which one is none.
fn parse_keys(keys: &[String]) -> Outcome<String> {
    if keys.len() > MAX_KEYS {
        return Err(Failure::new("system.ssh-key", format!("{} keys: at most {MAX_KEYS}", keys.len())));
    }
    let mut text = String::new();
    for (index, line) in keys.iter().enumerate() {
        let refuse = |why: &str| {
            Failure::new("system.ssh-key", format!("key {}: {why}", index + 1))
                .remedy("give one public key as ssh-keygen writes it: type, key, comment; without options")
        };
        text.push_str(&parse_key(line).map_err(refuse)?);
        text.push('\n');
    }
    Ok(text)
}

/// One public key, with single blanks between its parts.
fn parse_key(line: &str) -> Result<String, &'static str> {
    if line.len() > MAX_LINE_LEN {
        return Err("it is too long");
    }
    if line.chars().any(char::is_control) {
        return Err("it has control characters or line breaks in it");
    }
    let mut words = line.trim().splitn(3, ' ');
    let (kind, body, comment) = (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
    if !TYPES.contains(&kind) {
        return Err("it does not begin with a type of key that is accepted");
    }
    let blob = decode_base64(body).ok_or("its middle part is not base64")?;
    let name_len = blob.first_chunk::<4>().map_or(0, |len| u32::from_be_bytes(*len) as usize);
    if blob.get(4..4 + name_len.min(64)) != Some(kind.as_bytes()) {
        return Err("its type is not what the key says");
    }
    if blob.len() < 4 + name_len + 32 {
        return Err("it is cut off");
    }
    if kind == "ssh-rsa" && blob.len() < MIN_RSA_BLOB_LEN {
        return Err("RSA keys need 2048 bits or more");
    }
    if comment.len() > MAX_COMMENT_LEN {
        return Err("its comment is too long");
    }
    Ok(format!("{kind} {body} {comment}").trim_end().to_owned())
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 {
        return None;
    }
    let (mut out, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in digits.bytes() {
        bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|a| *a == byte)?).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
        bits &= 0xfff;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ anna@office";

    #[test]
    fn a_key_is_taken_as_ssh_keygen_writes_it() {
        assert_eq!(parse_key(GOOD).unwrap(), GOOD);
        assert_eq!(parse_key(&format!("  {GOOD} at home ")).unwrap(), format!("{GOOD} at home"));
        let bare = GOOD.rsplit_once(' ').unwrap().0;
        assert_eq!(parse_key(bare).unwrap(), bare);
    }

    #[test]
    fn options_commands_and_what_is_no_key_are_refused() {
        let two_lines = format!("{GOOD}\nssh-ed25519 x");
        let cut = GOOD.replace("Lq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ", "");
        let other_type = GOOD.replacen("ssh-ed25519", "ssh-rsa", 1);
        let short_rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDAZ0l5LWsMr0Fo5AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for line in [
            "",
            "command=\"sh\" ssh-ed25519 AAAA",
            &format!("no-pty {GOOD}"),
            &format!("environment=\"LD_PRELOAD=x\" {GOOD}"),
            &format!("# {GOOD}"),
            "ssh-dss AAAAB3NzaC1kc3MAAACBAO",
            "cert-authority ssh-ed25519 AAAA",
            "ssh-ed25519",
            "ssh-ed25519 !!!!",
            "ssh-ed25519 AAAA====",
            &two_lines,
            &cut,
            &other_type,
            short_rsa,
            &format!("{GOOD} {}", "x".repeat(101)),
            &"x".repeat(5000),
        ] {
            assert!(parse_key(line).is_err(), "{line}");
        }
        let said = parse_keys(&[GOOD.into(), "x".into()]).unwrap_err();
        assert!(said.message.starts_with("key 2:"), "{said}");
        assert!(parse_keys(&vec![GOOD.to_owned(); MAX_KEYS + 1]).is_err());
    }
}
