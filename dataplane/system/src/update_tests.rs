//! Updates of a folder that stands for a box: what is refused, what is left, and what a cut leaves.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use quicether_bundle::Version;

use crate::boot::{SlotState, decide_slots, parse_entry};
use crate::keys::key_id;
use crate::place::Place;
use crate::protocol::{Answer, Call, ResetParams, SshParams};
use crate::service::Service;
use crate::staging::STAGING;
use crate::update::{Installed, Progress, Step, install};
use crate::{appliance, reset, ssh};

const COUNTED: &str = "sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const OLD_ROOT: &[u8] = b"the root that runs";

/// A box on slot a with release 1.4.0, and two release keys.
struct TestBox {
    root: PathBuf,
    keys: [Ed25519KeyPair; 2],
}

impl Drop for TestBox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl TestBox {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("qe-system-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let root = fs::canonicalize(std::env::temp_dir()).unwrap().join(name);
        let keys = [Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap()];
        let made = Self { root, keys };
        made.put("run/gw-slot", "gwslot=a\ngwdev=/dev/vda2\ngwdisk=/dev/vda\ngwdata=/dev/vda4\ngwesp=/dev/vda1\n");
        made.put("usr/lib/os-release", "ID=quicether\nIMAGE_ID=quicether\nIMAGE_VERSION=1.4.0\n");
        made.put("usr/share/quicether/board", "amd64-uefi\n");
        for (part, name) in [("vda1", "gw-esp"), ("vda2", "gw-root-a"), ("vda3", "gw-root-b")] {
            made.put(
                &format!("sys/class/block/vda/{part}/uevent"),
                format!("MAJOR=254\nDEVNAME={part}\nDEVTYPE=partition\nPARTNAME={name}\n"),
            );
        }
        // A stick with an image on it, first in any listing: it must not be written.
        made.put("sys/class/block/sda/sda3/uevent", "DEVNAME=sda3\nPARTNAME=gw-root-b\n");
        made.put("dev/sda3", "stick");
        made.put("sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", "\x06\0\0\0");
        made.put("dev/vda2", OLD_ROOT);
        made.put("dev/vda3", vec![0xee; 3 << 20]);
        made.put("efi/EFI/Linux/gw_1.4.0.efi", "old kernel");
        made.put("efi/EFI/Linux/gw_1.3.0.efi", "older kernel");
        for key in &made.keys {
            let public = key.public_key().as_ref();
            let hex: String = public.iter().map(|b| format!("{b:02x}")).collect();
            made.put(&format!("usr/share/quicether/release-keys/{}.pub", key_id(public)), hex + "\n");
        }
        made
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn get(&self, path: &str) -> Vec<u8> {
        fs::read(self.root.join(path)).unwrap()
    }

    fn ukis(&self) -> Vec<String> {
        let listed = fs::read_dir(self.root.join("efi/EFI/Linux")).unwrap();
        let mut names: Vec<String> = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn place(&self) -> Place {
        Place::new(&self.root)
    }

    fn update(&self, bundle: &[u8]) -> Result<Installed, String> {
        self.put(STAGING, bundle);
        install(&self.place(), &mut |_| {}).map_err(|failure| format!("{}: {failure}", failure.code))
    }

    /// Nothing is other than before: neither slot, nor what can boot.
    fn assert_untouched(&self, why: &str) {
        assert_eq!(self.get("dev/vda2"), OLD_ROOT, "{why}");
        assert_eq!(self.get("dev/vda3"), vec![0xee; 3 << 20], "{why}");
        assert_eq!(self.get("dev/sda3"), b"stick", "{why}");
        assert_eq!(self.ukis(), ["gw_1.3.0.efi", "gw_1.4.0.efi"], "{why}");
    }
}

/// What goes into a bundle.
struct Release {
    version: &'static str,
    board: &'static str,
    uki: Vec<u8>,
    root: Vec<u8>,
}

impl Default for Release {
    fn default() -> Self {
        let root = (0..2_080_768u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        Self { version: "1.5.0", board: "amd64-uefi", uki: b"kernel ".repeat(30_000), root }
    }
}

impl Release {
    fn manifest(&self) -> String {
        let hex =
            |bytes: &[u8]| -> String { digest(&SHA256, bytes).as_ref().iter().map(|b| format!("{b:02x}")).collect() };
        format!(
            r#"{{"format":"quicether-update-1","board":"{}","version":"{}","files":[
            {{"name":"uki.efi","size_bytes":{},"sha256":"{}"}},{{"name":"root.img","size_bytes":{},"sha256":"{}"}}]}}"#,
            self.board,
            self.version,
            self.uki.len(),
            hex(&self.uki),
            self.root.len(),
            hex(&self.root)
        )
    }

