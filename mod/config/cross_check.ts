/**
 * What no single key can tell: rules between the keys of a virtual router, between routers, and of the API.
 */
import { type BalancePartially, crossCheckBalance } from "./cross_check_balance.ts";
import { type ChecksPartially, crossCheckChecks } from "./cross_check_checks.ts";
import {
  checkDualStack,
  checkTracks,
  crossCheckGroups,
  type GroupsPartially,
  unique,
} from "./cross_check_groups.ts";
import { type Finding, formatPath, type Path } from "./document.ts";
import { isDualStack, partOf } from "./dual_stack.ts";
import { formatDuration } from "./duration.ts";
import type { apiFields } from "./schema.ts";
import { familyOfText, formatListen, isLoopback, type Vip } from "./values.ts";
import { defaultGroup, familyOfRouter, type RouterFields, virtualMacOf } from "./virtual_router.ts";
import type { z } from "zod";

/**
 * A configuration in which all that is there is valid by itself; what is not is missing: keys, and elements
 * of arrays.
 */
export interface Partially extends BalancePartially, GroupsPartially, ChecksPartially {
  readonly api: Partial<z.output<typeof apiFields>>;
  readonly virtual_router: Readonly<Record<string, Partial<RouterFields>>>;
  /** Names of checks, also of those that have problems of their own. */
  readonly checkNames: readonly string[];
}

type Report = (path: Path, message: string, other?: Path) => void;

/** A virtual router under examination: the path to its table comes with it. */
interface Subject {
  readonly path: Path;
  readonly router: Partial<RouterFields>;
  readonly family: 4 | 6;
}

export function crossCheck(config: Partially): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (path, message, other) => {
    findings.push({ path, message, ...(other === undefined ? {} : { other: { path: other } }) });
  };
  const subjects = Object.entries(config.virtual_router).flatMap(([name, router]) => {
    const path = ["virtual_router", name];
    if (!isDualStack(router)) return [{ path, router, family: familyOfRouter(router) }];
    checkDualStack(path, router, report);
    return ([4, 6] as const).map((family): Subject => ({ path, router: partOf(router, family), family }));
  });
  for (const subject of subjects) {
    checkVersion(subject, report);
    checkInterval(subject, report);
    checkPassword(subject, report);
    checkAddresses(subject, report);
    checkUnicast(subject, report);
    checkLease(subject, report);
    checkVirtualMac(subject, report);
    checkTracks([...subject.path, "track"], subject.router.track ?? [], config.checkNames, report);
  }
  checkVips(subjects, report);
  checkVrids(subjects, report);
  checkVirtualMacs(subjects, report);
  checkApi(config.api, report);
  crossCheckGroups(config, report);
  crossCheckChecks(config, report);
  crossCheckBalance(config, report);
  return unique(findings);
}

/** Elements with their index; holes are skipped. */
function indexed<T>(array: readonly T[] | undefined): [number, T][] {
  const found: [number, T][] = [];
  array?.forEach((element, i) => found.push([i, element]));
  return found;
}

function checkVersion({ path, router, family }: Subject, report: Report): void {
  if (router.version === 2 && family === 6) {
    report([...path, "version"], "expected 3: version 2 (RFC 3768) carries IPv4 only");
  }
}

/** RFC 3768 §5.3.7: a byte of seconds. RFC 9568 §5.2.7: 12 bits of centiseconds. */
function checkInterval({ path, router }: Subject, report: Report): void {
  const { version, advertisement_interval: interval } = router;
  if (version === undefined || interval === undefined) return;
  const at = [...path, "advertisement_interval"];
  if (version === 2 && interval % 1_000 !== 0) report(at, "expected whole seconds 1s..255s with version = 2");
  if (version === 3 && interval > 40_950) report(at, "expected 10ms..40.95s with version = 3");
  if (version === 3 && interval <= 40_950 && interval % 10 !== 0) report(at, "expected a multiple of 10ms");
}

const PASSWORD_BYTES_MAX = 8;

function checkPassword({ path, router }: Subject, report: Report): void {
  const { password, version } = router;
  if (password === undefined) return;
  const at = [...path, "password"];
  const bytes = new TextEncoder().encode(password).length;
  if (bytes > PASSWORD_BYTES_MAX) {
    report(
      at,
      `has ${bytes} bytes, but VRRP carries only ${PASSWORD_BYTES_MAX} (keepalived cuts it silently)`,
    );
  }
  if (version === 3) report(at, "version 3 has no password (RFC 9568 §9): remove it, or set version = 2");
}

const ADDRESSES_MAX = 255;

function checkAddresses({ path, router, family }: Subject, report: Report): void {
  const { length } = indexed(router.addresses);
  if (length > ADDRESSES_MAX) {
    report(
      [...path, "addresses"],
      `an advertisement carries at most ${ADDRESSES_MAX} addresses, these are ${length}`,
    );
  }
  for (const [vipPath, vip] of vipsOf({ path, router, family })) {
    checkLabel(vipPath, vip, virtualMacOf(router)?.interface ?? router.interface, report);
  }
}

/** The kernel shows labels to ifconfig, which wants them to begin with the interface. */
function checkLabel(
  path: Path,
  { address, label, interface: own }: Vip,
  routers: string | undefined,
  report: Report,
): void {
  if (label === undefined) return;
  const at = [...path, "label"];
  const carrier = own ?? routers;
  if (familyOfText(address) === 6) report(at, "an IPv6 address has no label");
  else if (carrier !== undefined && label !== carrier && !label.startsWith(`${carrier}:`)) {
    report(at, `expected a label that starts with "${carrier}:"`);
  }
}

