/**
 * What `vipd doctor` looks at: one row a subject. A new examination is a file in `judges/` that makes
 * findings of facts, a row here, and what it needs to know in `facts.ts` and `gather/`. PURE.
 */
import type { Facts } from "./facts.ts";
import type { Examination } from "./finding.ts";
import { judgeAddresses } from "./judges/addresses.ts";
import { judgeClock, judgeDaemon } from "./judges/daemon.ts";
import { judgeFiles } from "./judges/files.ts";
import { judgeFirewall } from "./judges/firewall.ts";
import { judgeGroup } from "./judges/group.ts";
import { judgeLinks } from "./judges/links.ts";
import { judgeNeighbours } from "./judges/neighbours.ts";
import { judgeParameters } from "./judges/parameters.ts";
import { judgePeerNodes } from "./judges/peers.ts";
import { judgeChecks, judgeServices } from "./judges/services.ts";

export const EXAMINATIONS: readonly Examination<Facts>[] = [
  { name: "daemon", looksAt: "the daemon, its configuration and its permissions", judge: judgeDaemon },
  { name: "interfaces", looksAt: "interfaces, carrier, addresses, virtual MAC addresses", judge: judgeLinks },
  { name: "firewall", looksAt: "nftables and iptables, for VRRP in and out", judge: judgeFirewall },
  {
    name: "group",
    looksAt: "other routers: heard, rejected, disagreeing, silent, foreign",
    judge: judgeGroup,
  },
  {
    name: "addresses",
    looksAt: "who answers for the virtual addresses and for our own",
    judge: judgeAddresses,
  },
  { name: "parameters", looksAt: "rp_filter, ARP, IPv6 and forwarding parameters", judge: judgeParameters },
  { name: "peers", looksAt: "the nodes given with --peer", judge: judgePeerNodes },
  { name: "neighbours", looksAt: "keepalived, NetworkManager, systemd-networkd", judge: judgeNeighbours },
  { name: "services", looksAt: "virtual servers, their engines, connection tracking", judge: judgeServices },
  { name: "checks", looksAt: "names that checks need", judge: judgeChecks },
  { name: "files", looksAt: "permissions of files, room for the state", judge: judgeFiles },
  { name: "clock", looksAt: "the clock, here and on the peers", judge: judgeClock },
];
