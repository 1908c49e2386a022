//! The messages: one JSON object a line, in both directions.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::addresses::Addresses;
use crate::appliance::Appliance;
use crate::boot::{Boot, SlotView};
use crate::failure::{Failure, Outcome};
use crate::update::{Installed, Progress};

/// Longest line that is read: room for 32 SSH keys.
pub const MAX_LINE_LEN: usize = 192 << 10;

/// What can be asked for; nothing else can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// What is.
    State,
    /// Install the staged bundle.
    Update,
    /// Restart the box.
    Reboot,
    /// Back to how it came.
    Reset(ResetParams),
    /// SSH on or off.
    Ssh(SshParams),
    /// Addresses of a port.
    Addresses(Addresses),
}

impl Call {
    /// As a log says it; never with parameters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Update => "update",
            Self::Reboot => "reboot",
            Self::Reset(_) => "reset",
            Self::Ssh(_) => "ssh",
            Self::Addresses(_) => "addresses",
        }
    }
}

/// Parameters of `reset`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetParams {
    /// From the screen of the box; without it one is shown there.
    #[serde(default)]
    pub code: Option<String>,
}

/// Parameters of `ssh`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshParams {
    /// Whether it is to be on.
    pub on: bool,
    /// All keys that may come in; left out: as they are.
    #[serde(default)]
    pub authorized_keys: Option<Vec<String>>,
}

/// A line to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// It is done.
    Answer {
        /// Of the request.
        id: u64,
        /// What came of it.
        answer: Answer,
    },
    /// It is not done.
    Failure {
        /// Of the request; 0 when it could not be read.
        id: u64,
        /// Why.
        #[serde(flatten)]
        failure: Failure,
    },
    /// It is being done.
    Progress {
        /// Of the request.
        id: u64,
        /// How far.
        #[serde(flatten)]
        progress: Progress,
    },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// Of `state`.
    State(State),
    /// Of `update`.
    Installed(Installed),
    /// Of the others.
    Done,
}

/// What is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// Release that runs.
    pub version: String,
    /// Kind of box.
    pub board: String,
    /// Both slots.
    pub slots: [SlotView; 2],
    /// Whether the running release is proven.
    pub boot: Boot,
    /// Whether an update is being installed.
    pub updating: bool,
    /// Whether SSH is on.
    pub ssh: bool,
    /// Keys that may come in.
    pub ssh_keys: usize,
    /// Addresses that were set.
    pub addresses: Vec<Addresses>,
}

impl State {
    /// What is, of a box and its slots; the rest as given.
    pub fn new(appliance: &Appliance, slots: [SlotView; 2], boot: Boot) -> Self {
        Self {
            version: appliance.version.to_string(),
            board: appliance.board.clone(),
            slots,
            boot,
            updating: false,
            ssh: false,
            ssh_keys: 0,
            addresses: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    id: u64,
    call: String,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The call in a line, with its number; or why there is none.
pub fn parse_call(line: &[u8]) -> (u64, Outcome<Call>) {
    let envelope: Envelope<'_> = match serde_json::from_slice(line) {
        Ok(envelope) => envelope,
        Err(error) => return (0, Err(bad(format!("the line is no request: {error}")))),
    };
    let params = envelope.params.map_or("{}", |raw| raw.get());
    let name = envelope.call.as_str();
    let call = match name {
        "state" => read::<Nothing>(name, params).map(|_| Call::State),
        "update" => read::<Nothing>(name, params).map(|_| Call::Update),
        "reboot" => read::<Nothing>(name, params).map(|_| Call::Reboot),
        "reset" => read(name, params).map(Call::Reset),
        "ssh" => read(name, params).map(Call::Ssh),
        "addresses" => read(name, params).map(Call::Addresses),
        other => {
            let name: String = other.chars().take(40).collect();
            Err(bad(format!("there is no call {name:?}; there are state, update, reboot, reset, ssh and addresses")))
        }
    };
    (envelope.id, call)
}

fn read<'a, T: Deserialize<'a>>(name: &str, params: &'a str) -> Outcome<T> {
    // Objects alone: serde would take a list of values in order for one.
    if !params.starts_with('{') {
        return Err(bad(format!("the parameters of {name} are no object")));
    }
    serde_json::from_str(params).map_err(|error| bad(format!("the parameters of {name} cannot be read: {error}")))
}

fn bad(message: String) -> Failure {
    Failure::new("system.bad-request", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Step;

    #[test]
    fn calls_are_read() {
        assert_eq!(parse_call(br#"{"id":1,"call":"state"}"#), (1, Ok(Call::State)));
        assert_eq!(parse_call(br#"{"id":2,"call":"reboot","params":{}}"#), (2, Ok(Call::Reboot)));
        let ssh = Call::Ssh(SshParams { on: false, authorized_keys: None });
        assert_eq!(parse_call(br#"{"id":3,"call":"ssh","params":{"on":false}}"#), (3, Ok(ssh)));
    }

    #[test]
    fn nothing_else_is() {
        for line in [
            "",
            "{",
            "[]",
            "null",
            r#"{"call":"state"}"#,
            r#"{"id":1}"#,
            r#"{"id":-1,"call":"state"}"#,
            r#"{"id":1,"call":"exec","params":{"argv":["sh"]}}"#,
            r#"{"id":1,"call":"update","params":{"path":"/etc/shadow"}}"#,
            r#"{"id":1,"call":"state","params":[]}"#,
            r#"{"id":1,"call":"ssh","params":{"on":"yes"}}"#,
            r#"{"id":1,"call":"state","more":1}"#,
            r#"{"id":1,"id":2,"call":"state"}"#,
        ] {
            let (_, call) = parse_call(line.as_bytes());
            assert_eq!(call.expect_err(line).code, "system.bad-request", "{line}");
        }
    }

    #[test]
    fn messages_are_what_the_daemon_reads() {
        let line = |message: &Message| serde_json::to_string(message).unwrap();
        let progress = Progress { step: Step::Writing, percent: 42, version: "1.4.0".into() };
        assert_eq!(
            line(&Message::Progress { id: 1, progress }),
            r#"{"type":"progress","id":1,"step":"writing","percent":42,"version":"1.4.0"}"#
        );
        let failure = Failure::new("system.busy", "x").remedy("y");
        assert_eq!(
            line(&Message::Failure { id: 1, failure }),
            r#"{"type":"failure","id":1,"code":"system.busy","message":"x","remedy":"y"}"#
        );
        assert_eq!(
            line(&Message::Answer { id: 1, answer: Answer::Done }),
            r#"{"type":"answer","id":1,"answer":{"kind":"done"}}"#
        );
    }
}
