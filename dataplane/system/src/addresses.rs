//! Addresses of the ports of the box, as files for networkd and the image's own `ports`. Everything in
//! them is parsed and written anew, so that no text of a caller reaches a file.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::failure::{Failure, Outcome};
use crate::place::Place;

/// Read by the image's `ports`, which makes network, DHCP and names of the LAN side from it.
const LAN_ADDRESS: &str = "/var/lib/quicether-box/lan-address";
/// Read by networkd: the image links `/etc/systemd/network` to this folder.
const WAN_NETWORK: &str = "/var/lib/quicether-system/network/10-line.network";

const LAN_PREFIX_LEN: u8 = 24;
const MAX_INTERFACE_LEN: usize = 15;
const MAX_DNS: usize = 3;

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To the internet.
    Wan,
    /// To the office.
    Lan,
}

/// Addresses of one port, as a caller asks for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// What the port is for.
    pub role: Role,
    /// Its name: `enp1s0`.
    pub interface: String,
    /// With the length of its network, `192.168.77.1/24`; none: asked for by DHCP (WAN only).
    #[serde(default)]
    pub address: Option<String>,
    /// Router, for a WAN with an address.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// Name servers.
    #[serde(default)]
    pub dns: Vec<IpAddr>,
}

/// What is set, port by port.
pub fn observe(place: &Place) -> Vec<Addresses> {
    [Role::Wan, Role::Lan]
        .into_iter()
        .filter_map(|role| serde_json::from_str(&place.read(&memory_of(role), 4096)?).ok())
        .collect()
}

/// Writes what one port is to have, and has it read.
pub fn apply(place: &Place, wanted: &Addresses) -> Outcome<()> {
    let text = encode(wanted)?;
    let memory = serde_json::to_string(wanted).unwrap_or_default();
    let command = match wanted.role {
        Role::Lan => {
            place.replace(LAN_ADDRESS, text.as_bytes(), 0o644)?;
            Command::RestartPorts
        }
        Role::Wan => {
            place.replace(WAN_NETWORK, text.as_bytes(), 0o644)?;
            Command::ReloadNetwork
        }
    };
    place.replace(&memory_of(wanted.role), memory.as_bytes(), 0o644)?;
    command.run(place)
}

fn memory_of(role: Role) -> String {
    match role {
        Role::Wan => "/var/lib/quicether-system/wan.json".into(),
        Role::Lan => "/var/lib/quicether-system/lan.json".into(),
    }
}

fn encode(wanted: &Addresses) -> Outcome<String> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let interface = &wanted.interface;
    if !(1..=MAX_INTERFACE_LEN).contains(&interface.len()) || !interface.bytes().all(is_name) || interface == "lo" {
        return refuse(format!("interface {:?} is no name of a port", interface.chars().take(20).collect::<String>()));
    }
    let address = match wanted.address.as_deref().map(|text| (text, parse_prefixed(text))) {
        None => None,
        Some((_, Some(parsed))) => Some(parsed),
        Some((text, None)) => {
            return refuse(format!("address {:?} cannot be used", text.chars().take(50).collect::<String>()));
        }
    };
    match wanted.role {
        Role::Lan => encode_lan(wanted, address),
        Role::Wan => encode_wan(wanted, address),
    }
}

fn encode_lan(wanted: &Addresses, address: Option<(IpAddr, u8)>) -> Outcome<String> {
    let Some((address @ IpAddr::V4(_), LAN_PREFIX_LEN)) = address else {
        return refuse("the LAN side needs an IPv4 address in a network of 254 (/24)".into());
    };
    if wanted.gateway.is_some() || !wanted.dns.is_empty() {
        return refuse("the LAN side has no gateway and no name servers: this box is both".into());
    }
    Ok(format!("{address}\n"))
}

fn encode_wan(wanted: &Addresses, address: Option<(IpAddr, u8)>) -> Outcome<String> {
    let Addresses { interface, gateway, dns, .. } = wanted;
    if dns.len() > MAX_DNS {
        return refuse(format!("{} name servers: at most {MAX_DNS}", dns.len()));
    }
    let mut text = format!("[Match]\nName={interface}\n\n[Network]\n");
    match (address, gateway) {
        (None, Some(_)) => return refuse("a gateway without an address: give both".into()),
        (None, None) => text.push_str("DHCP=yes\n"),
        (Some((address, len)), gateway) => {
            text.push_str(&format!("Address={address}/{len}\n"));
            match gateway {
                Some(gateway) if *gateway == address || !is_within(*gateway, address, len) => {
                    return refuse(format!("gateway {gateway} is not a neighbour in the network of {address}"));
                }
                Some(gateway) => text.push_str(&format!("Gateway={gateway}\n")),
                None => {}
            }
        }
    }
    for server in dns {
        text.push_str(&format!("DNS={server}\n"));
    }
    Ok(text)
}

