/** The network of a node: one thing wrong in a healthy one's facts, and what is said of it. */
import { assert } from "@std/assert";
import { readIptables } from "../../mod/doctor/firewall/iptables.ts";
import {
  backup,
  heard,
  judge,
  macvlan,
  nothing,
  parameters,
  peer,
  PEER_MAC,
  type Row,
  STRANGER,
  testFound,
  testHealthy,
  vip,
} from "./cases.ts";
import { eth0, facts, running } from "./fixture.ts";

const FROM_PEER = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.2/32 -p 112 -j ACCEPT\nCOMMIT\n";

const HEALTHY: readonly Row[] = [
  [
    "a backup whose address is on another link",
    {
      status: running({ ...backup, addresses: [] }),
      heard: [heard],
      links: [eth0, { ...eth0, name: "eth1", index: 3, addresses: [] }],
      claims: [{ ...vip, interface: "eth1", macs: [STRANGER] }],
    },
    null,
    'addresses = [{ address = "192.0.2.10/24", interface = "eth1" }]',
  ],
  ["a rule for the sender that was heard", {
    firewalls: [readIptables(FROM_PEER, { family: 4, command: "iptables" })],
    status: running(backup),
    heard: [heard],
  }, null],
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
  [
    "a macvlan in another mode",
    {
      status: running({ peers: [peer] }),
      links: [eth0, { ...macvlan, mode: "private" }],
    },
    /warning VI_1: vrrp.51 is in mode private/,
    "virtual_mac = true",
  ],
  ["a rule for senders that nobody has heard", {
    firewalls: [readIptables(FROM_PEER, { family: 4, command: "iptables" })],
  }, /note eth0: the firewall may drop .* it depends on who sends them/],
  ["a rule for another sender", {
    firewalls: [readIptables(FROM_PEER, { family: 4, command: "iptables" })],
    peers: [{ ...nothing, status: running({ primary_address: "192.0.2.3" }) }],
  }, /problem eth0: the firewall drops advertisements that come in on eth0 from 192.0.2.3/],
  ["a firewall that another program rules", {
    firewalls: [readIptables(FROM_PEER, { family: 4, command: "iptables" })],
    heard: [{ ...heard, source: "192.0.2.4" }],
    services: [{ name: "firewalld", pid: 7, vrids: [] }],
  }, /problem eth0: the firewall drops .* from 192.0.2.4/],
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
];

testHealthy(HEALTHY);
testFound(FOUND);

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

Deno.test("doctor does not say that nobody was ever heard when only the program was replaced", async () => {
  const found = judge(await facts({ status: running({ counters: { advertisements_received: 4 } }) }));
  assert(found.every(({ message }) => !message.includes("never heard")));
});
