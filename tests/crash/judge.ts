/**
 * The verdict on one round: every promise that was broken, as a sentence with its moment, and the figures
 * that the report is made of. Facts in, verdict out.
 */
import type { Outage } from "../e2e/lab/probe.ts";
import {
  byAddress,
  deadSpans,
  type Holding,
  isAble,
  isConnected,
  type Mark,
  pieces,
  type Span,
  spansOf,
} from "./facts.ts";
import { addressesOf, leaseMs, lowestPriorityOf, nameOf, patienceMs, type Plan } from "./plan.ts";

/** A shared machine schedules late, us too; what the protocol allows is in the limits. */
const SLACK_MS = 500;
/** The kernel looks at lifetimes once a second. */
const LEASE_GRAIN_MS = 1000;
/** A handover that nobody answers ends after so long (handover.timeout). */
const HANDOVER_MS = 1000;
/** The main thread looks at the heartbeat once a second, and the VRRP thread beats twice a second. */
const WATCHDOG_LAG_MS = 2200;
/** The supervisor must hear from a healthy daemon so often: half of WatchdogSec=10s. */
const WATCHDOG_MAX_GAP_MS = 5000;
/** A VRRP thread that stands still is given up after 5 looks, a second each, that see no beat. */
const GIVE_UP_MS = { least: 4000, most: 9000 };
/** sysexits(3) EX_SOFTWARE */
const EXIT_ENGINE = 70;

export interface Exit {
  readonly atMs: number;
  readonly node: string;
  readonly code: number;
  readonly signal: string | null;
  /** We asked for it: a signal of ours, or the OOM killer. */
  readonly isExpected: boolean;
}

export interface Facts {
  readonly plan: Plan;
  /** From the fault's prelude until all was in order again. */
  readonly window: Span;
  readonly marks: readonly Mark[];
  readonly holdings: readonly Holding[];
  readonly outages: readonly Outage[];
  /** The node that answered the client last. */
  readonly lastAnswer: string | undefined;
  readonly watchdogs: readonly { readonly node: string; readonly atMs: number }[];
  readonly exits: readonly Exit[];
  /** How late our own clock was at its worst: what the moments are worth. */
  readonly lateMs: number;
}

export interface Finding {
  readonly atMs: number;
  readonly what: string;
}

/** A duration that was measured, and what the protocol allows. */
export interface Figure {
  readonly ms: number;
  readonly limitMs: number;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  /** The client heard nobody although somebody could serve. */
  readonly dark: readonly Figure[];
  /** An address was on nobody although somebody could serve. */
  readonly unheld: readonly Figure[];
  /** An address was on two hosts that both were alive. */
  readonly doubled: readonly Figure[];
  /** From the death of a host's VRRP to the end of its last address. */
  readonly left: readonly Figure[];
}

export function judge(facts: Facts): Verdict {
  const parts = [darkness(facts), emptiness(facts), doubles(facts), leases(facts)] as const;
  const [dark, unheld, doubled, left] = parts.map(({ figures }) => figures);
  const findings = [
    ...parts.flatMap((part) => part.findings),
    ...watchdogFindings(facts),
    ...exitFindings(facts),
    ...stallFindings(facts),
    ...lastAnswerFindings(facts),
    ...moveFindings(facts),
  ];
  return {
    findings: findings.toSorted((a, b) => a.atMs - b.atMs),
    dark: dark!,
    unheld: unheld!,
    doubled: doubled!,
    left: left!,
  };
}

interface Part {
  readonly figures: Figure[];
  readonly findings: Finding[];
}

/** Figures and findings of spans that must not last longer than a limit. */
function limited({ lateMs }: Facts, spans: readonly (Span & { limitMs: number; what: string })[]): Part {
  const figures = spans.map(({ fromMs, toMs, limitMs }) => ({ ms: toMs - fromMs, limitMs }));
  const findings = spans.filter(({ fromMs, toMs, limitMs }) => toMs - fromMs > limitMs + SLACK_MS + lateMs)
    .map(({ fromMs, toMs, limitMs, what }) => ({
      atMs: fromMs,
      what: `${what} for ${(toMs - fromMs).toFixed(0)} ms, allowed are ${limitMs.toFixed(0)} ms`,
    }));
  return { figures, findings };
}

/** The best of those who could take over waits this long; null when nobody could. */
function takeoverMs({ plan, marks }: Facts, router: number, atMs: number): number | null {
  const able = plan.daemons.map((_, node) => node).filter((node) => isAble(marks, nameOf(node), atMs));
  if (able.length === 0) return null;
  return Math.min(...able.map((node) => patienceMs(plan, lowestPriorityOf(plan, node, router))));
}

/** The parts of a span in which somebody could serve, each with its limit. */
function unexcused(
  facts: Facts,
  router: number,
  span: Span,
  what: string,
): (Span & { limitMs: number; what: string })[] {
  return pieces(facts.marks, span).flatMap((piece) => {
    const limitMs = takeoverMs(facts, router, piece.fromMs);
    return limitMs === null ? [] : [{ ...piece, limitMs, what }];
  });
}

