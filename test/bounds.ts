/**
 * Every figure the product promises, in one place: tests, lab and bench compare against these
 * and nothing else. Ratios are within one run on one machine; absolute figures would only
 * measure the machine.
 */
export const BOUNDS = {
  tunnel: {
    /** Product over limit probe, TCP throughput, 1 and 8 flows. */
    leastRatioToProbe: 0.75,
    /** What we aim for. */
    aimedRatioToProbe: 0.9,
    /** The limit probe over the trial's C program: the yardstick itself must not be short. */
    leastProbeToReference: 0.95,
    /** Product over wireguard-go, 1 and 8 flows. */
    leastRatioToWireguardGo: 1.5,
    /** Idle round trip above the raw link, in microseconds. */
    mostAddedRttUs: 150,
    /** Daemon start to first packet on a LAN, in milliseconds. */
    mostStartMs: 1000,
    /** Resident memory of the daemon with one peer. */
    mostDaemonRssBytes: 120_000_000,
    /** Resident memory for each further idle peer. */
    mostIdlePeerBytes: 100_000,
  },
  web: {
    /** The first page on a first visit, everything that it needs included, over the wire. */
    mostHomeKb: 60,
    /** Server time of the first page on an open connection, in milliseconds. */
    mostHomeP50Ms: 15,
    mostHomeP99Ms: 50,
    mostWebRssBytes: 110_000_000,
    mostDaemonRssBytes: 130_000_000,
    /** Share of one core, pages and daemon together, with 50 people watching. */
    mostViewersCpu: 0.1,
  },
  hostilePort: {
    /** Datagrams thrown at the port with `--bounds`, and without. */
    fullDatagrams: 1_000_000,
    quickDatagrams: 40_000,
    /** Bytes and packets the attacker may hear back. */
    mostAnswered: 0,
    /** Growth of the engine's resident memory that still counts as flat. */
    mostRssGrowthBytes: 8_000_000,
    /** Throughput under attack over throughput in peace. */
    leastSpeedKept: 0.9,
  },
  slowPeer: {
    /** Throughput and round trip of a peer beside a slow one, over the same without it. */
    leastSpeedKept: 0.95,
    /** Median round trip may grow by this factor, or by this much where it is tiny. */
    mostPingFactor: 1.05,
    mostAddedPingMs: 1,
  },
  restart: {
    /** Pings lost across `kill -9` and restart of a daemon. */
    mostPingsLost: 0,
    /** Longest silence of the tunnel across `kill -9` of the engine, in milliseconds. */
    mostEngineGapMs: 8000,
  },
  roam: {
    /** Longest silence after the client's address changed, in milliseconds. */
    mostGapMs: 5000,
  },
  loss: {
    /**
     * Share of inside segments lost: at most `factor` times that of outside packets plus `base`.
     * A piece straddles two segments, and losing the last piece of a train may cost its end.
     */
    mostLostFactor: 3,
    mostLostBase: 0.005,
    /** Bytes of the file with `--bounds`, and without. */
    fullFileBytes: 1024 ** 3,
    quickFileBytes: 4 * 1024 ** 2,
  },
} as const;
