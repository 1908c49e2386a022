//! The command line of the engine. People use `quicether`; this is what it starts.

use std::path::PathBuf;

use lexopt::prelude::*;
use tracing::Level;

/// Text of `--help`.
pub const HELP: &str = "\
quicether-engine: the packet engine of QuicEther. The daemon (quicether start) runs it.

Usage:
  quicether-engine run --socket PATH --key-file PATH [--log-file PATH] [--log-level LEVEL]
      Serve the daemon on a Unix socket until told to stop. The key is made when there is none.
  quicether-engine keygen --key-file PATH
      Make the node key and print its NodeId. Never overwrites a key.
  quicether-engine node-id --key-file PATH
      Print the NodeId of a key.
  quicether-engine certificate --out-dir DIR --name NAME [--name NAME ...]
      Make the certificate of the box's pages and its key: web.pem in DIR, in place of an older one.
      A name may be an address.
  quicether-engine peer-credentials
      Print process, user and group at the other end of the Unix socket passed as descriptor 3.
  quicether-engine --version | --help

LEVEL is error, warn, info (default), debug or trace.
Exit status: 0 done, 1 failed, 2 wrong usage, 4 no permission.
";

/// What the engine is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the release.
    Version,
    /// Serve the daemon.
    Run {
        /// Control socket.
        socket: PathBuf,
        /// Node key.
        key_file: PathBuf,
        /// Log, else standard error.
        log_file: Option<PathBuf>,
        /// What is logged.
        level: Level,
    },
    /// Make a key.
    Keygen {
        /// Where.
        key_file: PathBuf,
    },
    /// Who a key is.
    NodeId {
        /// Where it is.
        key_file: PathBuf,
    },
    /// Make the certificate of the pages.
    Certificate {
        /// Where.
        out_dir: PathBuf,
        /// Names and addresses of the box.
        names: Vec<String>,
    },
    /// Who is at the other end of descriptor 3.
    PeerCredentials,
}

/// The command in the arguments, or what is wrong with them.
pub fn parse(mut arguments: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let (mut verb, mut socket, mut key_file, mut log_file, mut level) = (None, None, None, None, Level::INFO);
    let (mut out_dir, mut names) = (None, Vec::new());
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("socket") => socket = Some(PathBuf::from(arguments.value()?)),
            Long("key-file") => key_file = Some(PathBuf::from(arguments.value()?)),
            Long("log-file") => log_file = Some(PathBuf::from(arguments.value()?)),
            Long("out-dir") => out_dir = Some(PathBuf::from(arguments.value()?)),
            Long("name") => names.push(arguments.value()?.string()?),
            Long("log-level") => {
                let text = arguments.value()?.string()?;
                level = text
                    .parse()
                    .map_err(|_| format!("--log-level: {text:?} is none of error, warn, info, debug, trace"))?;
            }
            Value(value) if verb.is_none() => verb = Some(value.string()?),
            other => return Err(other.unexpected()),
        }
    }
    let needed = |value: Option<PathBuf>, name: &str| value.ok_or_else(|| format!("{name} PATH is needed"));
    match verb.as_deref() {
        Some("run") => Ok(Command::Run {
            socket: needed(socket, "--socket")?,
            key_file: needed(key_file, "--key-file")?,
            log_file,
            level,
        }),
        Some("keygen") => Ok(Command::Keygen { key_file: needed(key_file, "--key-file")? }),
        Some("node-id") => Ok(Command::NodeId { key_file: needed(key_file, "--key-file")? }),
        Some("certificate") => Ok(Command::Certificate { out_dir: needed(out_dir, "--out-dir")?, names }),
        Some("peer-credentials") => Ok(Command::PeerCredentials),
        Some(other) => Err(format!("{other:?} is no command").into()),
        None => Err("what to do is missing: run, keygen, node-id, certificate or peer-credentials".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(arguments: &[&str]) -> Result<Command, String> {
        parse(lexopt::Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_are_read_or_explained() {
        assert_eq!(
            command(&["run", "--socket", "/s", "--key-file=/k"]),
            Ok(Command::Run { socket: "/s".into(), key_file: "/k".into(), log_file: None, level: Level::INFO })
        );
        assert_eq!(command(&["--version"]), Ok(Command::Version));
        assert!(command(&["run", "--socket", "/s"]).unwrap_err().contains("--key-file"));
        assert_eq!(
            command(&["certificate", "--out-dir", "/d", "--name", "leeds", "--name", "192.0.2.7"]),
            Ok(Command::Certificate { out_dir: "/d".into(), names: vec!["leeds".into(), "192.0.2.7".into()] })
        );
        assert!(command(&["certificate", "--name", "leeds"]).unwrap_err().contains("--out-dir"));
        assert!(command(&["dance"]).unwrap_err().contains("dance"));
        assert!(command(&[]).is_err());
        assert!(command(&["keygen", "--key-file", "/k", "more"]).is_err());
        assert!(command(&["run", "--log-level", "loud"]).unwrap_err().contains("loud"));
    }
}
