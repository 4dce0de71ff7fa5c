/** What a run comes to: how often what was done, how long everything took, and each broken promise. */
import type { Figure } from "./judge.ts";
import { describePlan } from "./plan.ts";
import type { Outcome } from "./round.ts";

/** Of many numbers the middle, the high ones and the highest. */
function quantiles(values: readonly number[]): string {
  if (values.length === 0) return "none";
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(0);
  return `${values.length} times; ms: median ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, most ${at(1)}`;
}

function overruns(figures: readonly Figure[]): string {
  const over = figures.filter(({ ms, limitMs }) => ms > limitMs).map(({ ms, limitMs }) => ms - limitMs);
  return `beyond the limit: ${quantiles(over)}`;
}

/** One line a round. */
export function describeOutcome(number: number, outcome: Outcome): string {
  const { plan, verdict, findings, settledMs, facts: { lateMs } } = outcome;
  const most = (figures: readonly Figure[]): string => {
    const [worst] = figures.toSorted((a, b) => b.ms - b.limitMs - (a.ms - a.limitMs));
    return worst === undefined ? "-" : `${worst.ms.toFixed(0)}/${worst.limitMs.toFixed(0)}`;
  };
  const figures =
    `dark ${most(verdict.dark)}, on nobody ${most(verdict.unheld)}, left ${most(verdict.left)}, ` +
    `in order after ${settledMs.toFixed(0)}, clock late ${lateMs.toFixed(0)} ms`;
  const verb = findings.length === 0 ? "ok" : "BROKEN";
  return `#${number} seed ${plan.seed} ${verb}: ${describePlan(plan)}; ${figures}`;
}

/** The round's story in the order of time, seen from the first fault on. */
export function tellStory({ plan, facts, lines, findings }: Outcome): string {
  const { marks, holdings, outages, window } = facts;
  const events = [
    ...marks.map(({ atMs, node, what, note }) => ({
      atMs,
      text: `${node} ${what}${note === undefined ? "" : ` (${note})`}`,
    })),
    ...gathered(holdings.map(({ atMs, node, address, held }) => ({
      atMs,
      text: `kernel of ${node} ${held ? "has" : "has no more"}`,
      detail: address,
    }))),
    ...outages.flatMap(({ start_ms, length_ms, from, to }) => [
      { atMs: start_ms, text: `client: no answer any more from ${from}` },
      {
        atMs: start_ms + length_ms,
        text: `client: answered by ${to ?? "nobody"} after ${length_ms.toFixed(0)} ms`,
      },
    ]),
    ...lines.filter(({ message }) => message !== "").map(({ atMs, node, level, message }) => ({
      atMs,
      text: `${node} log ${level}: ${message}`,
    })),
    ...findings.map(({ atMs, what }) => ({ atMs, text: `>>> ${what}` })),
    { atMs: window.fromMs, text: "--- the round's window begins" },
    { atMs: window.toMs, text: "--- and ends" },
  ].toSorted((a, b) => a.atMs - b.atMs);
  const story = events.map(({ atMs, text }) => `${(atMs - window.fromMs).toFixed(0).padStart(8)}  ${text}`);
  return [`seed ${plan.seed}: ${describePlan(plan)}`, ...story].join("\n");
}

interface Detailed {
  readonly atMs: number;
  readonly text: string;
  readonly detail: string;
}

/** Twenty addresses that come at once are one line. */
function gathered(events: readonly Detailed[]): { atMs: number; text: string }[] {
  const lines: { atMs: number; text: string; details: string[] }[] = [];
  for (const { atMs, text, detail } of events) {
    const last = lines.at(-1);
    if (last !== undefined && last.text === text && atMs - last.atMs < 5) last.details.push(detail);
    else lines.push({ atMs, text, details: [detail] });
  }
  return lines.map(({ atMs, text, details }) => ({ atMs, text: `${text} ${details.join(" ")}` }));
}

export interface Failure {
  readonly seed: number;
  readonly message: string;
}

/** The whole run. `failures` are rounds that could not be played. */
export function summarize(outcomes: readonly Outcome[], failures: readonly Failure[]): string {
  const broken = outcomes.filter(({ findings }) => findings.length > 0);
  const profiles = [...new Set(outcomes.map(({ plan }) => plan.profile.name))].sort();
  return [
    `${outcomes.length} rounds, ${broken.length} with a broken promise, ${failures.length} could not be played`,
    "",
    table("fault", outcomes, ({ plan }) => plan.fault.kind, profiles),
    "",
    table("in", outcomes, ({ plan }) => plan.phase, profiles),
    "",
    ...profiles.flatMap((name) => figuresOf(name, outcomes.filter(({ plan }) => plan.profile.name === name))),
    `own clock late: ${quantiles(outcomes.map(({ facts }) => facts.lateMs))}`,
    ...broken.map(({ plan, findings }) =>
      `seed ${plan.seed}: ${findings.map(({ what }) => what).join("; ")}`
    ),
    ...failures.map(({ seed, message }) => `seed ${seed}: not played: ${message.split("\n")[0]}`),
  ].join("\n");
}

function table(
  title: string,
  outcomes: readonly Outcome[],
  key: (outcome: Outcome) => string,
  profiles: readonly string[],
): string {
  const keys = [...new Set(outcomes.map(key))].sort();
  const row = (cells: readonly string[]): string => cells.map((cell) => cell.padEnd(16)).join("").trimEnd();
  const count = (of: string, profile: string): string =>
    String(outcomes.filter((outcome) => key(outcome) === of && outcome.plan.profile.name === profile).length);
  return [
    row([title, ...profiles]),
    ...keys.map((of) => row([of, ...profiles.map((name) => count(of, name))])),
  ].join("\n");
}

function figuresOf(name: string, outcomes: readonly Outcome[]): string[] {
  const all = (kind: "dark" | "unheld" | "doubled" | "left"): Figure[] =>
    outcomes.flatMap(({ verdict }) => verdict[kind]);
  const lines = [
    ["the client in the dark", all("dark")],
    ["an address on nobody", all("unheld")],
    ["an address on two", all("doubled")],
    ["until the last address left the dead", all("left")],
  ] as const;
  return [
    name,
    ...lines.map(([what, figures]) =>
      `  ${what}: ${quantiles(figures.map(({ ms }) => ms))}; ${overruns(figures)}`
    ),
    `  until in order again: ${quantiles(outcomes.map(({ settledMs }) => settledMs))}`,
    "",
  ];
}
