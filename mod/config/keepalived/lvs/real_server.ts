/** `real_server` of keepalived.conf: `[[virtual_server.NAME.real_server]]`. */
import { parseAddress } from "../../../wire/address.ts";
import { switchAt, wholeNumberAt, wordAt } from "../arguments.ts";
import type { Conversion } from "../conversion.ts";
import type { Value } from "../draft.ts";
import type { Tell } from "../report.ts";
import { type Script, scriptOf } from "../scripts.ts";
import { type Keywords, walk } from "../table.ts";
import type { Place, Statement } from "../tree.ts";
import { type Checker, CHECKERS } from "./checkers.ts";
import { forwardKeywords, NAMES } from "./common.ts";
import { type Timed, TIMING } from "./timing.ts";

export interface RealServer extends Timed {
  readonly conversion: Conversion;
  readonly at: Place;
  readonly address: string;
  /** 0: that of the virtual server. */
  readonly port: number;
  readonly keys: Record<string, Value>;
  readonly checkers: Checker[];
  virtualHost?: string;
  /** notify_up and notify_down. */
  readonly hooks: { up?: Script; down?: Script };
  isAlerting?: boolean;
}

const WEIGHT_MAX = 65_535;

const threshold = (keyword: string, key: string): Keywords<RealServer>[number] => ({
  keyword,
  outcome: "converted",
  why: `real_server.${key}`,
  convert: (statement, { keys }, tell) => {
    const count = wholeNumberAt(statement, 0, [0, 0xffff_ffff], tell);
    if (count !== undefined) keys[key] = count;
  },
});

const hook = (keyword: string, event: "up" | "down"): Keywords<RealServer>[number] => ({
  keyword,
  outcome: "converted",
  why: `virtual_server.*.notify.${event}: one program for all its real servers`,
  convert: (statement, { hooks }, tell) => {
    const script = scriptOf(statement, true, tell);
    if (script !== undefined) hooks[event] = script;
  },
});

export const REAL_SERVER: Keywords<RealServer> = [
  {
    keyword: "weight",
    outcome: "converted",
    why: "real_server.weight",
    convert: (statement, { keys }, tell) => {
      const weight = wholeNumberAt(statement, 0, [0, WEIGHT_MAX], tell);
      if (weight !== undefined) keys["weight"] = weight;
    },
  },
  ...forwardKeywords("real_server.forward"),
  threshold("uthreshold", "upper_threshold"),
  threshold("lthreshold", "lower_threshold"),
  {
    keyword: "inhibit_on_failure",
    outcome: "converted",
    why: 'real_server.on_failure = "quiesce"',
    convert: (statement, { keys }, tell) => {
      keys["on_failure"] = switchAt(statement, tell) === false ? "remove" : "quiesce";
    },
  },
  hook("notify_up", "up"),
  hook("notify_down", "down"),
  {
    keyword: "smtp_alert",
    outcome: "converted",
    why: "virtual_server.*.notify.mail, for all its real servers",
    convert: (statement, server, tell) => {
      server.isAlerting = switchAt(statement, tell) === true;
    },
  },
  ...NAMES,
  ...TIMING,
  ...CHECKERS,
];

/** `real_server ADDRESS [PORT] { … }` */
export function readRealServer(
  statement: Statement,
  conversion: Conversion,
  tell: Tell,
): RealServer | undefined {
  const address = wordAt(statement, 0, tell)?.text;
  if (address === undefined) return undefined;
  if (parseAddress(address) === null) {
    tell.refuse(`expected an address, got "${address}": keepalived takes no names`);
    return undefined;
  }
  const port = statement.args[1] === undefined ? 0 : wholeNumberAt(statement, 1, [0, 65_535], tell);
  if (port === undefined) return undefined;
  const server: RealServer = {
    ...{ conversion, at: statement.keyword.at, address, port },
    ...{ keys: {}, checkers: [], hooks: {}, timing: {} },
  };
  walk(`real_server ${address}`, REAL_SERVER, statement.block ?? [], server, conversion);
  return server;
}