    fn signed(&self, key: &Ed25519KeyPair) -> Vec<u8> {
        let manifest = self.manifest();
        archive(&[
            ("manifest.json", manifest.as_bytes()),
            ("manifest.sig", key.sign(manifest.as_bytes()).as_ref()),
            ("uki.efi", &self.uki),
            ("root.img", &self.root),
        ])
    }
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in members {
        let mut block = [0u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..136].copy_from_slice(format!("0000644\x000000000\x000000000\0{:011o}\0", data.len()).as_bytes());
        block[136..157].copy_from_slice(b"00000000000\0        0");
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(block);
        out.extend(*data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize((out.len() + 1024).next_multiple_of(10240), 0);
    out
}

#[test]
fn a_newer_release_is_written_to_the_other_slot_and_gets_three_tries() {
    for key in 0..2 {
        let made = TestBox::new();
        let release = Release::default();
        made.put(STAGING, release.signed(&made.keys[key]));
        let mut told: Vec<Progress> = Vec::new();
        let installed = install(&made.place(), &mut |progress| told.push(progress)).unwrap();
        assert_eq!(
            (installed.version.as_str(), installed.key_id),
            ("1.5.0", key_id(made.keys[key].public_key().as_ref()))
        );
        let slot = made.get("dev/vda3");
        assert_eq!(&slot[..release.root.len()], release.root);
        assert!(slot[release.root.len()..].iter().all(|b| *b == 0xee), "nothing behind it is written");
        assert_eq!(made.ukis(), ["gw_1.4.0.efi", "gw_1.5.0+3.efi"]);
        assert_eq!(made.get("efi/EFI/Linux/gw_1.5.0+3.efi"), release.uki);
        assert_eq!((made.get("dev/vda2"), made.get("dev/sda3")), (OLD_ROOT.to_vec(), b"stick".to_vec()));
        assert!(told.windows(2).all(|pair| pair[0].percent <= pair[1].percent), "{told:?}");
        assert_eq!(told.last().map(|last| (last.step, last.percent)), Some((Step::Ready, 100)));
        assert!(told.len() > 5 && told.len() <= 110, "{}", told.len());
    }
}

#[test]
fn what_is_not_right_is_refused_with_its_reason_and_changes_nothing() {
    let made = TestBox::new();
    let stranger = Ed25519KeyPair::generate().unwrap();
    let own = &made.keys[0];
    let good = Release::default().signed(own);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        bundle
    };
    let release = |version, board| Release { version, board, ..Release::default() }.signed(own);
    let flip = |at: usize| with(&|bundle| bundle[at] ^= 1);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("a stranger's key", Release::default().signed(&stranger), &["system.bad-signature"]),
        ("a letter of the manifest", flip(530), &["system.bad-signature"]),
        ("a bit of the signature", flip(3 * 512 + 5), &["system.bad-signature"]),
        ("a bit of the kernel", flip(4096), &["system.damaged", "uki.efi"]),
        ("a bit of the root", flip(1 << 20), &["system.damaged", "root.img"]),
        ("a bit behind the end", with(&|b| *b.last_mut().unwrap() = 1), &["system.trailing"]),
        ("more behind the end", with(&|b| b.extend([0; 30_000])), &["system.trailing"]),
        ("another archive behind", with(&|b| b.extend(good.clone())), &["system.trailing"]),
        ("half of it", with(&|b| b.truncate(b.len() / 2)), &["system.truncated"]),
        ("all but its end", with(&|b| b.truncate(2048 + 512 + 210_432 + 512 + 2_080_768)), &["system.truncated"]),
        ("a header alone", with(&|b| b.truncate(512)), &["system.truncated"]),
        ("nothing", vec![], &["system.truncated"]),
        ("text", b"hello".repeat(1000), &["system.no-update"]),
        ("an older release", release("1.3.9", "amd64-uefi"), &["system.not-newer", "1.3.9", "1.4.0"]),
        ("a release before it", release("1.4.0-rc.9", "amd64-uefi"), &["system.not-newer", "1.4.0-rc.9"]),
        ("the same release", release("1.4.0", "amd64-uefi"), &["system.not-newer", "the same"]),
        ("another board", release("1.5.0", "arm64-uefi"), &["system.wrong-board", "arm64-uefi", "amd64-uefi"]),
        ("no version", release("1.5", "amd64-uefi"), &["system.bad-manifest", "version"]),
        (
            "a root larger than the slot",
            Release { root: vec![1; (3 << 20) + 4096], ..Release::default() }.signed(own),
            &["system.no-space", "slot"],
        ),
    ];
    for (what, bundle, named) in cases {
        let said = made.update(&bundle).expect_err(what);
        for word in named {
            assert!(said.contains(word), "{what}: {said}");
        }
        made.assert_untouched(what);
    }
}