fn refuse<T>(why: String) -> Outcome<T> {
    Err(Failure::new("system.address", why).remedy("give an address with the length of its network: 192.168.77.1/24"))
}

fn parse_prefixed(text: &str) -> Option<(IpAddr, u8)> {
    let (address, len) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let prefix_len: u8 = len.parse().ok().filter(|_| !len.starts_with('+'))?;
    let usable = match address {
        IpAddr::V4(v4) => {
            let host = u32::from(v4).checked_shl(prefix_len.into()).unwrap_or(0) >> prefix_len.min(31);
            let all = u32::MAX.checked_shl(prefix_len.into()).unwrap_or(0) >> prefix_len.min(31);
            (8..=30).contains(&prefix_len) && host != 0 && host != all && !v4.is_broadcast()
        }
        IpAddr::V6(v6) => (16..=127).contains(&prefix_len) && !v6.is_unicast_link_local(),
    };
    let special = address.is_loopback() || address.is_multicast() || address.is_unspecified();
    (usable && !special).then_some((address, prefix_len))
}

fn is_within(one: IpAddr, other: IpAddr, prefix_len: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)) >> (32 - prefix_len.min(31)) == 0,
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)) >> (128 - prefix_len.min(127)) == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Result<String, String> {
        let wanted: Addresses = serde_json::from_str(json).map_err(|error| error.to_string())?;
        encode(&wanted).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_file_says_what_was_asked_for() {
        assert_eq!(
            said(r#"{"role":"lan","interface":"enp2s0","address":"192.168.77.1/24"}"#).unwrap(),
            "192.168.77.1\n"
        );
        assert!(said(r#"{"role":"wan","interface":"enp1s0"}"#).unwrap().ends_with("DHCP=yes\n"));
        let fixed = r#"{"role":"wan","interface":"enp1s0","address":"203.0.113.9/28","gateway":"203.0.113.1","dns":["9.9.9.9","2620:fe::fe"]}"#;
        assert!(said(fixed).unwrap().ends_with("Gateway=203.0.113.1\nDNS=9.9.9.9\nDNS=2620:fe::fe\n"));
        assert!(said(r#"{"role":"wan","interface":"e","address":"2001:db8::2/64","gateway":"2001:db8::1"}"#).is_ok());
    }

    #[test]
    fn nothing_else_gets_into_it() {
        for json in [
            r#"{"role":"lan","interface":"enp2s0"}"#,
            r#"{"role":"lan","interface":"","address":"192.168.77.1/24"}"#,
            r#"{"role":"lan","interface":"lo","address":"192.168.77.1/24"}"#,
            r#"{"role":"lan","interface":"a\n[Match]","address":"192.168.77.1/24"}"#,
            r#"{"role":"lan","interface":"../../x","address":"192.168.77.1/24"}"#,
            r#"{"role":"lan","interface":"*","address":"192.168.77.1/24"}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.77.0/24"}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.77.255/24"}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.77.1/32"}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.77.1/23"}"#,
            r#"{"role":"lan","interface":"e","address":"2001:db8::1/24"}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.77.1/24","dns":["9.9.9.9"]}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.077.1/24"}"#,
            r#"{"role":"lan","interface":"e","address":"127.0.0.1/8"}"#,
            r#"{"role":"lan","interface":"e","address":"0.0.0.0/24"}"#,
            r#"{"role":"lan","interface":"e","address":"224.0.0.5/24"}"#,
            r#"{"role":"lan","interface":"e","address":"fe80::1/64"}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.77.1/24\nGateway=1.2.3.4"}"#,
            r#"{"role":"lan","interface":"e","address":"192.168.77.1/24","gateway":"192.168.77.2"}"#,
            r#"{"role":"wan","interface":"e","gateway":"192.168.77.2"}"#,
            r#"{"role":"wan","interface":"e","address":"203.0.113.9/28","gateway":"203.0.113.77"}"#,
            r#"{"role":"wan","interface":"e","address":"203.0.113.9/28","gateway":"2001:db8::1"}"#,
            r#"{"role":"wan","interface":"e","dns":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]}"#,
            r#"{"role":"wan","interface":"e","dns":["example.org"]}"#,
            r#"{"role":"dmz","interface":"e"}"#,
            r#"{"role":"wan","interface":"e","exec":"x"}"#,
        ] {
            assert!(said(json).is_err(), "{json}");
        }
    }
}
