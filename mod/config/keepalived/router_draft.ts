/** What a vrrp_instance says, with keepalived's defaults, as a `[virtual_router.*]` that behaves the same. */
import { formatDuration } from "../../../checks/duration.ts";
import { type Conversion, routerName } from "./conversion.ts";
import { type DraftTable, set, tableAt, type Value } from "./draft.ts";
import { garpIntervalMs } from "./garp.ts";
import { writeHooks } from "./hooks.ts";
import { type Tell, teller } from "./report.ts";
import { writeTracks } from "./tracking.ts";
import type { VrrpInstance } from "./instance.ts";

const OWNER = 255;
const PASSWORD_BYTES = 8;

/** What follows from several keywords together. */
interface Derived {
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  readonly priority: number;
  readonly strict: boolean;
}

export function writeRouter(instance: VrrpInstance): void {
  const { name, at, conversion } = instance;
  const tell = teller(conversion.rows, at, "vrrp_instance");
  const table = tableAt(conversion.draft, [
    "virtual_router",
    routerName(conversion, name),
  ], at);
  const derived = derive(instance, tell);
  writeIdentity(table, instance, derived, tell);
  writeAddresses(table, instance, derived, tell);
  writeElection(table, instance, derived, tell);
  writeTransport(table, instance, derived, tell);
  writeGarp(table, instance, derived);
  writeTracks(table, instance.tracks, instance.interface, conversion);
  writeHooks(table, instance.hooks, conversion.globals.scriptAccount, tell);
}

function derive(instance: VrrpInstance, tell: Tell): Derived {
  const { addresses, source, peers, multicastGroup, state, conversion: { globals } } = instance;
  const telling = source ?? peers?.[0] ?? multicastGroup;
  const family = addresses[0]?.family ?? (telling?.includes(":") === true ? 6 : 4);
  const wanted = instance.version ?? globals.version;
  if (family === 6 && instance.version === 2) tell.note("version = 3: IPv6 needs it");
  const priority = instance.priority ?? (state === "MASTER" ? OWNER : 100);
  return { family, version: family === 6 ? 3 : wanted, priority, strict: instance.strict ?? globals.strict };
}

function writeIdentity(table: DraftTable, instance: VrrpInstance, derived: Derived, tell: Tell): void {
  const { version, priority, strict } = derived;
  if (instance.interface === undefined) {
    tell.refuse("interface is missing: vipd needs one, even with unicast_peers");
  }
  if (instance.vrid === undefined) tell.refuse("virtual_router_id is missing");
  set(table, "interface", instance.interface);
  set(table, "vrid", instance.vrid);
  set(table, "version", version, version === 2 ? { comment: "keepalived's default; vipd's is 3" } : {});
  set(table, "priority", priority);
  if (instance.priority === undefined && priority === OWNER) {
    tell.note("priority = 255: state MASTER without a priority makes keepalived the owner of the addresses");
  }
  set(
    table,
    "advertisement_interval",
    formatDuration(intervalMs(instance.intervalMs ?? 1_000, version, tell)),
  );
  writePassword(table, instance, version, strict, tell);
}

/** As keepalived rounds: whole seconds of version 2, hundredths and at most 40.95s of version 3. */
function intervalMs(ms: number, version: 2 | 3, tell: Tell): number {
  const step = version === 2 ? 1_000 : 10;
  const rounded = Math.min(version === 2 ? 255_000 : 40_950, Math.max(step, Math.round(ms / step) * step));
  if (rounded !== ms) {
    tell.note(
      `advert_int ${ms / 1000} is rounded to ${rounded / 1000} with version ${version}, as keepalived does`,
    );
  }
  return rounded;
}

function writePassword(
  table: DraftTable,
  { authType, password, conversion }: VrrpInstance,
  version: 2 | 3,
  strict: boolean,
  tell: Tell,
): void {
  if (password === undefined) {
    if (authType !== undefined) tell.note("authentication without auth_pass: keepalived uses none");
    return;
  }
  const tellPass = teller(conversion.rows, password.at, "auth_pass");
  if (authType === undefined) return tellPass.nothing("keepalived uses no password without auth_type PASS");
  if (strict) return tellPass.nothing("keepalived uses no password in strict mode");
  if (version === 3) return tellPass.nothing("version 3 has no password: keepalived uses none");
  const bytes = new TextEncoder().encode(password.text);
  if (bytes.length === 0) return tellPass.nothing("an empty password is none");
  if (bytes.length > PASSWORD_BYTES) {
    tellPass.note(`only its first ${PASSWORD_BYTES} bytes count, in keepalived as well`);
  }
  const cut = new TextDecoder().decode(bytes.subarray(0, PASSWORD_BYTES)).replace(/\ufffd+$/, "");
  if (bytes.length > PASSWORD_BYTES && new TextEncoder().encode(cut).length < PASSWORD_BYTES) {
    return tellPass.refuse(
      `cut after ${PASSWORD_BYTES} bytes it ends within a letter: choose another on all routers`,
    );
  }
  set(table, "password", cut, { at: password.at });
}

