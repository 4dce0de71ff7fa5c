/** MISC_CHECK: a program whose exit code says whether a real server is well, and perhaps its weight. */
import { formatDuration } from "../../../../checks/duration.ts";
import { secondsAt, wordAt } from "../arguments.ts";
import type { Value } from "../draft.ts";
import type { Tell } from "../report.ts";
import { recogniseScript } from "../script/recognise.ts";
import { scriptOf } from "../scripts.ts";
import type { Keywords } from "../table.ts";
import type { Check, Checker, Target } from "./checkers.ts";
import type { Timing } from "./timing.ts";

export const MISC: Keywords<Checker> = [
  {
    keyword: "misc_path",
    outcome: "converted",
    why: 'check of type "exec", or a native one where the program is known',
    convert: (statement, { options }, tell) => {
      const script = scriptOf(statement, false, tell);
      if (script !== undefined) options["command"] = script.argv;
    },
  },
  {
    keyword: "misc_timeout",
    outcome: "converted",
    why: "check.timeout; delay_loop where keepalived.conf does not say",
    convert: (statement, { options }, tell) => {
      const ms = secondsAt(statement, 0, [0, 3_600], tell);
      if (ms !== undefined && ms > 0) options["timeout"] = formatDuration(ms);
    },
  },
  {
    keyword: "misc_dynamic",
    outcome: "converted",
    why: "check.weight_from_exit",
    convert: (_statement, { options }) => {
      options["weight_from_exit"] = true;
    },
  },
  {
    keyword: "user",
    outcome: "converted",
    why: "check.user and check.group",
    convert: (statement, { options }, tell) => {
      const user = wordAt(statement, 0, tell)?.text;
      const group = statement.args.slice(1).find(({ text }) => text !== ":")?.text.replace(/^:/, "");
      if (user !== undefined) options["user"] = user;
      if (group !== undefined) options["group"] = group;
    },
  },
  { keyword: "log_all_failures", outcome: "nothing to do", why: "each failure is counted" },
];

export function miscChecks(
  { options, conversion }: Checker,
  target: Target,
  timing: Timing,
  tell: Tell,
): Check[] {
  const { command, user, group, timeout, weight_from_exit } = options;
  if (!Array.isArray(command)) {
    tell.refuse("it has no misc_path: keepalived drops it, and the real server passes");
    return [];
  }
  const limit = timeout ?? formatDuration(Math.min(timing.intervalMs ?? 60_000, 3_600_000));
  const program: Record<string, Value> = {
    ...{ type: "exec", command },
    ...(weight_from_exit === undefined ? {} : { weight_from_exit }),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    timeout: limit,
  };
  if (weight_from_exit !== undefined) return [program];
  const recognised = recogniseScript(command.map(String), (path) => {
    const file = conversion.files.read(path);
    return "text" in file ? file.text : undefined;
  });
  if ("refused" in recognised) {
    tell.refuse(recognised.refused);
    return [];
  }
  const { check, notes } = recognised;
  const native = check["type"] === "exec" ? undefined : ofRealServer(check, target);
  // What is about another host than the real server stays the program that it was.
  if (native === undefined) return [program];
  for (const note of notes) tell.note(note);
  return [{ ...native, timeout: native["timeout"] ?? limit }];
}

/** A check of a real server has its address and port from it: without them, where they are the same. */
function ofRealServer(check: Check, { address, port }: Target): Check | undefined {
  const { attempts, attempt_delay: delay, recover: _recover, ...rest } = check;
  const timing = {
    ...(typeof attempts === "number" ? { retries: attempts - 1 } : {}),
    ...(delay === undefined ? {} : { retry_delay: delay }),
  };
  if (check["recover"] !== undefined) return undefined;
  if (rest["type"] === "http") {
    const { url, ...others } = rest;
    const { protocol, hostname, port: given, pathname, search } = new URL(String(url));
    if (hostname.replace(/^\[|\]$/g, "") !== address) return undefined;
    const asked = Number(given || (protocol === "https:" ? 443 : 80));
    return {
      ...{ type: "http", ...(protocol === "https:" ? { scheme: "https" } : {}) },
      ...{ ...(pathname + search === "/" ? {} : { path: pathname + search }) },
      ...(asked === port ? {} : { connect_port: asked }),
      ...{ ...others, ...timing },
    };
  }
  const { address: where, ...others } = rest;
  if (typeof where !== "string") return { ...rest, ...timing };
  const [, host, asked] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(where) ?? [];
  if (rest["type"] === "ping") return where === address ? { ...others, ...timing } : undefined;
  if (host !== address) return undefined;
  return { ...others, ...timing, ...(Number(asked) === port ? {} : { connect_port: Number(asked) }) };
}
