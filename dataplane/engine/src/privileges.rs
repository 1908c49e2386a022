//! What the engine may do: CAP_NET_ADMIN and nothing else, and no way to get more.

use std::io;

const CAP_NET_ADMIN: u32 = 12;
const CAP_SETPCAP: u32 = 8;
/// Highest capability number the two words of the kernel's version 3 can hold.
const MAX_CAPABILITY: u32 = 63;
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Word {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up everything but CAP_NET_ADMIN. To be called before the first thread is started,
/// because capabilities belong to threads.
pub fn drop_all_but_net_admin() -> io::Result<()> {
    let mut words = read()?;
    if has(&words, CAP_SETPCAP) {
        for capability in (0..=MAX_CAPABILITY).filter(|c| *c != CAP_NET_ADMIN) {
            // Numbers this kernel does not know are refused; that is no failure.
            let _ = prctl(libc::PR_CAPBSET_DROP, u64::from(capability));
        }
    }
    let _ = prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as u64);
    for (index, word) in words.iter_mut().enumerate() {
        let keep = if index == 0 { word.permitted & (1 << CAP_NET_ADMIN) } else { 0 };
        *word = Word { effective: keep, permitted: keep, inheritable: 0 };
    }
    write(&words)?;
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
    // Neither a core file nor a debugger of the same user gets the node key.
    prctl(libc::PR_SET_DUMPABLE, 0)
}

/// Whether interfaces and routes can be changed.
pub fn have_net_admin() -> bool {
    read().is_ok_and(|words| has(&words, CAP_NET_ADMIN))
}

fn has(words: &[Word; 2], capability: u32) -> bool {
    words[capability as usize / 32].effective & (1 << (capability % 32)) != 0
}

fn read() -> io::Result<[Word; 2]> {
    let mut header = Header { version: CAPABILITY_VERSION_3, pid: 0 };
    let mut words = [Word::default(); 2];
    // SAFETY: header and words have the layout of version 3 and outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, words.as_mut_ptr()) };
    if result == 0 { Ok(words) } else { Err(io::Error::last_os_error()) }
}

fn write(words: &[Word; 2]) -> io::Result<()> {
    let mut header = Header { version: CAPABILITY_VERSION_3, pid: 0 };
    // SAFETY: header and words have the layout of version 3 and outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, words.as_ptr()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn prctl(option: i32, argument: u64) -> io::Result<()> {
    // SAFETY: these options take plain numbers; unused arguments must be zero.
    let result = unsafe { libc::prctl(option, argument, 0u64, 0u64, 0u64) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_net_admin_is_left() {
        // In a thread of its own: what it gives up, the other tests keep.
        std::thread::spawn(|| {
            let before = have_net_admin();
            let mut words = read().unwrap();
            words[0].permitted &= 1 << CAP_NET_ADMIN;
            words[1].permitted = 0;
            for word in &mut words {
                (word.effective, word.inheritable) = (word.permitted, 0);
            }
            write(&words).unwrap();
            let after = read().unwrap();
            assert_eq!(after[0].permitted & !(1 << CAP_NET_ADMIN), 0);
            assert_eq!(after[1].permitted, 0);
            assert_eq!(have_net_admin(), before);
        })
        .join()
        .unwrap();
    }
}
