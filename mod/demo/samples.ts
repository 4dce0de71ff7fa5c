/** What the client asked and who answered: the lines from probe to demo, and the outages in them. PURE. */
import { PROBE_INTERVAL_MS } from "./plan.ts";

/** Longer between two probes is a pause of the client's own: the machine did not let it run. */
const PAUSE_MS = 10;

/** One question: when it was sent (ms of the monotonic clock), and the node that answered in time, if any. */
export interface Asked {
  readonly sentMs: number;
  readonly node: string | null;
}

export interface Report {
  /** In the order of sending, without gaps. */
  readonly probes: readonly Asked[];
  /** In the order of being decided. */
  readonly pages: readonly Asked[];
}

/** What the client saw of an event. */
export interface Outage {
  /**
   * Longest run of unanswered probes: from the last answered one before to the first one after; 0: none.
   * Without the client's own pauses, of which it can say nothing.
   */
  readonly outageMs: number;
  /** How long the client itself paused, since the event and in the outage, in pauses of more than 10 ms. */
  readonly pausedMs: number;
  readonly probes: number;
  readonly lost: number;
  readonly pages: number;
  readonly pagesFailed: number;
  /** From the event to the first probe that the given node answered; null when none was. */
  readonly answeredByMs: number | null;
  /** The longest time between two probes: how exact this is. */
  readonly worstGapMs: number;
}

/** One line of JSON. */
export function formatReport({ probes, pages }: Report): string {
  return JSON.stringify([probes.map(pair), pages.map(pair)]);
}

/** The inverse of {@link formatReport}; throws on anything else, which would be a bug. */
export function parseReport(line: string): Report {
  const [probes, pages] = JSON.parse(line) as [Pair[], Pair[]];
  return { probes: probes.map(asked), pages: pages.map(asked) };
}

type Pair = readonly [sentMs: number, node: string | null];

function pair({ sentMs, node }: Asked): Pair {
  return [Math.round(sentMs * 1000) / 1000, node];
}

function asked([sentMs, node]: Pair): Asked {
  return { sentMs, node };
}

/** How the client fared from `eventMs` on. Probes from before it count only as where a first outage began. */
export function outageSince(
  { probes, pages }: Report,
  eventMs: number,
  by: string,
): Outage {
  const since = probes.filter(({ sentMs }) => sentMs >= eventMs);
  const before = probes.findLast(({ sentMs, node }) => sentMs < eventMs && node !== null);
  const pagesSince = pages.filter(({ sentMs }) => sentMs >= eventMs);
  const first = since.find(({ node }) => node === by);
  const seen = before === undefined ? since : [before, ...since];
  return {
    outageMs: longestGapMs(seen),
    pausedMs: seen.reduce((sum, probe, i) => sum + pauseMs(seen[i - 1], probe), 0),
    probes: since.length,
    lost: unanswered(since),
    pages: pagesSince.length,
    pagesFailed: unanswered(pagesSince),
    answeredByMs: first === undefined ? null : first.sentMs - eventMs,
    worstGapMs: since.reduce(
      (worst, { sentMs }, i) => Math.max(worst, sentMs - (since[i - 1]?.sentMs ?? sentMs)),
      0,
    ),
  };
}

/** Whether every one of the last `ms` of probes was answered, and by this node. */
export function steadilyAnsweredBy(probes: readonly Asked[], node: string, ms: number): boolean {
  const last = probes.at(-1);
  if (last === undefined) return false;
  const recent = probes.filter(({ sentMs }) => sentMs > last.sentMs - ms);
  return (probes[0]?.sentMs ?? Infinity) <= last.sentMs - ms && recent.every((one) => one.node === node);
}

/**
 * For each of `width` columns of `columnMs`, the last one newest: the share of its probes that each node
 * answered, and under null the share that nobody did.
 */
export function timeline(
  probes: readonly Asked[],
  columnMs: number,
  width: number,
): readonly ReadonlyMap<string | null, number>[] {
  const last = probes.at(-1);
  if (last === undefined) return [];
  // Columns begin at multiples of their length, so that a picture that moves on does not flicker.
  const end = Math.floor(last.sentMs / columnMs);
  const columns = Array.from({ length: width }, () => new Map<string | null, number>());
  const counts = new Array<number>(width).fill(0);
  for (const { sentMs, node } of probes) {
    const at = width - 1 - (end - Math.floor(sentMs / columnMs));
    const column = columns[at];
    if (column === undefined) continue;
    column.set(node, (column.get(node) ?? 0) + 1);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return columns.map((column, at) =>
    new Map([...column].map(([node, count]) => [node, count / (counts[at] ?? 1)]))
  );
}

/** A run of lost probes at the end, still going on, lasts until the last of them. */
function longestGapMs(probes: readonly Asked[]): number {
  let [longest, gap, lost] = [0, 0, false];
  for (const [i, probe] of probes.entries()) {
    const previous = probes[i - 1];
    gap += probe.sentMs - (previous ?? probe).sentMs - pauseMs(previous, probe);
    lost ||= probe.node === null;
    if (lost) longest = Math.max(longest, gap);
    if (probe.node !== null) [gap, lost] = [0, false];
  }
  return longest;
}

/** How long the client itself paused between two probes: all of the time but what it takes anyway. */
function pauseMs(previous: Asked | undefined, { sentMs }: Asked): number {
  const betweenMs = sentMs - (previous?.sentMs ?? sentMs);
  return betweenMs > PAUSE_MS ? betweenMs - PROBE_INTERVAL_MS : 0;
}

function unanswered(questions: readonly Asked[]): number {
  return questions.filter(({ node }) => node === null).length;
}