function checkUnicast({ path, router, family }: Subject, report: Report): void {
  const { unicast_source: written, unicast_peers: peers, multicast_group: group } = router;
  const sources = [written ?? []].flat();
  if (written !== undefined && peers === undefined) {
    report([...path, "unicast_source"], "has no meaning without unicast_peers");
  }
  const addresses: [Path, string | undefined][] = [
    ...sources.map((source, i): [Path, string] => [
      Array.isArray(written) ? ["unicast_source", i] : ["unicast_source"],
      source,
    ]),
    [["multicast_group"], group],
    ...indexed(peers).map(([i, peer]): [Path, string] => [["unicast_peers", i], peer]),
  ];
  for (const [key, address] of addresses) {
    if (address !== undefined && familyOfText(address) !== family) {
      report([...path, ...key], `expected an IPv${family} address like those of the router`);
    }
  }
  for (const [i, peer] of indexed(peers)) {
    const at = [...path, "unicast_peers", i];
    if (sources.includes(peer)) report(at, "is this router's own unicast_source");
    const first = peers?.indexOf(peer) ?? i;
    if (first !== i) report(at, "listed twice, first", [...path, "unicast_peers", first]);
  }
}

function checkLease({ path, router }: Subject, report: Report): void {
  const { lease, advertisement_interval: interval } = router;
  if (typeof lease !== "number" || interval === undefined || lease >= 3 * interval) return;
  report([...path, "lease"], `expected at least 3 advertisement intervals (${formatDuration(3 * interval)})`);
}

function checkVirtualMac({ path, router }: Subject, report: Report): void {
  const { virtual_mac: written, priority, unicast_peers: peers } = router;
  const at = [...path, "virtual_mac"];
  if (written === undefined || written === false) return;
  if (priority === 255) {
    report(
      at,
      "an owner (priority 255) has the addresses on its interface already, under that interface's MAC address",
    );
  }
  if (peers !== undefined && written !== true && written.advertise_from === "virtual") {
    report(
      [...at, "advertise_from"],
      'expected "base": unicast advertisements are routed, from the interface\'s own MAC address',
    );
  }
  if (written !== true && written.interface !== undefined && written.interface === router.interface) {
    report([...at, "interface"], "expected another name than that of the virtual router's interface");
  }
}

/** Each macvlan interface carries one MAC address. */
function checkVirtualMacs(subjects: readonly Subject[], report: Report): void {
  const users = new Map<string, Path>();
  for (const { path, router } of subjects) {
    const link = router.vrid === undefined ? null : virtualMacOf(router);
    if (link === null) continue;
    const at = [...path, "virtual_mac"];
    const first = users.get(link.interface);
    if (first === undefined) users.set(link.interface, at);
    else if (formatPath(first) === formatPath(at)) continue;
    else {report(
        at,
        `${link.interface} is already the interface of ${formatPath(first)}: name another`,
        first,
      );}
  }
}

/** An address can be on this host only once; a link-local IPv6 one once on each link. */
function checkVips(subjects: readonly Subject[], report: Report): void {
  const owners = new Map<string, Path>();
  for (const subject of subjects) {
    for (const [path, { address, interface: own }] of vipsOf(subject)) {
      const link = /^fe[89ab]/.test(address) ? own ?? subject.router.interface : "";
      const key = `${address}%${link}`;
      const first = owners.get(key);
      if (first === undefined) owners.set(key, path);
      else report(path, `${address} is already ${formatPath(first)}`, first);
    }
  }
}

function vipsOf({ path, router }: Subject): [Path, Vip][] {
  return (["addresses", "excluded_addresses"] as const).flatMap((key) =>
    indexed(router[key]).map(([i, vip]): [Path, Vip] => [[...path, key, i], vip])
  );
}

/** Two routers of one VRID and family on one link hear each other, unless group or peers keep them apart. */
function checkVrids(subjects: readonly Subject[], report: Report): void {
  for (const [i, subject] of subjects.entries()) {
    const first = subjects.slice(0, i).find((earlier) => collide(earlier, subject));
    if (first === undefined) continue;
    const { vrid, interface: link } = subject.router;
    report(
      [...subject.path, "vrid"],
      `IPv${subject.family} VRID ${vrid} on ${link} is already that of ${formatPath(first.path)}`,
      [
        ...first.path,
        "vrid",
      ],
    );
  }
}

function collide(a: Subject, b: Subject): boolean {
  if (a.router.vrid === undefined || a.router.vrid !== b.router.vrid) return false;
  if (a.router.interface === undefined || a.router.interface !== b.router.interface) return false;
  return a.family === b.family && !areDisjoint(a, b);
}

function areDisjoint(a: Subject, b: Subject): boolean {
  const [peers, others] = [a.router.unicast_peers, b.router.unicast_peers];
  if (peers === undefined && others === undefined) return groupOf(a) !== groupOf(b);
  if (peers === undefined || others === undefined) return true;
  return !peers.some((peer) => others.includes(peer));
}

function groupOf({ router, family }: Subject): string {
  return router.multicast_group ?? defaultGroup(family);
}

function checkApi({ listen = [], token_file }: Partially["api"], report: Report): void {
  const places = listen.map(formatListen);
  for (const [i, place] of indexed(listen)) {
    const at = ["api", "listen", i];
    if (!isLoopback(place) && token_file === undefined) {
      report(at, "listens beyond this host: api.token_file is needed, or listen on 127.0.0.1");
    }
    const first = places.indexOf(formatListen(place));
    if (first !== i) report(at, "listed twice, first", ["api", "listen", first]);
  }
}