/** Where keepalived alone has the address, how soon it tells the client is keepalived's. */
function darkness(facts: Facts): Part {
  const { window, plan, holdings } = facts;
  const changes = byAddress(holdings).get(addressesOf(plan, plan.watched).at(-1)!) ?? [];
  const others = new Set(plan.daemons.flatMap((kind, index) => kind === "keepalived" ? [nameOf(index)] : []));
  const isOurs = (holders: ReadonlySet<string>): boolean =>
    holders.size !== 1 || holders.isDisjointFrom(others);
  const spans = facts.outages.flatMap(({ start_ms, length_ms }) => {
    const fromMs = Math.max(start_ms, window.fromMs);
    const toMs = Math.min(start_ms + length_ms, window.toMs);
    return toMs > fromMs ? spansOf(changes, { fromMs, toMs }, isOurs) : [];
  });
  return limited(
    facts,
    spans.flatMap((span) => unexcused(facts, plan.watched, span, "the client was in the dark")),
  );
}

interface Place {
  readonly router: number;
  readonly address: string;
  readonly changes: readonly Holding[];
}

/** Every virtual address with what happened to it. */
function places({ plan, holdings }: Facts): Place[] {
  const changes = byAddress(holdings);
  return Array.from({ length: plan.routers }, (_, router) => router).flatMap((router) =>
    addressesOf(plan, router).map((address) => ({ router, address, changes: changes.get(address) ?? [] }))
  );
}

function emptiness(facts: Facts): Part {
  const { marks, window } = facts;
  const cables = marks.filter(({ what }) => what === "cut" || what === "joined").map(({ atMs }) => atMs);
  const isEmpty = (holders: ReadonlySet<string>, atMs: number): boolean =>
    ![...holders].some((node) => isConnected(marks, node, atMs));
  const spans = places(facts).flatMap(({ router, address, changes }) =>
    spansOf(changes, window, isEmpty, cables).flatMap((span) =>
      unexcused(facts, router, span, `${address} was on nobody`)
    )
  );
  return limited(facts, spans);
}

/** Two that are alive and hear each other: one interval, or a handover's time. */
function doubles(facts: Facts): Part {
  const { plan, marks, window } = facts;
  const limitMs = Math.max(plan.profile.intervalMs, HANDOVER_MS);
  const abilities = marks.map(({ atMs }) => atMs);
  const isDouble = (holders: ReadonlySet<string>, atMs: number): boolean =>
    holders.size > 1 && [...holders].filter((node) => isAble(marks, node, atMs)).length > 1;
  const spans = places(facts).flatMap(({ address, changes }) =>
    spansOf(changes, window, isDouble, abilities).flatMap((span) =>
      pieces(marks, span).map((piece) => ({ ...piece, limitMs, what: `${address} was on two hosts` }))
    )
  );
  return limited(facts, spans);
}

/** Where VRRP runs no more, the addresses go with their lease. */
function leases(facts: Facts): Part {
  const { plan, marks, window, lateMs } = facts;
  const limitMs = leaseMs(plan) + LEASE_GRAIN_MS;
  const figures: Figure[] = [];
  const findings: Finding[] = [];
  const vipds = plan.daemons.flatMap((daemon, index) => daemon === "vipd" ? [nameOf(index)] : []);
  for (const node of vipds) {
    for (const dead of deadSpans(marks, node, window.toMs)) {
      const [last] = places(facts).flatMap(({ address, changes }) =>
        spansOf(changes, dead, (holders) => holders.has(node)).slice(0, 1)
          .filter(({ fromMs }) => fromMs === dead.fromMs).map(({ toMs }) => ({ address, toMs }))
      ).toSorted((a, b) => b.toMs - a.toMs);
      if (last === undefined) continue;
      const ms = last.toMs - dead.fromMs;
      if (last.toMs < dead.toMs) figures.push({ ms, limitMs });
      if (ms <= limitMs + SLACK_MS + lateMs) continue;
      const what = `${last.address} stayed on ${node} for ${ms.toFixed(0)} ms after its VRRP had stopped, ` +
        `the lease allows ${limitMs} ms`;
      findings.push({ atMs: last.toMs, what });
    }
  }
  return { figures, findings };
}

/** Silent while either thread stands still, regular while the daemon is healthy. */
function watchdogFindings({ plan, marks, watchdogs, window, lateMs }: Facts): Finding[] {
  return plan.daemons.flatMap((daemon, index) => {
    if (daemon !== "vipd") return [];
    const node = nameOf(index);
    const own = marks.filter((mark) => mark.node === node);
    const ticks = watchdogs.filter((tick) => tick.node === node).map(({ atMs }) => atMs);
    const still = stillSpans(own, window.toMs);
    const unwanted = still.flatMap(({ fromMs, toMs }) =>
      ticks.filter((atMs) => atMs > fromMs + WATCHDOG_LAG_MS && atMs < toMs - 20)
        .map((atMs) => ({ atMs, what: `${node} fed the watchdog although it stood still` }))
    );
    return [...unwanted, ...watchdogGaps(node, own, ticks, window, lateMs)];
  });
}

