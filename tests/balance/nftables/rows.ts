/**
 * Services of every kind that nftables can do, by name: for the golden rule sets and for the kernel's
 * opinion.
 */
import type { Service } from "../../../mod/balance/model.ts";
import type { Surroundings } from "../../../mod/balance/nftables/direct.ts";
import { at, service, to, TWO } from "./fixtures.ts";

const SIX = [to("2001:db8::21", 80), to("2001:db8::22", 8080)];
const MASQUERADE = { forward: { method: "nat", masquerade: true } } as const;
const DIRECT = { forward: { method: "dr" } } as const;
const KEPT = { seconds: 50, prefix: 24, engine: null };

export const SURROUNDINGS: Surroundings = {
  devices: ["lan0", "lan1"],
  hops: new Map([
    ["192.0.2.21", { kind: "device", device: "lan0" }],
    ["192.0.2.22", { kind: "here" }],
    ["192.0.2.23", { kind: "none", why: "is behind a router" }],
    ["2001:db8::21", { kind: "device", device: "lan1" }],
  ]),
};

export const ROWS: Readonly<Record<string, readonly Service[]>> = {
  "weighted round robin": [
    service(at("tcp 192.0.2.10:80"), [to("192.0.2.21", 80, { weight: 2 }), to("192.0.2.22", 8080)], {
      scheduler: "wrr",
    }),
  ],
  "one of weight 0, and nobody": [
    service(at("tcp 192.0.2.10:80"), [TWO[0]!, to("192.0.2.22", 80, { weight: 0 })]),
    service(at("udp 192.0.2.10:80"), []),
  ],
  "clients of a /24 are kept": [service(at("tcp 192.0.2.10:80"), TWO, { persistence: KEPT })],
  "IPv6, clients of a /64 are kept": [
    service(at("tcp [2001:db8::10]:80"), SIX, { persistence: { ...KEPT, prefix: 64 } }),
  ],
  "every port of UDP and SCTP": [
    service(at("udp 192.0.2.10:0"), [to("192.0.2.21", 0)], { persistence: { ...KEPT, prefix: 32 } }),
    service(at("sctp 192.0.2.10:0"), [to("192.0.2.21", 0)], { persistence: { ...KEPT, prefix: 32 } }),
    service(at("sctp 192.0.2.10:5060"), [to("192.0.2.21", 5060)]),
  ],
  "firewall marks": [
    service({ kind: "fwmark", family: 4, fwmark: 7 }, [to("192.0.2.21", 0), to("192.0.2.22", 8080)]),
    service({ kind: "fwmark", family: 6, fwmark: 7 }, [to("2001:db8::21", 0)]),
  ],
  "masquerade": [
    service(at("tcp 192.0.2.10:80"), [to("192.0.2.21", 80, MASQUERADE), to("192.0.2.22", 80)]),
    service(at("tcp 192.0.2.11:0"), [to("192.0.2.21", 0, MASQUERADE)], { persistence: KEPT }),
    service({ kind: "fwmark", family: 6, fwmark: 7 }, [to("2001:db8::21", 0, MASQUERADE)]),
  ],
  "a server on this host": [service(at("tcp 192.0.2.10:80"), [to("127.0.0.1", 8080)])],
  "direct routing": [
    service(at("tcp 192.0.2.10:80"), [to("192.0.2.21", 80, DIRECT), to("192.0.2.23", 80, DIRECT)], {
      persistence: KEPT,
    }),
  ],
  "direct routing, also to this host": [
    service(at("tcp 192.0.2.10:80"), TWO.map((one) => ({ ...one, ...DIRECT }))),
  ],
  "direct routing of every port, IPv6": [
    service(at("udp [2001:db8::10]:0"), [to("2001:db8::21", 0, DIRECT)], {
      persistence: { ...KEPT, prefix: 128 },
    }),
  ],
};

/** Too long to be read, but the kernel has to take them. */
export const LONG_ROWS: Readonly<Record<string, readonly Service[]>> = {
  "source hash": [service(at("tcp 192.0.2.10:80"), TWO, { scheduler: "sh" })],
  "source hash with port, IPv6": [
    service(at("tcp [2001:db8::10]:80"), SIX, { scheduler: "mh", flags: ["mh-port"] }),
  ],
  "destination hash": [service(at("tcp 192.0.2.10:80"), TWO, { scheduler: "dh" })],
  "a hundred servers": [
    service(at("tcp 192.0.2.10:80"), Array.from({ length: 100 }, (_, i) => to(`192.0.2.${i + 100}`, 80)), {
      scheduler: "mh",
      persistence: KEPT,
    }),
  ],
};
