/**
 * What was seen from outside during one round, as plain data with times in Unix milliseconds, and what
 * follows from it: who could serve when, and who held which address.
 */

/**
 * What happened to a daemon. `held` and `released` are of its VRRP thread; "cut" and "joined" of its host's
 * cable.
 */
export type Happening =
  | "spawned"
  | "ready"
  | "ended"
  | "leaving"
  | "reloaded"
  | "aborted"
  | "stopped"
  | "continued"
  | "held"
  | "released"
  | "main held"
  | "main released"
  | "cut"
  | "joined";

export interface Mark {
  readonly atMs: number;
  readonly node: string;
  readonly what: Happening;
  readonly note?: string;
}

/** The kernel has an address from this moment on, or has it no more. */
export interface Holding {
  readonly atMs: number;
  readonly node: string;
  readonly address: string;
  readonly held: boolean;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a node's VRRP can do. */
interface Ability {
  readonly isReady: boolean;
  readonly isStill: boolean;
  readonly isLeaving: boolean;
  readonly isCut: boolean;
}

const NOTHING: Ability = { isReady: false, isStill: false, isLeaving: false, isCut: false };

/** What each happening changes; those that are missing change nothing for VRRP. */
const CHANGES: Readonly<Partial<Record<Happening, Partial<Ability>>>> = {
  ready: { isReady: true },
  ended: { isReady: false, isStill: false, isLeaving: false },
  leaving: { isLeaving: true },
  stopped: { isStill: true },
  continued: { isStill: false },
  held: { isStill: true },
  released: { isStill: false },
  cut: { isCut: true },
  joined: { isCut: false },
};

function abilityAt(marks: readonly Mark[], node: string, atMs: number): Ability {
  return marks.filter((mark) => mark.node === node && mark.atMs <= atMs)
    .reduce((ability, { what }) => ({ ...ability, ...CHANGES[what] }), NOTHING);
}

/** Could take over and is heard. */
export function isAble(marks: readonly Mark[], node: string, atMs: number): boolean {
  const { isReady, isStill, isLeaving, isCut } = abilityAt(marks, node, atMs);
  return isReady && !isStill && !isLeaving && !isCut;
}

/** Renews what it holds, whoever hears it. */
function isAlive(marks: readonly Mark[], node: string, atMs: number): boolean {
  const { isReady, isStill } = abilityAt(marks, node, atMs);
  return isReady && !isStill;
}

export function isConnected(marks: readonly Mark[], node: string, atMs: number): boolean {
  return !abilityAt(marks, node, atMs).isCut;
}

/** The span in pieces, cut wherever the ability of any node changes. */
export function pieces(marks: readonly Mark[], { fromMs, toMs }: Span): Span[] {
  const cuts = marks.filter(({ what, atMs }) => CHANGES[what] !== undefined && atMs > fromMs && atMs < toMs)
    .map(({ atMs }) => atMs).sort((a, b) => a - b);
  const ends = [...cuts, toMs];
  return ends.map((end, i) => ({ fromMs: ends[i - 1] ?? fromMs, toMs: end }))
    .filter((piece) => piece.toMs > piece.fromMs);
}

/** The times in which nobody ran the node's VRRP after it had run. */
export function deadSpans(marks: readonly Mark[], node: string, endMs: number): Span[] {
  const spans: Span[] = [];
  let fromMs: number | null = null;
  for (const { atMs } of marks.filter((mark) => mark.node === node && CHANGES[mark.what] !== undefined)) {
    const alive = isAlive(marks, node, atMs);
    const wasAlive = isAlive(marks, node, atMs - 0.001);
    if (wasAlive && !alive) fromMs = atMs;
    if (!wasAlive && alive && fromMs !== null) {
      spans.push({ fromMs, toMs: atMs });
      fromMs = null;
    }
  }
  if (fromMs !== null && fromMs < endMs) spans.push({ fromMs, toMs: endMs });
  return spans;
}

/** What happened to each address, in the order of time. */
export function byAddress(holdings: readonly Holding[]): ReadonlyMap<string, readonly Holding[]> {
  return Map.groupBy(holdings.toSorted((a, b) => a.atMs - b.atMs), ({ address }) => address);
}

/**
 * Spans within `window` in which the holders of one address, whose changes these are, fulfil the condition.
 * `moments` are further ones at which it may change.
 */
export function spansOf(
  changes: readonly Holding[],
  { fromMs, toMs }: Span,
  condition: (holders: ReadonlySet<string>, atMs: number) => boolean,
  moments: readonly number[] = [],
): Span[] {
  const starts = [...changes.map(({ atMs }) => atMs), ...moments].filter((atMs) =>
    atMs > fromMs && atMs < toMs
  );
  const holders = new Set<string>();
  const spans: Span[] = [];
  const ordered = [...new Set([fromMs, ...starts])].sort((a, b) => a - b);
  let next = 0;
  for (const [i, start] of ordered.entries()) {
    for (; next < changes.length && changes[next]!.atMs <= start; next++) {
      const { node, held } = changes[next]!;
      if (held) holders.add(node);
      else holders.delete(node);
    }
    if (!condition(holders, start)) continue;
    const end = ordered[i + 1] ?? toMs;
    const last = spans.at(-1);
    if (last !== undefined && last.toMs === start) spans[spans.length - 1] = { ...last, toMs: end };
    else spans.push({ fromMs: start, toMs: end });
  }
  return spans;
}
