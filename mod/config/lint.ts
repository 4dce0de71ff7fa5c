/** What is allowed but hardly meant: warnings about the intent of one configuration, never errors. */
import { type Finding, formatPath, type Path } from "./document.ts";
import { routerPath, tableOf } from "./dual_stack.ts";
import { lintBalance } from "./lint_balance.ts";
import { lintGroups } from "./lint_groups.ts";
import { unique } from "./cross_check_groups.ts";
import { formatDuration } from "./duration.ts";
import { lintNotify } from "./lint_notify.ts";
import type { CheckConfig, Config, VirtualRouterConfig } from "./schema.ts";
import { isMultiplied } from "./weights.ts";

/** Whether the operator wrote the key, as opposed to its default. */
export type IsSet = (path: Path) => boolean;

type Warn = (path: Path, message: string) => void;

/** A rule looks at one virtual router. */
type RouterRule = (router: VirtualRouterConfig, path: Path, warn: Warn, isSet: IsSet) => void;

const ROUTER_RULES: readonly RouterRule[] = [
  lintEmpty,
  lintOwner,
  lintPreemption,
  lintInterval,
  lintSize,
  lintUseless,
  lintConflictWait,
];

/**
 * Every warning about one configuration. `hasCounterpart` names the routers whose weights are judged against
 * the files of other hosts (compare.ts): guesses about these are left out.
 */
export function lint(
  config: Config,
  isSet: IsSet,
  hasCounterpart = (_router: string): boolean => false,
): Finding[] {
  const findings: Finding[] = [];
  const warn: Warn = (path, message) => findings.push({ path, message });
  for (const [name, router] of Object.entries(config.virtual_router)) {
    const path = routerPath(name);
    // Keys of a table for both families mean something, if only to one of the two.
    const isMeant: IsSet = name === tableOf(name) ? isSet : () => false;
    for (const rule of ROUTER_RULES) rule(router, path, warn, isMeant);
    const known = {
      ...router,
      track: router.track.filter(({ check }) => !isMultiplied(config.check[check])),
    };
    lintClamp(known, path, warn);
    if (!hasCounterpart(name)) lintSmallWeights(known, path, warn);
  }
  const tables = [config.virtual_router, config.virtual_server, config.direct_routing];
  if (tables.every((table) => Object.keys(table).length === 0)) {
    warn([], "there is no virtual router: vipd would keep no address");
  }
  lintGroups(config, warn, isSet);
  lintBalance(config, warn, isSet);
  lintNotify(config, warn);
  for (const [name, check] of Object.entries(config.check)) lintCheck(config, name, check, warn);
  return unique(findings);
}

function lintEmpty({ addresses, excluded_addresses }: VirtualRouterConfig, path: Path, warn: Warn): void {
  if (addresses.length > 0) return;
  const rest = excluded_addresses.length > 0
    ? "advertises none of its addresses"
    : "has no address that could move";
  warn([...path, "addresses"], `this virtual router ${rest}`);
}

function lintOwner({ priority, track }: VirtualRouterConfig, path: Path, warn: Warn): void {
  if (priority !== 255 || !track.some(({ weight }) => weight !== undefined)) return;
  warn([...path, "priority"], "255 is the address owner, whose priority no weight changes (RFC 9568 §6.1)");
}

/** Below this, two routers whose priorities differ by the customary 10 or more never change places. */
const WEIGHT_SMALL = 10;

function lintSmallWeights({ priority, track }: VirtualRouterConfig, path: Path, warn: Warn): void {
  if (priority === 255) return;
  for (const [i, { check, weight }] of track.entries()) {
    if (weight === undefined || Math.abs(weight) >= WEIGHT_SMALL) continue;
    warn(
      [...path, "track", i],
      `weight ${weight} moves the addresses only if a peer's priority is less than ${
        Math.abs(weight)
      } below; ` +
        `leave it out to make a failing ${check} FAULT, or give "vipd validate" the peer's file too`,
    );
  }
}

