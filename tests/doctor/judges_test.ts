/** One thing wrong in a healthy node's facts, and what is said of it; of a healthy one nothing is said. */
import { assert, assertEquals } from "@std/assert";
import { EXAMINATIONS } from "../../mod/doctor/examinations.ts";
import type { Facts, HeardFacts, PeerFacts } from "../../mod/doctor/facts.ts";
import type { Finding } from "../../mod/doctor/finding.ts";
import type { VirtualRouterStatus } from "../../mod/snapshot.ts";
import { router } from "../api/fixture.ts";
import { eth0, facts, running } from "./fixture.ts";

const PEER_MAC = "02:00:00:00:00:02";
const STRANGER = "02:00:00:00:00:66";

const heard: HeardFacts = {
  interface: "eth0",
  family: 4,
  source: "192.0.2.2",
  mac: PEER_MAC,
  hopLimit: 255,
  version: 3,
  vrid: 51,
  priority: 150,
  intervalMs: 1_000,
  addresses: ["192.0.2.10"],
  multicast: true,
};
const [known] = router().peers;
const peer = { ...known!, address: "192.0.2.2", priority: 150, addresses: ["192.0.2.10"] };
const backup: Partial<VirtualRouterStatus> = { state: "BACKUP", active_router: "192.0.2.2", peers: [peer] };
const vip = { address: "192.0.2.10", interface: "eth0", what: "virtual" } as const;
const nothing: PeerFacts = {
  name: "lb2",
  config: null,
  status: null,
  problem: null,
  clockAheadMs: null,
  comparison: [],
};
const parameters = (values: Readonly<Record<string, string>>): Pick<Facts, "parameters"> => ({
  parameters: new Map([["net/ipv6/conf/eth0/disable_ipv6", "0"], ...Object.entries(values)]),
});
const macvlan = {
  ...eth0,
  name: "vrrp.51",
  index: 3,
  kind: "macvlan",
  below: "eth0",
  mac: "00:00:5e:00:01:33",
  addresses: [],
};

function judge(given: Facts): Finding[] {
  return EXAMINATIONS.flatMap(({ judge }) => [...judge(given)]);
}

/** Name, facts, keys of the virtual router and further tables, what is said: `severity about: message`. */
type Row = readonly [
  name: string,
  changes: Partial<Facts>,
  says: RegExp | null,
  keys?: string,
  more?: string,
];

const HEALTHY: readonly Row[] = [
  ["before the first start", {}, null],
  ["before the first start, beside an active router", {
    heard: [heard],
    claims: [{ ...vip, macs: [PEER_MAC] }],
  }, null],
  ["a backup", { status: running(backup), heard: [heard], claims: [{ ...vip, macs: [PEER_MAC] }] }, null],
  ["a backup of a shared MAC address", {
    status: running(backup),
    heard: [{ ...heard, mac: "00:00:5e:00:01:33" }],
    claims: [{ ...vip, macs: ["00:00:5e:00:01:33"] }],
  }, null],
  ["an active one whose peer was heard", {
    status: running({ peers: [peer] }),
    claims: [{ ...vip, macs: [] }],
  }, null],
  [
    "a macvlan while it serves",
    { status: running({ peers: [peer] }), links: [eth0, macvlan] },
    null,
    "virtual_mac = true",
  ],
  ["strict filtering with one interface", parameters({ "net/ipv4/conf/all/rp_filter": "1" }), null],
];

