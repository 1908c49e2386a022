//! One line from the daemon: bytes in, a request or a sentence about what is wrong with it out.

use serde::Deserialize;
use serde_json::Value;

use crate::messages::{Call, DesiredState, Message, Request};

/// Why a call did not do what it says; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    id: u64,
    code: &'static str,
    message: String,
}

impl Failure {
    /// A failure of the request `id`, 0 when there is none.
    pub fn new(id: u64, code: &'static str, message: impl Into<String>) -> Self {
        Self { id, code, message: message.into() }
    }

    /// As it is sent.
    pub fn into_message(self) -> Message {
        Message::Failure { id: self.id, code: self.code.into(), message: self.message }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: u64,
    call: String,
    #[serde(borrow, default)]
    params: Option<&'a serde_json::value::RawValue>,
}

/// The request in `line`, or the failure to answer it with. A wrong type names its place.
pub fn parse_request(line: &[u8]) -> Result<Request, Failure> {
    let envelope: Envelope<'_> = serde_json::from_slice(line).map_err(|error| {
        Failure::new(find_id(line), "bad_request", format!("the line is not a request ({error}): send {{\"id\":1,\"call\":\"hello\",\"params\":{{\"protocol\":1}}}}"))
    })?;
    let id = envelope.id;
    let params = envelope.params.map_or("null", |raw| raw.get());
    let call = match envelope.call.as_str() {
        "apply" => {
            let mut reader = serde_json::Deserializer::from_str(params);
            let state: DesiredState = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
                let (path, inner) = (error.path().to_string(), error.inner());
                Failure::new(id, "bad_state", format!("{path}: {inner}"))
            })?;
            Call::Apply(Box::new(state))
        }
        name @ ("hello" | "renew_lease" | "snapshot" | "ping" | "shutdown") => {
            let params: Value = serde_json::from_str(params).unwrap_or(Value::Null);
            let mut object = serde_json::json!({ "call": name });
            if matches!(name, "hello" | "ping") {
                object["params"] = params;
            }
            serde_json::from_value(object).map_err(|error| {
                Failure::new(id, "bad_request", format!("the parameters of {name} cannot be read: {error}"))
            })?
        }
        other => {
            let name: String = other.chars().take(40).collect();
            return Err(Failure::new(
                id,
                "unknown_call",
                format!("this engine has no call {name:?}: is the daemon of a newer release?"),
            ));
        }
    };
    Ok(Request { id, call })
}

/// The id of a line that is no proper request, so that whoever waits for it is told.
fn find_id(line: &[u8]) -> u64 {
    let value: Option<Value> = serde_json::from_slice(line).ok();
    value.and_then(|value| value.get("id")?.as_u64()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(line: &str) -> (u64, &'static str, String) {
        let failure = parse_request(line.as_bytes()).expect_err(line);
        (failure.id, failure.code, failure.message)
    }

    #[test]
    fn calls_are_read_with_and_without_parameters() {
        let request = parse_request(br#"{"id":1,"call":"hello","params":{"protocol":1,"new_field":2}}"#).unwrap();
        assert!(matches!(request, Request { id: 1, call: Call::Hello { protocol: 1 } }));
        for line in [
            r#"{"id":2,"call":"snapshot"}"#,
            r#"{"id":2,"call":"snapshot","params":{}}"#,
            r#"{"call":"snapshot","params":null,"id":2}"#,
        ] {
            assert!(
                matches!(parse_request(line.as_bytes()).unwrap(), Request { id: 2, call: Call::Snapshot }),
                "{line}"
            );
        }
    }

    #[test]
    fn what_the_types_write_is_what_is_read() {
        let call = Call::Ping { node_id: "qe1x".into(), timeout_ms: 5 };
        let line = serde_json::to_vec(&Request { id: 3, call }).unwrap();
        assert!(matches!(parse_request(&line).unwrap().call, Call::Ping { timeout_ms: 5, .. }));
        let line = serde_json::to_vec(&Request { id: 3, call: Call::RenewLease }).unwrap();
        assert!(matches!(parse_request(&line).unwrap().call, Call::RenewLease));
    }

    #[test]
    fn garbage_is_answered_with_what_is_wrong() {
        assert_eq!(failure("garbage").1, "bad_request");
        assert_eq!(failure("{\"id\":9}").0, 9);
        assert_eq!(failure(r#"{"id":-1,"call":"hello"}"#).0, 0);
        assert_eq!(
            failure(r#"{"id":4,"call":"dance"}"#),
            (4, "unknown_call", "this engine has no call \"dance\": is the daemon of a newer release?".into())
        );
        assert_eq!(failure(r#"{"id":5,"call":"hello"}"#).1, "bad_request");
        let (id, code, message) =
            failure(r#"{"id":6,"call":"apply","params":{"generation":1,"name":"a","tun":{"name":"t","mtu":"big"}}}"#);
        assert_eq!((id, code), (6, "bad_state"));
        assert!(message.starts_with("tun.mtu: "), "{message}");
    }
}
