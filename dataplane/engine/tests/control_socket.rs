//! The engine as the daemon sees it: the real program, its real socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quicether-engine");

struct Engine {
    child: Child,
    directory: PathBuf,
}

impl Engine {
    fn start(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("qe-engine-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::DirBuilder::new().mode(0o700).create(&directory).unwrap();
        let child = run(&directory);
        let engine = Self { child, directory };
        engine.wait_for_socket();
        engine
    }

    fn wait_for_socket(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < deadline, "no engine after 10 s");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("engine.sock")
    }

    fn call(&self) -> Caller {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Caller(BufReader::new(stream), 0)
    }

    fn signal(&self, signal: i32) {
        // SAFETY: the child was started here and is not waited for yet: its id is its own.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.directory.join("engine.log")).unwrap_or_default());
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn run(directory: &std::path::Path) -> Child {
    Command::new(PROGRAM)
        .arg("run")
        .args([&"--socket".into(), &directory.join("engine.sock")])
        .args([&"--key-file".into(), &directory.join("node.key")])
        .args([&"--log-file".into(), &directory.join("engine.log")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

struct Caller(BufReader<UnixStream>, u64);

impl Caller {
    fn send(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// The answer or failure of a call; events before it are skipped.
    fn call(&mut self, call: &str, params: Value) -> Value {
        self.1 += 1;
        self.send(&json!({ "id": self.1, "call": call, "params": params }).to_string());
        loop {
            let message = self.read();
            if message["type"] != "event" {
                assert_eq!(message["id"], self.1);
                return message;
            }
        }
    }

    fn event(&mut self, kind: &str) -> Value {
        loop {
            let message = self.read();
            if message["event"]["kind"] == kind {
                return message["event"].clone();
            }
        }
    }
}

fn state(generation: u64, address: &str, peers: &Value) -> Value {
    json!({
        "generation": generation, "name": "box", "tun": { "name": "qetest0", "mtu": 1500, "addresses": [address] },
        "listen": ["0.0.0.0:9000"], "answer_strangers": false, "peers": peers, "dial": [], "local_prefixes": [],
        "forward": false, "max_connections": 100, "cpu_affinity": []
    })
}

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// Moves this thread, and the engines it starts, to a fresh network namespace.
fn leave_the_network(test: &str) -> bool {
    // SAFETY: only this thread moves; no memory is involved.
    let moved = unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0;
    if !moved {
        eprintln!("SKIPPED {test}: a network namespace needs root");
    }
    moved
}

#[test]
fn says_who_it_is_and_what_is() {
    let engine = Engine::start("hello");
    let mut caller = engine.call();
    let hello = caller.call("hello", json!({ "protocol": 1, "from_the_future": true }))["answer"].clone();
    assert!(hello["node_id"].as_str().unwrap().starts_with("qe1"));
    assert_eq!((&hello["generation"], &hello["pid"]), (&json!(0), &json!(engine.child.id())));
    let shown =
        Command::new(PROGRAM).arg("node-id").arg("--key-file").arg(engine.directory.join("node.key")).output().unwrap();
    assert_eq!(String::from_utf8(shown.stdout).unwrap().trim(), hello["node_id"]);
    let snapshot = caller.call("snapshot", Value::Null)["answer"].clone();
    assert_eq!((&snapshot["kind"], &snapshot["generation"]), (&json!("snapshot"), &json!(0)));
    assert_eq!(caller.call("hello", json!({ "protocol": 99 }))["code"], "protocol");
    let mode = std::fs::metadata(engine.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn bad_lines_are_answered_and_change_nothing() {
    let engine = Engine::start("bad");
    let mut caller = engine.call();
    for (line, code) in [
        ("garbage", "bad_request"),
        ("\u{0}\u{1}", "bad_request"),
        ("[]", "bad_request"),
        (r#"{"id":1}"#, "bad_request"),
        (r#"{"id":1,"call":"dance"}"#, "unknown_call"),
        (r#"{"id":1,"call":"apply","params":{}}"#, "bad_state"),
        (r#"{"id":1,"call":"ping","params":{"node_id":"qe1x","timeout_ms":5}}"#, "bad_request"),
    ] {
        caller.send(line);
        assert_eq!(caller.read()["code"], code, "{line}");
    }
    let mut bad = state(1, "100.64.0.1/32", &json!([]));
    bad["tun"]["mtu"] = json!(5);
    let failure = caller.call("apply", bad);
    assert_eq!(failure["code"], "bad_state");
    assert!(failure["message"].as_str().unwrap().starts_with("tun.mtu: \"5\""), "{failure}");
    let mut long = engine.call();
    // The engine may close before all of it is written.
    let _ = long.0.get_mut().write_all(&vec![b'x'; (16 << 20) + 10]);
    assert_eq!(long.read()["code"], "bad_request");
    assert_eq!(caller.call("snapshot", Value::Null)["type"], "answer", "the others are served on");
}

#[test]
fn one_daemon_steers_and_a_few_look_on() {
    let engine = Engine::start("daemons");
    let mut daemon = engine.call();
    assert_eq!(daemon.call("renew_lease", Value::Null)["type"], "answer");
    let mut others: Vec<Caller> = (0..4).map(|_| engine.call()).collect();
    for other in &mut others {
        assert_eq!(other.call("snapshot", Value::Null)["type"], "answer");
    }
    assert_eq!(others[0].call("renew_lease", Value::Null)["code"], "busy");
    assert_eq!(engine.call().read()["code"], "busy", "a sixth is refused");
    drop(daemon);
    let deadline = Instant::now() + Duration::from_secs(5);
    while others[0].call("renew_lease", Value::Null)["type"] != "answer" {
        assert!(Instant::now() < deadline, "the next daemon never got in");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn has_no_right_but_net_admin_and_ends_in_order() {
    let mut engine = Engine::start("rights");
    let status = std::fs::read_to_string(format!("/proc/{}/status", engine.child.id())).unwrap();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let net_admin = 1u64 << 12;
    for set in ["CapPrm:", "CapEff:", "CapBnd:"] {
        let rights = u64::from_str_radix(&field(set), 16).unwrap();
        // SAFETY: geteuid has no preconditions.
        if set != "CapBnd:" || unsafe { libc::geteuid() } == 0 {
            assert_eq!(rights & !net_admin, 0, "{set}");
        }
    }
    assert_eq!(field("NoNewPrivs:"), "1");
    engine.signal(libc::SIGHUP);
    engine.signal(libc::SIGPIPE);
    std::thread::sleep(Duration::from_millis(100));
    assert!(engine.child.try_wait().unwrap().is_none(), "a closed terminal is no reason to end");
    engine.signal(libc::SIGTERM);
    assert!(engine.child.wait().unwrap().success());
    assert!(!engine.socket().exists());
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_remedy() {
    let directory = std::env::temp_dir().join(format!("qe-engine-{}-mode", std::process::id()));
    let key = directory.join("node.key");
    let keygen = || Command::new(PROGRAM).arg("keygen").arg("--key-file").arg(&key).output().unwrap();
    assert!(keygen().status.success());
    assert_eq!(keygen().status.code(), Some(1), "never overwritten");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused =
        Command::new(PROGRAM).args(["run", "--socket", "/nowhere/s", "--key-file"]).arg(&key).output().unwrap();
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8(refused.stderr).unwrap().contains(&format!("chmod 600 {}", key.display())));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_state_is_applied_kept_and_taken_down() {
    if !leave_the_network("a_state_is_applied_kept_and_taken_down") {
        return;
    }
    let mut engine = Engine::start("apply");
    let mut daemon = engine.call();
    let peer = json!([{ "node_id": "qe1xyerxdp4xcmnswfcxqmrzvpkxyenjwg9mfqt8", "addresses": [], "prefixes": ["100.64.9.9/32"] }]);
    let bad_id = daemon.call("apply", state(1, "100.64.0.1/32", &peer));
    assert_eq!(bad_id["code"], "bad_state", "{bad_id}");
    let taken = std::net::UdpSocket::bind("0.0.0.0:9000").unwrap();
    assert_eq!(daemon.call("apply", state(5, "100.64.0.1/32", &json!([])))["code"], "address_in_use");
    assert!(ip("link show qetest0").contains("does not exist"), "nothing was changed");
    drop(taken);
    assert_eq!(daemon.call("apply", state(5, "100.64.0.1/32", &json!([])))["answer"]["generation"], 5);
    assert!(ip("address show dev qetest0").contains("100.64.0.1/32"));
    let failure = daemon.call("apply", state(5, "100.64.0.2/32", &json!([])));
    assert!(failure["message"].as_str().unwrap().starts_with("generation: \"5\""), "{failure}");
    // The daemon dies; the next one finds everything as it was and goes on.
    drop(daemon);
    std::thread::sleep(Duration::from_millis(50));
    let mut daemon = engine.call();
    assert_eq!(daemon.call("hello", json!({ "protocol": 1 }))["answer"]["generation"], 5);
    assert_eq!(daemon.call("apply", state(6, "100.64.0.2/32", &json!([])))["answer"]["generation"], 6);
    let addresses = ip("address show dev qetest0");
    assert!(addresses.contains("100.64.0.2/32") && !addresses.contains("100.64.0.1/32"), "{addresses}");
    ip("address del 100.64.0.2/32 dev qetest0");
    assert!(daemon.event("repaired")["what"].as_str().unwrap().contains("100.64.0.2/32"));
    ip("link del qetest0");
    assert!(daemon.event("repaired")["what"].as_str().unwrap().contains("qetest0"));
    assert!(ip("address show dev qetest0").contains("100.64.0.2/32"));
    assert_eq!(daemon.call("shutdown", Value::Null)["type"], "answer");
    assert!(engine.child.wait().unwrap().success());
    assert!(ip("link show qetest0").contains("does not exist"));
    assert!(!ip("rule show").contains("9000"));
}