#[test]
fn what_stands_in_for_the_bundle_is_not_followed() {
    let made = TestBox::new();
    let staging = made.root.join(STAGING);
    let said = |what: &str| {
        let failure = install(&made.place(), &mut |_| {}).expect_err(what);
        assert_eq!(failure.code, "system.no-bundle", "{what}");
        made.assert_untouched(what);
        failure.message
    };
    assert!(said("nothing").contains("there is no bundle"));
    made.put("elsewhere/bundle.gwu", Release::default().signed(&made.keys[0]));
    fs::create_dir_all(staging.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../../../../elsewhere/bundle.gwu", &staging).unwrap();
    assert!(said("a link").contains("link"));
    fs::remove_file(&staging).unwrap();
    let path = std::ffi::CString::new(staging.to_str().unwrap()).unwrap();
    // SAFETY: the path ends with a zero.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    assert!(said("a pipe").contains("plain file"));
    fs::remove_file(&staging).unwrap();
    fs::create_dir(&staging).unwrap();
    assert!(said("a folder").contains("plain file"));
    fs::remove_dir_all(staging.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../../../elsewhere", staging.parent().unwrap()).unwrap();
    assert!(said("a link on the way").contains("link"));
}

#[test]
fn a_release_that_has_not_shown_that_it_works_is_not_built_upon() {
    let made = TestBox::new();
    let path: Vec<u8> = "\\EFI\\Linux\\gw_1.4.0+2-1.efi\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    made.put(COUNTED, [&[6, 0, 0, 0][..], &path].concat());
    fs::rename(made.root.join("efi/EFI/Linux/gw_1.4.0.efi"), made.root.join("efi/EFI/Linux/gw_1.4.0+2-1.efi")).unwrap();
    let bundle = Release::default().signed(&made.keys[0]);
    let said = made.update(&bundle).unwrap_err();
    assert!(said.starts_with("system.not-blessed") && said.contains("1.4.0"), "{said}");
    assert_eq!(made.ukis(), ["gw_1.3.0.efi", "gw_1.4.0+2-1.efi"]);
    fs::rename(made.root.join("efi/EFI/Linux/gw_1.4.0+2-1.efi"), made.root.join("efi/EFI/Linux/gw_1.4.0.efi")).unwrap();
    fs::rename(made.root.join("sys/firmware/efi/efivars"), made.root.join("sys/firmware/efi/hidden")).unwrap();
    assert!(made.update(&bundle).unwrap_err().starts_with("system.not-blessed"), "nothing vouches for it");
    fs::rename(made.root.join("sys/firmware/efi/hidden"), made.root.join("sys/firmware/efi/efivars")).unwrap();
    assert!(made.update(&bundle).is_ok(), "blessed");
}

#[test]
fn wherever_it_is_cut_the_old_release_boots_and_no_other_but_a_whole_one() {
    let release = Release::default();
    for cut_at in (0..=100).step_by(4) {
        let made = TestBox::new();
        made.put(STAGING, release.signed(&made.keys[0]));
        let cut = catch_unwind(AssertUnwindSafe(|| {
            install(&made.place(), &mut |progress| {
                if progress.percent >= cut_at {
                    std::panic::resume_unwind(Box::new("power"));
                }
            })
        }));
        assert!(cut.is_err(), "{cut_at}");
        assert_eq!(
            (made.get("dev/vda2"), made.get("efi/EFI/Linux/gw_1.4.0.efi")),
            (OLD_ROOT.to_vec(), b"old kernel".to_vec())
        );
        let is_whole = made.get("dev/vda3").starts_with(&release.root);
        for file in made.ukis().iter().filter(|name| name.ends_with(".efi") && *name != "gw_1.4.0.efi") {
            let intact = made.get("dev/vda3") == vec![0xee; 3 << 20];
            assert!(file == "gw_1.3.0.efi" && intact || file == "gw_1.5.0+3.efi" && is_whole, "{cut_at}: {file}");
        }
        // And the same update goes through afterwards.
        assert!(install(&made.place(), &mut |_| {}).is_ok(), "{cut_at}");
        assert_eq!(made.ukis(), ["gw_1.4.0.efi", "gw_1.5.0+3.efi"], "{cut_at}");
    }
}

#[test]
fn a_disk_that_gives_back_other_bytes_is_found_out() {
    let made = TestBox::new();
    let place = made.place();
    let appliance = appliance::observe(&place).unwrap();
    let mut device = crate::slot::SlotDevice::open(&place, &appliance, appliance.slot.other()).unwrap();
    let bytes = vec![7; 300_000];
    let sha256 = digest(&SHA256, &bytes).as_ref().try_into().unwrap();
    let entry = quicether_bundle::FileEntry { len: bytes.len() as u64, sha256 };
    device.write(&bytes).and_then(|()| device.sync()).unwrap();
    device.read_back(&entry, &mut |_| {}).unwrap();
    let mut other = made.get("dev/vda3");
    other[299_999] = 8;
    made.put("dev/vda3", other);
    assert_eq!(device.read_back(&entry, &mut |_| {}).unwrap_err().code, "system.slot");
}

#[test]
fn keys_that_are_missing_or_mixed_up_stop_everything() {
    let made = TestBox::new();
    let bundle = Release::default().signed(&made.keys[0]);
    let wrong = "usr/share/quicether/release-keys/0000000000000000.pub";
    made.put(wrong, "00".repeat(32));
    assert!(made.update(&bundle).unwrap_err().starts_with("system.broken-release"));
    fs::remove_dir_all(made.root.join("usr/share/quicether/release-keys")).unwrap();
    assert!(made.update(&bundle).unwrap_err().starts_with("system.broken-release"));
    made.assert_untouched("keys");
}

#[test]
fn state_says_what_is_and_another_machine_is_told_so() {
    let made = TestBox::new();
    made.put("efi/EFI/Linux/gw_1.6.0+0-3.efi", "broken");
    fs::remove_file(made.root.join("efi/EFI/Linux/gw_1.3.0.efi")).unwrap();
    let service = Service::new(made.place());
    let Answer::State(state) = service.carry_out(&Call::State, false, &mut |_| {}).unwrap() else { panic!("state") };
    assert_eq!(
        (state.version.as_str(), state.board.as_str(), state.ssh, state.updating),
        ("1.4.0", "amd64-uefi", false, false)
    );
    assert_eq!((state.slots[1].version.as_deref(), state.slots[1].state), (Some("1.6.0"), SlotState::Failed));
    let entries = [parse_entry("gw_1.4.0.efi").unwrap()];
    assert_eq!(decide_slots(crate::boot::Slot::A, &Version::parse("1.4.0").unwrap(), &entries)[1].version, None);

    fs::remove_file(made.root.join("run/gw-slot")).unwrap();
    for call in [Call::State, Call::Reboot, Call::Update, Call::Reset(ResetParams { code: None })] {
        let failure = service.carry_out(&call, true, &mut |_| {}).unwrap_err();
        assert_eq!(failure.code, "system.not-an-appliance");
        assert!(failure.remedy.unwrap().contains("package"));
    }
    assert!(!made.root.join("commands.log").exists(), "nothing was run");
}

#[test]
fn a_reset_needs_somebody_at_the_screen() {
    let made = TestBox::new();
    made.put("sys/class/tty/console/active", "tty0 ttyS0\n");
    made.put("dev/ttyS0", "");
    let service = Service::new(made.place());
    let call = |code: Option<&str>| {
        let params = ResetParams { code: code.map(str::to_owned) };
        service.carry_out(&Call::Reset(params), false, &mut |_| {})
    };
    let marker = made.root.join(reset::MARKER.trim_start_matches('/'));
    let code_on_screen = || {
        let text = String::from_utf8(made.get("dev/ttyS0")).unwrap();
        let code = text.rsplit_once("Code: ").unwrap().1.trim().to_owned();
        assert_eq!(code.len(), 9, "{code}");
        code
    };
    assert_eq!(call(Some("12345678")).unwrap_err().code, "system.presence");
    assert!(call(None).unwrap_err().remedy.unwrap().contains("screen"));
    let code = code_on_screen();
    for _ in 0..5 {
        assert_eq!(call(Some("guess")).unwrap_err().code, "system.presence");
    }
    assert!(call(Some(&code)).is_err(), "guessed too often");
    call(None).unwrap_err();
    let code = code_on_screen();
    assert!(!marker.exists() && !made.root.join("commands.log").exists());
    call(Some(&code.replace(' ', ""))).unwrap();
    assert!(marker.exists());
    assert_eq!(made.get("commands.log"), b"/usr/bin/systemctl --no-block reboot\n");
    assert!(call(Some(&code)).is_err(), "used up");
    let place = made.place();
    reset::check_presence(&place, None, false, 1_000).unwrap_err();
    let code = code_on_screen();
    assert!(reset::check_presence(&place, Some(&code), false, 1_601).is_err(), "too late");
    reset::check_presence(&place, None, true, 0).unwrap();
}

#[test]
fn ssh_is_turned_on_with_a_key_only() {
    let made = TestBox::new();
    let service = Service::new(made.place());
    let call = |on, keys: Option<&[&str]>| {
        let authorized_keys = keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
        service.carry_out(&Call::Ssh(SshParams { on, authorized_keys }), false, &mut |_| {}).map_err(|f| f.code)
    };
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ anna";
    assert_eq!(call(true, None), Err("system.no-ssh-key"));
    assert_eq!(call(true, Some(&["command=\"sh\" x"])), Err("system.ssh-key"));
    assert_eq!(ssh::observe(&made.place()), (false, 0));
    assert_eq!(call(true, Some(&[key])), Ok(Answer::Done));
    assert_eq!(made.get("var/lib/quicether-ssh/authorized_keys"), format!("{key}\n").as_bytes());
    assert_eq!(ssh::observe(&made.place()), (true, 1));
    assert_eq!(call(false, None), Ok(Answer::Done));
    assert_eq!(ssh::observe(&made.place()), (false, 1));
    let log = String::from_utf8(made.get("commands.log")).unwrap();
    assert_eq!(log, "/usr/bin/systemctl start ssh.service\n/usr/bin/systemctl stop ssh.service\n");
}
