//! The certificate that the pages of this box show: made by the box itself, in one file with its key.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType,
};

/// Name of the file: key and certificate together, so that there is never one without the other.
const FILE: &str = "web.pem";
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Phones refuse what is valid for longer than 825 days, whoever vouches for it.
const VALID: Duration = Duration::from_secs(820 * 24 * 3600);
/// A box is known under a few names and the addresses of its interfaces.
const MOST_NAMES: usize = 64;

/// Makes a new key (ECDSA P-256) and a certificate for `names` (names and addresses), valid from
/// yesterday on; puts both in `web.pem` in `directory`, mode 0600, in place of what was there.
///
/// A crash or a full disk leaves the old file or the new one, whole.
pub fn make(directory: &Path, names: &[String]) -> Result<PathBuf, String> {
    let path = directory.join(FILE);
    let text = issue(names, SystemTime::now())?;
    let explain = |error: io::Error| format!("cannot write {}: {error}", path.display());
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(explain)?;
    let mut draft: OsString = path.clone().into_os_string();
    draft.push(format!(".new-{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write_new(&draft, text.as_bytes())
        .and_then(|()| std::fs::rename(&draft, &path))
        .and_then(|()| File::open(directory)?.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written.map_err(explain)?;
    Ok(path)
}

fn issue(names: &[String], now: SystemTime) -> Result<String, String> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
    let first = names.first().ok_or("--name NAME is needed: what the box is called")?;
    if names.len() > MOST_NAMES {
        return Err(format!("{} names; at most {MOST_NAMES} fit", names.len()));
    }
    params.distinguished_name = DistinguishedName::new();
    // What a browser shows as the owner; the standard allows 64 characters.
    params.distinguished_name.push(DnType::CommonName, first.chars().take(64).collect::<String>());
    params.distinguished_name.push(DnType::OrganizationName, "QuicEther box");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = (now - DAY).into();
    params.not_after = (now + VALID).into();
    let said = |error: rcgen::Error| format!("cannot make the certificate: {error}");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(said)?;
    let certificate = params.self_signed(&key).map_err(said)?;
    Ok(key.serialize_pem() + &certificate.pem())
}

fn alternative(name: &str) -> Result<SanType, String> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(format!("--name: {name:?} is neither an address nor a host name"));
    }
    name.to_ascii_lowercase().try_into().map(SanType::DnsName).map_err(|error| format!("--name: {name:?}: {error}"))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn key_and_certificate_are_one_file_that_only_its_owner_reads() {
        let directory = std::env::temp_dir().join(format!("qe-certificate-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        let path = make(&directory, &names(&["leeds", "192.0.2.7", "2001:db8::7"])).unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        assert!(first.starts_with("-----BEGIN PRIVATE KEY-----"), "{first}");
        assert_eq!(first.matches("-----BEGIN CERTIFICATE-----").count(), 1);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        make(&directory, &names(&["leeds"])).unwrap();
        assert_ne!(std::fs::read_to_string(&path).unwrap(), first, "asked again, a new one is made");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "no draft stays");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_is_no_name_is_refused_and_nothing_is_written() {
        let directory = std::env::temp_dir().join(format!("qe-no-certificate-{}", std::process::id()));
        for bad in [&["two words"][..], &["a..b"], &[""], &["x\nY"], &["*"], &["münchen"], &[]] {
            assert!(make(&directory, &names(bad)).unwrap_err().contains("--name"), "{bad:?}");
        }
        assert!(make(&directory, &vec!["a".into(); MOST_NAMES + 1]).is_err());
        assert!(!directory.exists());
    }
}