function writeAddresses(
  table: DraftTable,
  { addresses, excluded }: VrrpInstance,
  { family }: Derived,
  tell: Tell,
): void {
  const others = addresses.filter((address) => address.family !== family);
  if (others.length > 0) {
    tell.refuse(
      "virtual_ipaddress has IPv4 and IPv6 addresses: keepalived passes over those that are not like the first; " +
        "move them to virtual_ipaddress_excluded",
    );
  }
  const values = (list: typeof addresses): Value[] => list.map(({ value }) => value);
  set(table, "addresses", values(addresses.filter((address) => address.family === family)));
  set(table, "excluded_addresses", excluded.length === 0 ? undefined : values(excluded));
}

function writeElection(
  table: DraftTable,
  instance: VrrpInstance,
  { priority, strict }: Derived,
  tell: Tell,
): void {
  const { state, noPreempt, preemptDelayMs } = instance;
  const isMaster = state === "MASTER" || priority === OWNER;
  if (noPreempt && isMaster) {
    const why = priority === OWNER ? "the owner of the addresses" : "state MASTER";
    tell.note(
      `nopreempt is left out: keepalived drops it with ${why}; write state BACKUP on both to mean it`,
    );
  }
  if (state === "MASTER" && priority !== OWNER) {
    table.comments.push("state MASTER has no effect: the router with the highest priority becomes ACTIVE.");
  }
  const keeps = noPreempt && !isMaster;
  if (keeps) set(table, "preempt", false);
  if (preemptDelayMs === 0) return;
  if (isMaster || keeps || strict) {
    tell.note(
      `preempt_delay is left out: keepalived drops it with ${
        keeps ? "nopreempt" : strict ? "strict mode" : "state MASTER"
      }`,
    );
  } else set(table, "preempt_delay", formatDuration(preemptDelayMs));
}

function writeTransport(
  table: DraftTable,
  instance: VrrpInstance,
  { family, version }: Derived,
  tell: Tell,
): void {
  const { peers, source, wantsUnicast, faultWithoutPeers, multicastGroup, virtualMac, conversion } = instance;
  const { globals } = conversion;
  if (peers !== undefined) {
    set(table, "unicast_source", source);
    set(table, "unicast_peers", peers);
  } else if (wantsUnicast) {
    if (faultWithoutPeers) {
      tell.refuse("unicast without unicast_peer: with unicast_fault_no_peer it never works");
    } else tell.note("no unicast_peer is named: keepalived falls back to multicast, and so does this");
  }
  const group = multicastGroup ?? (family === 4 ? globals.multicast4 : globals.multicast6);
  if (peers === undefined) set(table, "multicast_group", group);
  if (version === 3 && family === 4 && (instance.checksumAsV2 ?? globals.checksumAsV2)) {
    set(table, "ipv4_checksum", "rfc9568");
  }
  if (virtualMac !== undefined) set(table, "virtual_mac", virtualMacOf(instance, family, conversion));
}

function virtualMacOf(
  { virtualMac, vrid, advertiseFromBase, peers }: VrrpInstance,
  family: 4 | 6,
  { globals }: Conversion,
): Value {
  const prefix = globals.vmacPrefix;
  const name = virtualMac?.name ??
    (prefix === "vrrp" ? undefined : `${prefix}${family === 4 ? "" : "6"}.${vrid}`);
  const base = advertiseFromBase || peers !== undefined;
  if (name === undefined && !base) return true;
  return { ...(name === undefined ? {} : { interface: name }), ...(base ? { advertise_from: "base" } : {}) };
}

function writeGarp(table: DraftTable, instance: VrrpInstance, { family }: Derived): void {
  const { globals } = instance.conversion;
  const { repeat, delayMs, refreshMs } = { ...globals.garp, ...instance.garp };
  const interval = garpIntervalMs(globals, family, instance.interface ?? "");
  const garp: Record<string, Value> = {};
  if (repeat !== 5) garp["repeat"] = repeat;
  if (delayMs !== 5_000) garp["delay"] = formatDuration(delayMs);
  garp["refresh"] = formatDuration(refreshMs);
  if (interval !== 0) garp["interval"] = formatDuration(interval);
  const comment = refreshMs === 0
    ? "keepalived's default is never; vipd's is every 60s, which heals stale ARP caches"
    : "";
  set(table, "garp", garp, { comment });
}
