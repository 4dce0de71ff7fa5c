/** TCP_CHECK, HTTP_GET and the others: what a real server is asked, as checks of vipd.toml. */
import type { Conversion } from "../conversion.ts";
import { tableAt, type Value } from "../draft.ts";
import { type Tell, teller } from "../report.ts";
import { type Keywords, walk } from "../table.ts";
import type { Statement } from "../tree.ts";
import { CONNECTION } from "./connection.ts";
import { HTTP, httpChecks } from "./http_checker.ts";
import { MISC, miscChecks } from "./misc_checker.ts";
import {
  connectTimeoutOf,
  type Defaults,
  inherited,
  type Timed,
  TIMING,
  type Timing,
  timingKeys,
} from "./timing.ts";

export type Check = Readonly<Record<string, Value>>;

/** One checker block while it is read. */
export interface Checker extends Timed {
  readonly conversion: Conversion;
  readonly statement: Statement;
  /** Options as vipd.toml has them. */
  readonly options: Record<string, Value>;
  /** connect_ip and connect_port. */
  target: { address?: string; port?: number };
  /** HTTP_GET: each URL; MISC_CHECK: the program. */
  readonly parts: Check[];
}

/** What a checker looks at unless it says otherwise. */
export interface Target {
  readonly address: string;
  /** 0: the virtual server's, whichever it is. */
  readonly port: number;
  readonly virtualHost: string | undefined;
}

interface Kind {
  readonly keywords: Keywords<Checker>;
  readonly defaults: Defaults;
  readonly why: string;
  /** Its checks, without their timing. */
  readonly checks: (checker: Checker, target: Target, timing: Timing, tell: Tell) => Check[];
}

const ONE_STEP: Defaults = { retries: 1, retryDelayMs: 1_000, steps: 1 };

/** A check of one type whose options are those of the block. */
function plain(type: string, connects: boolean): Kind["checks"] {
  return ({ options, target }, { address, port }, timing) => [{
    type,
    ...(type === "ping"
      ? target.address === undefined ? {} : { address: target.address }
      : elsewhere(target, address, port)),
    ...options,
    ...(connects ? connectTimeoutOf(timing) : {}),
  }];
}

/** Another address or port than the real server's. */
function elsewhere({ address, port }: Checker["target"], own: string, ownPort: number): Check {
  if (address === undefined || address === own) {
    return port === undefined || port === ownPort ? {} : { connect_port: port };
  }
  const host = address.includes(":") ? `[${address}]` : address;
  return { address: port === undefined && ownPort === 0 ? address : `${host}:${port ?? ownPort}` };
}

const option = (
  keyword: string,
  key: string,
  value: (text: string, tell: Tell) => Value | undefined,
): Keywords<Checker>[number] => ({
  keyword,
  outcome: "converted",
  why: `check.${key}`,
  convert: ({ args: [word] }, { options }, tell) => {
    const found = word === undefined ? undefined : value(word.text, tell);
    if (found === undefined) tell.refuse(`${keyword} needs another value than "${word?.text ?? ""}"`);
    else options[key] = found;
  },
});

const same = (text: string): string => text;

/** Octets as keepalived has them: hex, `x` for any nibble. */
function hex(text: string): string | undefined {
  return /^([0-9a-fx]{2})+$/i.test(text.replace(/\s/g, ""))
    ? text.replace(/\s/g, "").replace(/../g, "$& ").trim()
    : undefined;
}

const number = (text: string): number | undefined => /^\d{1,5}$/.test(text) ? Number(text) : undefined;

const UDP: Keywords<Checker> = [
  option("payload", "send_hex", hex),
  {
    keyword: "require_reply",
    outcome: "converted",
    why: "check.require_reply, check.expect_hex",
    convert: ({ args }, { options }, tell) => {
      options["require_reply"] = true;
      const expected = args.length === 0 ? undefined : hex(args.map(({ text }) => text).join(""));
      if (args.length > 0 && expected === undefined) tell.refuse("expected octets in hex, x for any");
      if (expected !== undefined) options["expect_hex"] = expected.toLowerCase();
    },
  },
  option("min_reply_length", "minimum", number),
  option("max_reply_length", "maximum", number),
];

const DNS: Keywords<Checker> = [
  option("type", "query", (text) => text.toUpperCase()),
  option("name", "name", same),
];

const SMTP: Keywords<Checker> = [
  option("helo_name", "helo_name", same),
  {
    keyword: "host",
    outcome: "obsolete",
    why: "connect_ip and connect_port, without a block",
    convert: (statement, checker, tell) => {
      tell.obsolete("its keywords stand in SMTP_CHECK itself");
      walk("host", [...CONNECTION, ...TIMING], statement.block ?? [], checker, checker.conversion);
    },
  },
];

const FILE: Keywords<Checker> = [
  {
    keyword: "track_file",
    outcome: "converted",
    why: 'check of type "file"',
    convert: ({ args: [word] }, { options }, tell) => {
      if (word === undefined) tell.refuse("track_file needs a name");
      else options["name"] = word.text;
    },
  },
  {
    keyword: "weight",
    outcome: "converted",
    why: "0: a number other than 0 fails; any other weight is refused",
    convert: ({ args: [word, reverse] }, { options }, tell) => {
      if (word?.text !== "0" || reverse !== undefined) {
        tell.refuse(
          "the number of the file, times this, is added to the weight of the real server: here " +
            "weight_from_value takes the number itself as the weight. With weight 0 it only says in or out",
        );
      } else options["weight"] = 0;
    },
  },
];

