/** `virtual_server` of keepalived.conf: `[virtual_server.*]`, written when all blocks are known. */
import { formatDuration } from "../../../../checks/duration.ts";
import { SCHEDULERS } from "../../schedulers.ts";
import { closest } from "../../suggest.ts";
import { addressAt, switchAt, wholeNumberAt, wordAt } from "../arguments.ts";
import type { Conversion } from "../conversion.ts";
import type { Value } from "../draft.ts";
import type { Tell } from "../report.ts";
import { type Script, scriptOf } from "../scripts.ts";
import { type Keywords, walk } from "../table.ts";
import type { Place, Statement } from "../tree.ts";
import { forwardKeywords, NAMES } from "./common.ts";
import { forwardOf } from "./forwarding.ts";
import { readRealServer, type RealServer } from "./real_server.ts";
import { type Timed, TIMING } from "./timing.ts";
import { writeVirtualServer } from "./write.ts";

export interface VirtualServer extends Timed {
  readonly conversion: Conversion;
  readonly at: Place;
  /** What it is called in keepalived.conf: address, mark or group. */
  readonly what: {
    readonly kind: "address" | "fwmark" | "group";
    readonly text: string;
    readonly port: number;
  };
  /** Keys of its table. */
  readonly keys: Record<string, Value>;
  readonly realServers: RealServer[];
  readonly hooks: { quorum_up?: Script; quorum_down?: Script };
  readonly sorry: { address?: string; port?: number; forward?: Value; on_failure?: string };
  virtualHost?: string;
  isSuspending?: boolean;
  isAlerting?: boolean;
}

const flag = (keyword: string, name: string = keyword): Keywords<VirtualServer>[number] => ({
  keyword,
  outcome: name === keyword ? "converted" : "obsolete",
  why: `virtual_server.*.flags = ["${name}"]`,
  convert: (_statement, { keys }, tell) => {
    const flags = Array.isArray(keys["flags"]) ? keys["flags"] : [];
    keys["flags"] = [...flags, name];
    if (name !== keyword) tell.obsolete(`the word is ${name}`);
  },
});

const number = (keyword: string, key: string, max: number): Keywords<VirtualServer>[number] => ({
  keyword,
  outcome: "converted",
  why: `virtual_server.*.${key}`,
  convert: (statement, { keys }, tell) => {
    const value = wholeNumberAt(statement, 0, [0, max], tell);
    if (value !== undefined) keys[key] = value;
  },
});

const hook = (keyword: "quorum_up" | "quorum_down"): Keywords<VirtualServer>[number] => ({
  keyword,
  outcome: "converted",
  why: `virtual_server.*.notify.${keyword}`,
  convert: (statement, { hooks }, tell) => {
    const script = scriptOf(statement, true, tell);
    if (script !== undefined) hooks[keyword] = script;
  },
});

const PERSISTENCE_DEFAULT_S = 360;
const PERSISTENCE_MAX_S = 2_678_400;

/** Who carries the traffic, and how. */
const TRAFFIC: Keywords<VirtualServer> = [
  ...["lb_algo", "lvs_sched"].map((keyword): Keywords<VirtualServer>[number] => ({
    keyword,
    outcome: "converted",
    why: "virtual_server.*.scheduler",
    convert: (statement, { keys }, tell) => {
      const word = wordAt(statement, 0, tell)?.text.toLowerCase();
      if (word === undefined) return;
      if (SCHEDULERS.includes(word)) keys["scheduler"] = word;
      else tell.refuse(`unknown scheduler "${word}"; ${near(word, SCHEDULERS)}keepalived would take wlc`);
    },
  })),
  ...forwardKeywords("virtual_server.*.forward"),
  flag("hashed", "flag-1"),
  ...["flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback"].map((name) =>
    flag(name)
  ),
  {
    keyword: "ops",
    outcome: "converted",
    why: "virtual_server.*.one_packet",
    convert: (_statement, { keys }) => {
      keys["one_packet"] = true;
    },
  },
  {
    keyword: "protocol",
    outcome: "converted",
    why: "virtual_server.*.protocol",
    convert: (statement, { keys }, tell) => {
      const word = wordAt(statement, 0, tell)?.text.toLowerCase();
      if (word === undefined) return;
      if (!["tcp", "udp", "sctp"].includes(word)) {
        return tell.refuse(`expected TCP, UDP or SCTP, got "${word}"`);
      }
      if (word !== "tcp") keys["protocol"] = word;
    },
  },
  {
    keyword: "persistence_timeout",
    outcome: "converted",
    why: "virtual_server.*.persistence; 360s where keepalived.conf does not say",
    convert: (statement, { keys }, tell) => {
      const given = statement.args.length > 0
        ? wholeNumberAt(statement, 0, [0, PERSISTENCE_MAX_S], tell)
        : PERSISTENCE_DEFAULT_S;
      if (given === 0) return tell.note("0: no persistence");
      if (given !== undefined) keys["persistence"] = formatDuration(given * 1000);
    },
  },
  {
    keyword: "persistence_granularity",
    outcome: "converted",
    why: "virtual_server.*.persistence_granularity; alone it means persistence of 360s",
    convert: (statement, { keys }, tell) => {
      const word = wordAt(statement, 0, tell)?.text;
      if (word === undefined) return;
      keys["persistence_granularity"] = /^\d+$/.test(word) ? Number(word) : word;
      keys["persistence"] ??= formatDuration(PERSISTENCE_DEFAULT_S * 1000);
    },
  },
  {
    keyword: "persistence_engine",
    outcome: "converted",
    why: "virtual_server.*.persistence_engine",
    convert: (statement, { keys }, tell) => {
      const word = wordAt(statement, 0, tell)?.text;
      if (word === "sip") keys["persistence_engine"] = word;
      else tell.refuse(`expected sip, got "${word ?? ""}"`);
    },
  },
  {
    keyword: "ip_family",
    outcome: "converted",
    why: "virtual_server.*.family",
    convert: (statement, { keys }, tell) => {
      const word = wordAt(statement, 0, tell)?.text;
      if (word !== "inet" && word !== "inet6") {
        return tell.refuse(`expected inet or inet6, got "${word ?? ""}"`);
      }
      keys["family"] = word === "inet" ? "ipv4" : "ipv6";
    },
  },
  { keyword: "nat_mask", outcome: "obsolete", why: "it never had an effect; nothing replaces it" },
];

