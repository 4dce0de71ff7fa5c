/**
 * What a check script means: it is played with its probes passing, failing, failing at first, and for every
 * answer of a web server; a check of vipd's own takes its place only if it would have come to the same end in
 * all of them.
 */
import type { CheckDraft } from "./native_check.ts";
import { type Node, parseShell } from "./shell.ts";
import { type Deed, play, type Trace } from "./shell_run.ts";
import { NotUnderstood } from "./shell_tokens.ts";

export interface Meaning {
  /** With `recover`, `attempts` and `attempt_delay` where the script does such a thing. */
  readonly check: CheckDraft;
  /** What the script runs to stop keepalived, if it does: a failure is a FAULT then, whatever the weight. */
  readonly stops: readonly string[] | null;
  /** How long it sleeps when all its probes fail. */
  readonly sleepsMs: number;
  readonly notes: readonly string[];
}

export interface Puzzle {
  /** Why the script stays what it is. */
  readonly why: string;
  /** Whether it stops keepalived, and then says by its exit status that something is wrong. */
  readonly stops: "no" | "and fails" | "and may pass";
}

/** Answers of web servers that tell the usual conditions apart. */
const STATUSES = [
  200,
  201,
  204,
  206,
  301,
  302,
  304,
  307,
  308,
  400,
  401,
  403,
  404,
  405,
  429,
  500,
  502,
  503,
  504,
];

/** What is longer does more than to check something. */
const SCRIPT_MAX = 20_000;

export function meaningOf(script: string): Meaning | Puzzle {
  if (script.length > SCRIPT_MAX) return { why: "it is too long to be read", stops: mentionsStop(script) };
  try {
    return judge(parseShell(script));
  } catch (thrown) {
    if (!(thrown instanceof NotUnderstood)) throw thrown;
    return { why: thrown.message, stops: mentionsStop(script) };
  }
}

const STOPS =
  /\b(systemctl\s+stop\s+keepalived|service\s+keepalived\s+stop|keepalived\s+stop|p?kill(all)?\s.*keepalived)/;
/** The line itself or the next one that is not empty. */
const THEN_FAILS = /^[^\n]*?\n?\s*[^\n]*\bexit\s+[1-9]/;

/** For scripts that are not understood: what a line of it that stops keepalived is followed by. */
function mentionsStop(script: string): Puzzle["stops"] {
  const text = script.replace(/(^|\s)#[^\n]*/g, "$1").replace(/\becho\s+"[^"]*"/g, "echo");
  const parts = text.split(new RegExp(STOPS, "g")).length;
  if (parts === 1) return "no";
  const after = text.matchAll(new RegExp(STOPS, "g")).map((found) =>
    text.slice(found.index + found[0].length)
  );
  return [...after].every((rest) => THEN_FAILS.test(rest)) ? "and fails" : "and may pass";
}

const always = (): boolean => true;
const never = (): boolean => false;

function judge(script: Node): Meaning {
  const good = play(script, { passes: always, status: 200 });
  if (!isSuccess(good)) throw new NotUnderstood("it fails although what it looks at is well");
  const bad = play(script, { passes: never, status: 200 });
  const stop = bad.deeds.find((deed) => deed.kind === "stop");
  if (bad.exit === 0 && stop === undefined) throw new NotUnderstood("it ends with 0 whatever it finds");
  const check = probeOf([...good.deeds, ...bad.deeds]);
  const starts = bad.deeds.flatMap((deed) => deed.kind === "start" ? [deed.argv] : []);
  const timing = starts.length > 0 ? recovery(script, bad, starts) : attempts(script, bad);
  const expect = check["type"] === "http" ? statusOf(script, check) : {};
  const { expect: _replaced, ...rest } = check;
  const kept = check["type"] === "http" ? rest : check;
  return {
    check: { ...kept, ...expect, ...timing },
    stops: stop?.kind === "stop" ? stop.argv : null,
    sleepsMs: sleeps(bad.deeds) * 1000,
    notes: [...bad.notes].filter((note) => check["type"] !== "http" || !note.startsWith("without -f")),
  };
}

function isSuccess({ exit, deeds }: Trace): boolean {
  return exit === 0 && !deeds.some(({ kind }) => kind === "stop" || kind === "start");
}

/** The one thing that it looks at. */
function probeOf(deeds: readonly Deed[]): CheckDraft {
  const checks = deeds.flatMap((deed) => deed.kind === "probe" ? [deed.check] : []);
  const [first] = checks;
  if (first === undefined) throw new NotUnderstood("it looks at nothing");
  if (new Set(checks.map((check) => JSON.stringify(check))).size > 1) {
    throw new NotUnderstood("it looks at several things: write a check for each and track them all");
  }
  return first;
}

/** It starts what it missed and looks again. */
function recovery(script: Node, bad: Trace, starts: readonly (readonly string[])[]): CheckDraft {
  const [argv, ...others] = starts;
  if (argv === undefined || others.length > 0) throw new NotUnderstood("it starts several things");
  const first = bad.deeds.findIndex(({ kind }) => kind === "start");
  const before = bad.deeds.slice(0, first).filter(({ kind }) => kind === "probe").length;
  const helped = play(script, { passes: (probe) => probe >= before, status: 200 });
  if (helped.exit !== 0 || helped.deeds.some(({ kind }) => kind === "stop")) {
    throw new NotUnderstood("it starts something and fails all the same");
  }
  const waits = sleeps(bad.deeds.slice(first));
  return { recover: [...argv], ...(waits > 10 ? { recover_timeout: `${waits}s` } : {}) };
}

/** It looks several times before it gives up. */
function attempts(script: Node, bad: Trace): CheckDraft {
  const probes = bad.deeds.filter(({ kind }) => kind === "probe").length;
  if (probes === 1) return {};
  const late = play(script, { passes: (probe) => probe === probes - 1, status: 200 });
  const early = play(script, { passes: (probe) => probe === 0, status: 200 });
  if (late.exit !== 0 || early.deeds.filter(({ kind }) => kind === "probe").length !== 1) {
    throw new NotUnderstood("it counts its attempts in another way than the check would");
  }
  // Who sleeps after the last failure as well sleeps as often as he looks.
  const pause = sleeps(bad.deeds) / bad.deeds.filter(({ kind }) => kind === "sleep").length || 0;
  return {
    attempts: probes,
    attempt_delay: `${Math.round(pause * 1000) % 1000 === 0 ? pause + "s" : pause * 1000 + "ms"}`,
  };
}

function sleeps(deeds: readonly Deed[]): number {
  return deeds.reduce((sum, deed) => sum + (deed.kind === "sleep" ? deed.seconds : 0), 0);
}

/** Which answers pass. */
function statusOf(script: Node, check: CheckDraft): CheckDraft {
  const passing = STATUSES.filter((status) => isSuccess(play(script, { passes: always, status })));
  const followed = check["follow_redirects"] === true;
  const isOnly = (test: (status: number) => boolean): boolean =>
    STATUSES.filter((status) => !followed || status < 300 || status > 399)
      .every((status) => passing.includes(status) === test(status));
  if (isOnly((status) => status < 400)) return {};
  if (isOnly(() => true)) return { expect: { status: "200-599" } };
  if (isOnly((status) => status < 300)) return { expect: { status: "200-299" } };
  return { expect: { status: passing.length === 1 ? passing[0]! : passing } };
}
