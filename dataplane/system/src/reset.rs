//! Back to how it came: only somebody who stands before the box may ask for it.
//!
//! A code of eight digits is written to the screen of the box; who types it has been there. It is
//! kept as a hash, dies with the next start, after ten minutes, and after five wrong guesses.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};
use crate::place::Place;

/// Found by the next start, which then makes the data partition anew.
pub const MARKER: &str = "/data/.factory-reset";

const PRESENCE: &str = "/run/quicether-system/presence";
const CODE_LEN: usize = 8;
const LIFETIME_S: u64 = 600;
const MAX_GUESSES: u8 = 5;

#[derive(Serialize, Deserialize)]
struct Presence {
    hash: Vec<u8>,
    until_s: u64,
    guesses_left: u8,
}

/// Checks that the caller has seen the screen; a code is shown there when none is given.
/// Root on the box itself needs none.
pub fn check_presence(place: &Place, code: Option<&str>, is_root: bool, now_s: u64) -> Outcome<()> {
    if is_root {
        return Ok(());
    }
    let Some(code) = code else {
        show_code(place, now_s)?;
        return Err(Failure::new("system.presence", "a reset has to be confirmed by somebody who is at the box")
            .remedy(format!(
                "a code of {CODE_LEN} digits is on its screen for {} minutes now: give it",
                LIFETIME_S / 60
            )));
    };
    let held: Option<Presence> = place.read(PRESENCE, 4096).and_then(|text| serde_json::from_str(&text).ok());
    let Some(held) = held.filter(|held| now_s < held.until_s && held.guesses_left > 0) else {
        place.remove(PRESENCE)?;
        return Err(Failure::new("system.presence", "no code is waiting to be typed")
            .remedy("ask for the reset without a code: a new one is shown on the screen of the box"));
    };
    if verify_slices_are_equal(&hash(code), &held.hash).is_ok() {
        return place.remove(PRESENCE);
    }
    let guesses_left = held.guesses_left - 1;
    write_presence(place, &Presence { guesses_left, ..held })?;
    Err(Failure::new("system.presence", format!("that is not the code on the screen; {guesses_left} tries are left"))
        .remedy("type the digits as they stand on the screen of the box"))
}

/// Leaves the marker; the reset itself is the next start's.
pub fn mark(place: &Place) -> Outcome<()> {
    place.replace(MARKER, b"asked for by quicether-system\n", 0o600)
}

fn show_code(place: &Place, now_s: u64) -> Outcome<()> {
    let code = random_code();
    write_presence(place, &Presence { hash: hash(&code), until_s: now_s + LIFETIME_S, guesses_left: MAX_GUESSES })?;
    let text = format!("\r\n  Factory reset was asked for. Code: {} {}\r\n\r\n", &code[..4], &code[4..]);
    let consoles = place.read("/sys/class/tty/console/active", 256).unwrap_or_default();
    let shown =
        consoles.split_whitespace().filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric())).filter(|name| {
            let path = place.at(&format!("/dev/{name}"));
            let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
            let console = OpenOptions::new().append(true).custom_flags(flags).open(path);
            console.and_then(|mut console| console.write_all(text.as_bytes())).is_ok()
        });
    if shown.count() == 0 {
        return Err(Failure::new("system.presence", "this box has no screen that a code could be shown on")
            .remedy("press its reset button, or write the image anew"));
    }
    Ok(())
}

fn write_presence(place: &Place, presence: &Presence) -> Outcome<()> {
    place.replace(PRESENCE, serde_json::to_string(presence).unwrap_or_default().as_bytes(), 0o600)
}

fn hash(code: &str) -> Vec<u8> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    digest(&SHA256, digits.as_bytes()).as_ref().to_vec()
}

/// Digits, each as likely as another.
fn random_code() -> String {
    let mut code = String::new();
    while code.len() < CODE_LEN {
        let mut byte = [0u8];
        // SAFETY: the buffer has room for its length.
        let got = unsafe { libc::getrandom(byte.as_mut_ptr().cast(), byte.len(), 0) };
        assert_eq!(got, 1, "the system has randomness");
        if byte[0] < 250 {
            code.push(char::from(b'0' + byte[0] % 10));
        }
    }
    code
}