/** From "held", "main held" or "stopped" to whatever ends it. */
function stillSpans(own: readonly Mark[], endMs: number): Span[] {
  const ends: Readonly<Partial<Record<Mark["what"], readonly Mark["what"][]>>> = {
    held: ["released", "ended"],
    "main held": ["main released", "ended"],
    stopped: ["continued", "ended"],
  };
  return own.flatMap(({ what, atMs }, i) => {
    const until = ends[what];
    if (until === undefined) return [];
    const end = own.slice(i + 1).find((later) => until.includes(later.what));
    return [{ fromMs: atMs, toMs: end?.atMs ?? endMs }];
  });
}

function watchdogGaps(
  node: string,
  own: readonly Mark[],
  ticks: readonly number[],
  window: Span,
  lateMs: number,
): Finding[] {
  return own.filter(({ what }) => what === "ready").flatMap(({ atMs }) => {
    const next = own.find((mark) => mark.atMs > atMs && mark.what !== "reloaded");
    const toMs = Math.min(next?.atMs ?? window.toMs, window.toMs);
    const times = [atMs, ...ticks.filter((tick) => tick > atMs && tick < toMs), toMs];
    return times.slice(1).map((time, i) => ({ fromMs: times[i]!, gapMs: time - times[i]! }))
      .filter(({ gapMs }) => gapMs > WATCHDOG_MAX_GAP_MS + SLACK_MS + lateMs)
      .map(({ fromMs, gapMs }) => ({
        atMs: fromMs,
        what: `${node} did not feed the watchdog for ${gapMs.toFixed(0)} ms`,
      }));
  });
}

/** A daemon ends when it is told to, and when its VRRP thread is stuck. */
function exitFindings({ plan, exits }: Facts): Finding[] {
  const mayGiveUp = ["stall vrrp", "stuck call"].includes(plan.fault.kind) &&
    plan.fault.forMs > GIVE_UP_MS.least;
  const mayAbort = plan.fault.kind === "memory refused";
  return exits.flatMap(({ atMs, node, code, signal, isExpected }) => {
    if (mayAbort && node === nameOf(plan.victim)) return [];
    if (isExpected || (code === EXIT_ENGINE && mayGiveUp && node === nameOf(plan.victim))) return [];
    return [{ atMs, what: `${node} ended by itself: ${signal ?? `exit code ${code}`}` }];
  });
}

/** A VRRP thread that stands still too long ends the process, so that the supervisor starts it anew. */
function stallFindings({ plan, marks, exits }: Facts): Finding[] {
  if (plan.fault.kind === "stall main") return [];
  return marks.filter(({ what }) => what === "held").flatMap(({ node, atMs }) => {
    const own = marks.filter((mark) => mark.node === node && mark.atMs > atMs);
    const released = own.find(({ what }) => what === "released");
    const gaveUp = exits.find((exit) => exit.node === node && exit.atMs > atMs && exit.code === EXIT_ENGINE);
    const afterMs = (gaveUp?.atMs ?? Infinity) - atMs;
    const lastedMs = (released?.atMs ?? own.find(({ what }) => what === "ended")?.atMs ?? Infinity) - atMs;
    if (lastedMs > GIVE_UP_MS.most && afterMs > GIVE_UP_MS.most) {
      return [{
        atMs,
        what: `${node}: a VRRP thread that stood still for ${lastedMs.toFixed(0)} ms was not noticed`,
      }];
    }
    return [];
  });
}

function lastAnswerFindings({ plan, holdings, lastAnswer, window }: Facts): Finding[] {
  const address = addressesOf(plan, plan.watched).at(-1)!;
  if (lastAnswer === undefined) return [];
  const changes = byAddress(holdings).get(address) ?? [];
  const end = { fromMs: window.toMs - 0.002, toMs: window.toMs };
  const isRight =
    spansOf(changes, end, (holders) => holders.size === 1 && holders.has(lastAnswer)).length > 0;
  if (isRight) return [];
  return [{
    atMs: window.toMs,
    what: `the client is answered by ${lastAnswer}, which is not who holds ${address}`,
  }];
}

/**
 * The VRRP thread needs no main thread: while nothing else happens, nothing moves. Where a pause of 30 ms is
 * a failover, a busy machine makes some of its own.
 */
function moveFindings({ plan, marks, holdings }: Facts): Finding[] {
  if (!["steady", "renewal"].includes(plan.phase) || plan.profile.intervalMs < 100) return [];
  const own = marks.filter(({ node }) => node === nameOf(plan.victim));
  if (!own.some(({ what }) => what === "main held")) return [];
  return stillSpans(own, Infinity).flatMap(({ fromMs, toMs }) =>
    holdings.filter(({ atMs }) => atMs > fromMs && atMs < toMs)
      .map(({ atMs, node, address }) => ({
        atMs,
        what: `${address} moved on ${node} while only a main thread stood still`,
      }))
  );
}
