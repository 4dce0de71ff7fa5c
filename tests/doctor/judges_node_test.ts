/** The node itself and those beside it: one thing wrong in a healthy one's facts, and what is said of it. */
import { nothing, peer, type Row, testFound } from "./cases.ts";
import { running } from "./fixture.ts";

const FOUND: readonly Row[] = [
  [
    "a peer of another version",
    { peers: [{ ...nothing, status: running({ version: 2 }) }] },
    /problem VI_1: lb2 has another version/,
  ],
  [
    "a peer with the same priority",
    { peers: [{ ...nothing, status: running({ state: "BACKUP" }) }] },
    /warning VI_1: lb2 has the same priority/,
  ],
  [
    "a peer that cannot be asked",
    { peers: [{ ...nothing, problem: "refused" }] },
    /problem lb2: it cannot be compared/,
  ],
  ["two files that do not fit", {
    peers: [{ ...nothing, comparison: ["virtual_router.VI_1.vrid: differs"] }],
  }, /warning lb2: virtual_router.VI_1.vrid: differs/],
  [
    "a peer's clock",
    { peers: [{ ...nothing, clockAheadMs: -60_000 }] },
    /warning clock: the clock of lb2 is 60 s behind/,
  ],
  [
    "a router that was handed over",
    { status: running({ state: "BACKUP", peers: [peer], held_back: "handed over on demand" }) },
    /note VI_1: does not take over: handed over on demand/,
  ],
  ["no clock", { clock: { synchronised: false } }, /note clock: the clock is not synchronised/],
  [
    "a clock that was set",
    { daemon: { pid: 1, uid: 0, capabilities: 0x3000n, clockMovedMs: 3_600_000 } },
    /note clock: it was set forward by 3600 s/,
  ],
  ["missing capabilities", {
    status: running({ peers: [peer] }),
    daemon: { pid: 1, uid: 33, capabilities: 0x1000n, clockMovedMs: 0 },
  }, /problem vipd: it runs without CAP_NET_RAW/],
  [
    "a configuration that cannot be used",
    { configProblem: "vipd.toml:1:1: bad" },
    /problem \/etc\/vipd\/vipd.toml: the configuration cannot be used/,
  ],
  [
    "a command that others may change",
    { commandProblems: ["/opt/x is writable"] },
    /problem .*: a command cannot be run/,
  ],
  [
    "keepalived beside it",
    { services: [{ name: "keepalived", pid: 9, vrids: [51] }] },
    /problem keepalived: .* same VRID 51/,
  ],
  ["keepalived for others", { services: [{ name: "keepalived", pid: 9, vrids: [7] }] }, /note keepalived:/],
  ["networkd", {
    managers: [{ manager: "systemd-networkd", interface: "eth0", file: "/etc/x.network", keeps: false }],
  }, /warning eth0: systemd-networkd manages it/],
  [
    "NetworkManager",
    { managers: [{ manager: "NetworkManager", interface: "eth0", file: "", keeps: false }] },
    /note eth0: NetworkManager manages it/,
  ],
  ["a token for everybody", {
    files: [{
      path: "/etc/vipd/token",
      what: "token",
      exists: true,
      mode: 0o644,
      uid: 0,
      free: null,
      secret: true,
    }],
  }, /warning \/etc\/vipd\/token: everybody may read the token/],
  ["a full disk", {
    files: [{
      path: "/var/lib/vipd/state.json",
      what: "state",
      exists: true,
      mode: 0o600,
      uid: 0,
      free: 100,
      secret: false,
    }],
  }, /problem \/var\/lib\/vipd\/state.json: its file system is full/],
  [
    "a full table of connections",
    { conntrack: { used: 99, limit: 100 } },
    /warning connection tracking: its table is nearly full/,
  ],
  [
    "no engine",
    { engines: { nft: true, haproxy: true, ipvs: false } },
    /problem web: engine = "ipvs", but this host has no ipvs/,
    "",
    `
    [virtual_server.web]
    engine = "ipvs"
    address = "192.0.2.10:80"
    [[virtual_server.web.real_server]]
    address = "192.0.2.21:80"`,
  ],
  [
    "a name that nobody knows",
    { unresolved: [{ name: "db.example", problem: "ENOTFOUND" }] },
    /warning checks: db.example is a name/,
  ],
];

testFound(FOUND);
