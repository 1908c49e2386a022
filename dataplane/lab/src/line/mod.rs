//! A line emulator: two interfaces of a namespace bridged, each direction with its own rules.

mod bridge;
mod control;
mod ecn;
mod settings;
mod shaper;
mod speech;

use std::io::Write;
use std::path::PathBuf;

use crate::args::{Args, Failure, failed};
use crate::signals;
use settings::{Change, Settings};

const USAGE: &str = "usage: quicether-lab line IF_A IF_B [--rate MBIT] [--delay MS] [--jitter MS] [--loss PERCENT]
    [--reorder PERCENT] [--reorder-by MS] [--queue MS] [--queue-packets N] [--ecn MS] [--seed N]
    [--control SOCKET] [--exit-on-eof] [--die-with-parent]
Bridges two interfaces of this namespace. A flag with -ba added (--rate-ba 10) is for B to A alone.
Rates count Ethernet bytes, 24 a frame included; 0 is no limit. Prints {\"ready\":true} when frames pass.
Talks JSON lines on standard input and on the control socket:
    {\"set\":{\"ab\":{\"rate_mbps\":10},\"both\":{\"loss_percent\":1,\"blackhole\":false},\"link\":\"down\"}}
    {\"stats\":true}
Names: rate_mbps delay_ms jitter_ms loss_percent reorder_percent reorder_ms queue_ms queue_packets ecn_ms blackhole.
The hosts' ends must not send trains: ip link set dev IF gso_max_segs 1; ethtool -K IF tso off gso off gro off.";

/// Runs a line until a signal.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &["exit-on-eof", "die-with-parent"], USAGE)?;
    let names = [args.word("IF_A")?, args.word("IF_B")?];
    let usage = |error: String| Failure::Usage(format!("{error}\n{USAGE}"));
    let both = changes(&mut args, "")?;
    let back = changes(&mut args, "-ba")?;
    let ab = Settings::default().with(&both).map_err(usage)?;
    let ba = ab.with(&back).map_err(usage)?;
    let seed = args.flag("seed")?.unwrap_or(1);
    let socket: Option<PathBuf> = args.flag::<PathBuf>("control")?;
    let exit_on_eof = args.switch("exit-on-eof");
    let die_with_parent = args.switch("die-with-parent");
    args.finish()?;

    if die_with_parent {
        signals::die_with_parent();
    }
    signals::watch();
    // SAFETY: a constant argument; timers of this thread fire within a microsecond.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1000) };
    let mut bridge = bridge::Bridge::open(names, [ab, ba], seed).map_err(Failure::Failed)?;
    let mut speech = speech::Speech::open(socket.as_deref(), exit_on_eof).map_err(failed("control socket"))?;
    println!("{{\"ready\":true}}");
    std::io::stdout().flush()?;
    bridge.run(&mut speech).map_err(failed("line"))?;
    let stats = serde_json::to_string(&bridge.stats()).unwrap_or_default();
    let _ = writeln!(std::io::stdout(), "{stats}");
    Ok(())
}

fn changes(args: &mut Args, suffix: &str) -> Result<Change, Failure> {
    let name = |flag: &str| format!("{flag}{suffix}");
    Ok(Change {
        rate_mbps: args.flag(&name("rate"))?,
        delay_ms: args.flag(&name("delay"))?,
        jitter_ms: args.flag(&name("jitter"))?,
        loss_percent: args.flag(&name("loss"))?,
        reorder_percent: args.flag(&name("reorder"))?,
        reorder_ms: args.flag(&name("reorder-by"))?,
        queue_ms: args.flag(&name("queue"))?,
        queue_packets: args.flag(&name("queue-packets"))?,
        ecn_ms: args.flag(&name("ecn"))?,
        blackhole: None,
    })
}