function lintClamp({ priority, track }: VirtualRouterConfig, path: Path, warn: Warn): void {
  if (priority === 255) return;
  const weights = track.map(({ weight = 0, reverse = false }) => reverse ? -weight : weight);
  const highest = priority + sumOf(weights.filter((weight) => weight > 0));
  const lowest = priority + sumOf(weights.filter((weight) => weight < 0));
  if (highest > 254) {
    warn([...path, "track"], `with all checks passing the priority is ${highest}, which is cut to 254`);
  }
  if (lowest < 1) {
    warn([...path, "track"], `with all checks failing the priority is ${lowest}, which is cut to 1`);
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function lintPreemption(router: VirtualRouterConfig, path: Path, warn: Warn): void {
  if (router.preempt) return;
  if (router.track.some(({ weight }) => weight !== undefined)) {
    warn(
      [...path, "preempt"],
      "with preempt = false this router never takes over from a living one, so weights alone do not bring the addresses here",
    );
  }
  if (router.preempt_delay > 0) warn([...path, "preempt_delay"], "has no effect with preempt = false");
}

function lintInterval(
  { advertisement_interval: interval }: VirtualRouterConfig,
  path: Path,
  warn: Warn,
): void {
  if (interval >= 100) return;
  warn(
    [...path, "advertisement_interval"],
    `at ${formatDuration(interval)} a pause of ${
      formatDuration(3 * interval)
    } in network or scheduling is a failover`,
  );
}

/**
 * Advertisements are never fragmented by hosts that mean well: 1500 bytes, less IPv6 and VRRP headers, 16 an
 * address.
 */
const IPV6_ADDRESSES_IN_MTU = 90;

function lintSize({ family, addresses }: VirtualRouterConfig, path: Path, warn: Warn): void {
  if (family === 4 || addresses.length <= IPV6_ADDRESSES_IN_MTU) return;
  warn(
    [...path, "addresses"],
    `more than ${IPV6_ADDRESSES_IN_MTU} addresses do not fit an advertisement of 1500 bytes`,
  );
}

/** Keys that were written although something else makes them mean nothing. */
function lintUseless(router: VirtualRouterConfig, path: Path, warn: Warn, isSet: IsSet): void {
  const unicast = router.unicast_peers !== undefined;
  const useless: readonly [string, boolean, string][] = [
    ["multicast_group", unicast, "with unicast_peers"],
    ["ttl_security", unicast, "with unicast_peers"],
    ["ipv4_checksum", router.version === 2, "with version = 2"],
    ["ipv4_checksum", router.family === 6, "with IPv6 addresses"],
    ["conflict_wait", router.detect_conflicts !== "wait", 'without detect_conflicts = "wait"'],
  ];
  for (const [key, isUseless, because] of useless) {
    if (isUseless && isSet([...path, key])) warn([...path, key], `has no effect ${because}`);
  }
}

/** Who hands over serves on, but not for ever. */
function lintConflictWait(
  { detect_conflicts, conflict_wait, handover }: VirtualRouterConfig,
  path: Path,
  warn: Warn,
): void {
  if (detect_conflicts !== "wait" || !handover.enabled || conflict_wait < handover.timeout) return;
  warn(
    [...path, "conflict_wait"],
    `not below the handover.timeout ${
      formatDuration(handover.timeout)
    }: a peer that hands over has let go by then`,
  );
}

function lintCheck(config: Config, name: string, check: CheckConfig, warn: Warn): void {
  const path = ["check", name];
  const trackers = Object.entries(config.virtual_router).filter(([, { track }]) =>
    track.some((one) => dependsOn(config, one.check, name))
  );
  if (trackers.length === 0) warn(path, "no virtual router tracks this check: it decides nothing");
  if (check.type === "curl") lintCurl(check, path, warn);
  if (check.type === "exec") lintExec(check, path, warn);
  for (const [router, { addresses, excluded_addresses }] of trackers) {
    const vips = [...addresses, ...excluded_addresses].map(({ address }) => address);
    lintTarget(check, path, formatPath(routerPath(router)), vips, warn);
  }
}

/** Whether a check is that one, or follows it. */
function dependsOn(config: Config, check: string, name: string): boolean {
  return check === name ||
    (config.check[check]?.follows?.checks ?? []).some((followed) => dependsOn(config, followed, name));
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((element) => typeof element === "string") : [];
}

function lintCurl({ options, timeout }: CheckConfig, path: Path, warn: Warn): void {
  const limited = textsOf(options["args"]).some((arg) =>
    /^(--max-time|--connect-timeout|-[a-zA-Z]*m)/.test(arg)
  );
  if (limited) return;
  warn(
    [...path, "args"],
    `no --max-time and no --connect-timeout: only the check's timeout (${
      formatDuration(timeout)
    }) ends a hanging curl`,
  );
}

function lintExec({ options }: CheckConfig, path: Path, warn: Warn): void {
  const [program = "", ...args] = textsOf(options["command"]);
  if (/\s/.test(program)) {
    warn(
      [...path, "command", 0],
      "the program's name contains a blank: write each argument as an element of its own",
    );
  }
  if (/(^|\/)(ba|da|a|z|k)?sh$/.test(program)) return;
  for (const [i, arg] of [program, ...args].entries()) {
    const [found] = /[|&;<>`]|\$\(|\$\w/.exec(arg) ?? [];
    if (found !== undefined) {
      warn(
        [...path, "command", i],
        `${JSON.stringify(found)} is passed as it is: no shell reads the command`,
      );
    }
  }
}

/** Asking the virtual address asks whoever has it: a backup then judges the active router, not itself. */
function lintTarget(
  { options }: CheckConfig,
  path: Path,
  router: string,
  vips: readonly string[],
  warn: Warn,
): void {
  for (const key of ["url", "address", "connect_to"]) {
    const value = options[key];
    const host = typeof value === "string" ? hostOf(value) : undefined;
    if (host === undefined || !vips.includes(host)) continue;
    warn(
      [...path, key],
      `${host} is an address of ${router}: on a backup this asks the active router; ask 127.0.0.1`,
    );
  }
  const witnesses = Array.isArray(options["addresses"]) ? options["addresses"] : [];
  for (const [i, value] of witnesses.entries()) {
    const host = typeof value !== "string" || vips.includes(value) ? value : hostOf(value);
    if (!vips.includes(host)) continue;
    warn(
      [...path, "addresses", i],
      `${host} is an address of ${router}: a witness is another host; this node would ask itself`,
    );
  }
}

function hostOf(target: string): string | undefined {
  const url = URL.parse(target.includes("://") ? target : `tcp://${target}`);
  return url?.hostname.replace(/^\[|\]$/g, "");
}