/** What becomes of real servers, and who is told. */
const HEALTH: Keywords<VirtualServer> = [
  number("quorum", "quorum", 0xffff_ffff),
  number("hysteresis", "hysteresis", 0xffff_ffff),
  number("weight", "weight", 65_535),
  hook("quorum_up"),
  hook("quorum_down"),
  {
    keyword: "omega",
    outcome: "converted",
    why: "virtual_server.*.omega",
    convert: (statement, { keys }, tell) => {
      if (switchAt(statement, tell) === true) keys["omega"] = true;
    },
  },
  {
    keyword: "inhibit_on_failure",
    outcome: "converted",
    why: 'virtual_server.*.on_failure = "quiesce"',
    convert: (statement, { keys }, tell) => {
      if (switchAt(statement, tell) === true) keys["on_failure"] = "quiesce";
    },
  },
  {
    keyword: "ha_suspend",
    outcome: "converted",
    why: "virtual_server.*.virtual_router: the one that brings the address",
    convert: (_statement, server) => {
      server.isSuspending = true;
    },
  },
  {
    keyword: "smtp_alert",
    outcome: "converted",
    why: "virtual_server.*.notify.mail",
    convert: (statement, server, tell) => {
      server.isAlerting = switchAt(statement, tell) === true;
    },
  },
  ...NAMES,
  {
    keyword: "real_server",
    outcome: "converted",
    why: "virtual_server.*.real_server",
    convert: (statement, { conversion, realServers }, tell) => {
      const server = readRealServer(statement, conversion, tell);
      if (server !== undefined) realServers.push(server);
    },
  },
];

const SORRY: Keywords<VirtualServer> = [
  {
    keyword: "sorry_server",
    outcome: "converted",
    why: "virtual_server.*.sorry_server",
    convert: (statement, { sorry }, tell) => {
      const address = addressAt(statement, 0, tell);
      const port = statement.args[1] === undefined ? 0 : wholeNumberAt(statement, 1, [0, 65_535], tell);
      if (address === undefined || port === undefined) return;
      sorry.address = address;
      sorry.port = port;
    },
  },
  {
    keyword: "sorry_server_inhibit",
    outcome: "converted",
    why: 'virtual_server.*.sorry_server.on_failure = "quiesce"',
    convert: (statement, { sorry }, tell) => {
      if (switchAt(statement, tell) === true) sorry.on_failure = "quiesce";
    },
  },
  {
    keyword: "sorry_server_lvs_method",
    outcome: "converted",
    why: "virtual_server.*.sorry_server.forward",
    convert: (statement, { sorry }, tell) => {
      const forward = forwardOf(statement, tell);
      if (forward !== undefined) sorry.forward = forward;
    },
  },
];

export const VIRTUAL_SERVER: Keywords<VirtualServer> = [...TRAFFIC, ...HEALTH, ...SORRY, ...TIMING];

function near(word: string, known: readonly string[]): string {
  const found = closest(word, known);
  return found === undefined ? "" : `did you mean ${found}? `;
}

/** `virtual_server ADDRESS PORT`, `virtual_server fwmark N`, `virtual_server group NAME`. */
export function convertVirtualServer(statement: Statement, conversion: Conversion, tell: Tell): void {
  const what = whatOf(statement, tell);
  if (what === undefined) return;
  const server: VirtualServer = {
    ...{ conversion, at: statement.keyword.at, what },
    ...{ keys: {}, realServers: [], hooks: {}, sorry: {}, timing: {} },
  };
  walk(`virtual_server ${what.text}`, VIRTUAL_SERVER, statement.block ?? [], server, conversion);
  if (server.realServers.length === 0 && server.sorry.address === undefined) {
    return tell.nothing("it has no real server: keepalived drops it");
  }
  conversion.later.push(() => writeVirtualServer(server, tell));
}

function whatOf(statement: Statement, tell: Tell): VirtualServer["what"] | undefined {
  const first = wordAt(statement, 0, tell)?.text;
  if (first === undefined) return undefined;
  if (first === "group") {
    const name = wordAt(statement, 1, tell)?.text;
    return name === undefined ? undefined : { kind: "group", text: name, port: 0 };
  }
  if (first === "fwmark") {
    const mark = wholeNumberAt(statement, 1, [1, 0xffff_ffff], tell);
    return mark === undefined ? undefined : { kind: "fwmark", text: String(mark), port: 0 };
  }
  const address = addressAt(statement, 0, tell);
  const port = statement.args[1] === undefined ? 0 : wholeNumberAt(statement, 1, [0, 65_535], tell);
  return address === undefined || port === undefined ? undefined : { kind: "address", text: address, port };
}