const FOUND: readonly Row[] = [
  ["no interface", { links: [] }, /problem eth0: the interface does not exist/],
  [
    "no multicast",
    { links: [{ ...eth0, multicast: false }] },
    /problem eth0: the interface carries no multicast/,
  ],
  [
    "a port of a bridge",
    { links: [{ ...eth0, master: "br0", masterKind: "bridge" }] },
    /problem eth0: it is a port of br0/,
  ],
  [
    "a bridge that snoops",
    { links: [{ ...eth0, snoopsUnasked: true }] },
    /note eth0: the bridge snoops multicast/,
  ],
  ["a duplicate IPv6 address", {
    links: [{ ...eth0, addresses: [{ address: "fe80::1", prefix: 64, tentative: true, duplicate: true }] }],
  }, /problem eth0: fe80::1 cannot be used/],
  ["a tentative address", {
    links: [{ ...eth0, addresses: [{ address: "fe80::1", prefix: 64, tentative: true, duplicate: false }] }],
  }, /warning eth0: fe80::1 is still being looked at/],
  [
    "a macvlan on another base",
    {
      status: running({ peers: [peer] }),
      links: [eth0, { ...macvlan, below: "eth1" }],
    },
    /problem VI_1: vrrp.51 is on eth1, not on eth0/,
    "virtual_mac = true",
  ],
  [
    "a macvlan that is down",
    {
      status: running({ peers: [peer] }),
      links: [eth0, { ...macvlan, up: false }],
    },
    /problem VI_1: vrrp.51 is down although it serves/,
    "virtual_mac = true",
  ],
  [
    "a macvlan that is up in a backup",
    { status: running(backup), links: [eth0, macvlan] },
    /problem VI_1: vrrp.51 is up although/,
    "virtual_mac = true",
  ],
  [
    "a virtual switch",
    { vendor: "VMware, Inc." },
    /note VI_1: a virtual switch may drop/,
    "virtual_mac = true",
  ],
  ["two in one subnet, strict", {
    ...parameters({ "net/ipv4/conf/eth0/rp_filter": "1" }),
    links: [eth0, { ...eth0, name: "eth1", index: 3 }],
  }, /warning eth0: rp_filter is 1 \(strict\), and eth1/],
  ["addresses that go with the first", {
    ...parameters({ "net/ipv4/conf/eth0/promote_secondaries": "0" }),
    status: running({ peers: [peer] }),
  }, /warning eth0: promote_secondaries is 0/],
  [
    "no IPv6",
    { parameters: new Map() },
    /problem eth0: the kernel has no IPv6/,
    'addresses = ["2001:db8::10/64"]',
  ],
  [
    "no forwarding for nat",
    parameters({ "net/ipv4/ip_forward": "0" }),
    /warning virtual servers: ip_forward is 0/,
    "",
    `
    [virtual_server.web]
    address = "192.0.2.10:80"
    [[virtual_server.web.real_server]]
    address = "192.0.2.21:80"`,
  ],
  [
    "two active routers",
    { status: running({ peers: [peer] }), heard: [heard] },
    /problem VI_1: another router is ACTIVE as well/,
  ],
  [
    "what is on the wire and not heard",
    { status: running({ ...backup, peers: [] }), heard: [heard] },
    /problem VI_1: advertisements of 192.0.2.2 arrive on eth0, but do not reach/,
  ],
  [
    "a group with the same VRID",
    { heard: [{ ...heard, addresses: ["192.0.2.99"] }] },
    /problem VI_1: VRID 51 is in use on eth0 with other addresses/,
  ],
  [
    "a group of another version",
    { heard: [{ ...heard, version: 2 }] },
    /problem VI_1: 192.0.2.2 advertises with VRRP version 2/,
  ],
  [
    "a foreign group",
    { heard: [{ ...heard, vrid: 77 }] },
    /note eth0: other groups are on this link: VRID 77/,
  ],
  [
    "other addresses",
    { status: running({ ...backup, peers: [{ ...peer, addresses_match: false }] }) },
    /problem VI_1: 192.0.2.2 advertises other addresses/,
  ],
  ["another interval", {
    status: running({ ...backup, peers: [{ ...peer, advertisement_interval_ms: 200 }] }),
  }, /warning VI_1: 192.0.2.2 advertises every 200 ms/],
  [
    "another checksum",
    { status: running({ ...backup, peers: [{ ...peer, checksum: "rfc9568" }] }) },
    /note VI_1: 192.0.2.2 computes another checksum/,
  ],
  [
    "silence in a cloud",
    { status: running(), vendor: "Amazon EC2 m5.large" },
    /warning VI_1: never heard a peer, and this cloud/,
  ],
  ["silence", { status: running() }, /note VI_1: ACTIVE and never heard a peer/],
  ["ACTIVE here and there", {
    status: running(),
    peers: [{ ...nothing, status: running() }],
  }, /problem VI_1: ACTIVE here and on lb2/],
  ["an address that a third host has", {
    status: running({ peers: [peer] }),
    claims: [{ ...vip, macs: [STRANGER] }],
  }, /problem VI_1: 192.0.2.10 is in use by 02:00:00:00:00:66 as well/],
  ["an address that the wrong host has", {
    status: running(backup),
    heard: [heard],
    claims: [{ ...vip, macs: [STRANGER] }],
  }, /problem VI_1: 192.0.2.10 is in use by 02:00:00:00:00:66, which is not the active router/],
  [
    "an address that is taken before the first start",
    { claims: [{ ...vip, macs: [STRANGER] }] },
    /warning VI_1: 192.0.2.10 is in use by/,
  ],
  ["a conflict that vipd has found", {
    status: running({
      peers: [peer],
      conflicts: [{
        address: "192.0.2.10",
        interface: "eth0",
        mac: STRANGER,
        last_seen: "2026-11-20T05:59:59.000Z",
      }],
    }),
  }, /problem VI_1: 192.0.2.10 is in use by 02:00:00:00:00:66 as well/],
  ["an own address that another host has", {
    claims: [{ address: "192.0.2.1", interface: "eth0", what: "own", macs: [STRANGER] }],
  }, /problem eth0: 192.0.2.1, this host's own address/],
  ["an address that is missing", {
    status: running({
      peers: [peer],
      addresses: [{ address: "192.0.2.10/24", interface: "eth0", advertised: true, present: false }],
    }),
  }, /problem VI_1: ACTIVE, but without 192.0.2.10\/24/],
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

for (const [name, changes, , keys, more] of HEALTHY) {
  Deno.test(`doctor is content: ${name}`, async () => {
    const found = judge(await facts(changes, keys, more)).filter(({ severity }) => severity !== "note");
    assertEquals(found.map(({ message }) => message), []);
  });
}

for (const [name, changes, says, keys, more] of FOUND) {
  Deno.test(`doctor finds: ${name}`, async () => {
    const found = judge(await facts(changes, keys, more));
    const texts = found.map(({ severity, about, message }) => `${severity} ${about}: ${message}`);
    assert(texts.some((text) => says!.test(text)), `${says} is not among:\n${texts.join("\n")}`);
  });
}

Deno.test("doctor explains each reason for which advertisements are rejected, with a fix", async () => {
  const reasons = [
    "checksum_errors",
    "ip_ttl_errors",
    "interval_errors",
    "authentication_failures",
    "version_errors",
    "address_list_errors",
    "unicast_mismatch",
  ];
  for (const reason of reasons) {
    const rejected = [{ at: "2026-11-20T05:59:48.000Z", source: "192.0.2.66", reason, detail: "so it was" }];
    const found = judge(await facts({ status: running({ ...backup, rejected }) }));
    const [told] = found.filter(({ message }) => message.includes(reason));
    assert(
      told !== undefined && told.fix.length > 0 && told.evidence.some((line) => line.includes("so it was")),
      reason,
    );
  }
});

Deno.test("doctor says what it found with what to do, or with what shows it", async () => {
  for (const [name, changes, , keys, more] of FOUND) {
    for (const { severity, message, evidence, fix } of judge(await facts(changes, keys, more))) {
      assert(severity === "note" || evidence.length + fix.length > 0, `${name}: ${message}`);
    }
  }
});