/** Checkers by their keyword. */
const KINDS: Readonly<Record<string, Kind>> = {
  TCP_CHECK: {
    ...{ keywords: [...CONNECTION, ...TIMING], defaults: ONE_STEP, why: 'type = "tcp"' },
    checks: plain("tcp", true),
  },
  HTTP_GET: {
    ...{
      keywords: [...CONNECTION, ...TIMING, ...HTTP],
      defaults: { retries: 1, retryDelayMs: 3_000, steps: 2 },
    },
    ...{ why: 'type = "http"', checks: httpChecks },
  },
  SSL_GET: {
    ...{
      keywords: [...CONNECTION, ...TIMING, ...HTTP],
      defaults: { retries: 1, retryDelayMs: 3_000, steps: 2 },
    },
    ...{ why: 'type = "http" with scheme = "https"', checks: httpChecks },
  },
  DNS_CHECK: {
    keywords: [...CONNECTION, ...TIMING, ...DNS],
    defaults: { retries: 3, retryDelayMs: null, steps: 1 },
    ...{ why: 'type = "dns"', checks: plain("dns", false) },
  },
  SMTP_CHECK: {
    ...{ keywords: [...CONNECTION, ...TIMING, ...SMTP], defaults: { ...ONE_STEP, steps: 3 } },
    ...{ why: 'type = "smtp"', checks: plain("smtp", true) },
  },
  PING_CHECK: {
    ...{ keywords: [...CONNECTION, ...TIMING], defaults: ONE_STEP },
    ...{ why: 'type = "ping"', checks: plain("ping", false) },
  },
  UDP_CHECK: {
    ...{ keywords: [...CONNECTION, ...TIMING, ...UDP], defaults: ONE_STEP },
    ...{ why: 'type = "udp"', checks: plain("udp", false) },
  },
  MISC_CHECK: {
    ...{ keywords: [...TIMING, ...MISC], defaults: { retries: 0, retryDelayMs: 1_000, steps: 1 } },
    ...{ why: 'type = "exec", or a native one where the program is known', checks: miscChecks },
  },
  FILE_CHECK: {
    ...{ keywords: FILE, defaults: { retries: 0, retryDelayMs: 1_000, steps: 1 } },
    ...{ why: 'type = "file"', checks: fileChecks },
  },
};

function fileChecks({ options, conversion }: Checker, _target: Target, _timing: Timing, tell: Tell): Check[] {
  const name = String(options["name"] ?? "");
  const scratch = tableAt([], ["check"]);
  conversion.trackers.get(`file ${name}`)?.write(scratch);
  const path = scratch.entries.get("path")?.value;
  if (path === undefined) {
    tell.refuse(`there is no track_file of the name "${name}"`);
    return [];
  }
  if (options["weight"] === undefined) {
    tell.refuse(
      "without weight 0 the number of the file is added to the weight of the real server; see weight",
    );
  }
  return [{ type: "file", path }];
}

/** What reads the checkers of a real server; each ends in `checkers`. */
export const CHECKERS: Keywords<{ readonly conversion: Conversion; readonly checkers: Checker[] }> = [
  ...Object.entries(KINDS).map(([keyword, { keywords, why }]): typeof CHECKERS[number] => ({
    keyword,
    outcome: "converted",
    why,
    convert: (statement, { conversion, checkers }) => {
      const checker = { conversion, statement, timing: {}, options: {}, target: {}, parts: [] };
      walk(keyword, keywords, statement.block ?? [], checker, conversion);
      checkers.push(checker);
    },
  })),
  {
    keyword: "BFD_CHECK",
    outcome: "refused",
    why: "BFD is not supported by this version of vipd: use a ping check with a short interval",
  },
];

/** For the list of all blocks. */
export const CHECKER_BLOCKS: readonly { readonly name: string; readonly keywords: Keywords<Checker> }[] = [
  ...Object.entries(KINDS).map(([name, { keywords }]) => ({ name, keywords })),
];

/** The checks of one checker, `levels` from the inner to the outer one, itself not among them. */
export function checksOf(checker: Checker, levels: readonly Timed[], target: Target): Check[] {
  const { keyword } = checker.statement;
  const kind = KINDS[keyword.text]!;
  const timing = inherited([checker, ...levels]);
  const tell = teller(checker.conversion.rows, keyword.at, keyword.text);
  const { isAlpha } = checker.timing;
  return kind.checks(checker, target, timing, tell).map((check) => ({
    ...check,
    ...withoutOwn(timingKeys(timing, kind.defaults), check),
    ...(isAlpha === undefined ? {} : { initial: isAlpha ? "down" : "up" }),
  }));
}

function withoutOwn(keys: Record<string, Value>, own: Check): Check {
  return Object.fromEntries(Object.entries(keys).filter(([key]) => own[key] === undefined));
}
