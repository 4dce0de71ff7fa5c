/** What came out of a soak: the verdict on each resource, and the curves as a small table and as JSON. */
import type { Account, Outcome, Sample } from "./soak.ts";
import { METRONOMES } from "./topology.ts";
import { fit, floors, type Point, secondHalf } from "./trend.ts";

type Measure = Exclude<keyof Sample, "minutes" | "quiet">;

interface Bound {
  readonly measure: Measure;
  readonly title: string;
  readonly digits: number;
  /** Growth per hour that is still level; null: not judged by its slope. */
  readonly perHour: number | null;
  /** How far a quiet moment may be from the first one; null: not judged by that. */
  readonly quiet: number | null;
}

/**
 * Memory is judged by what is left after each minute's collections. A few descriptors and groups more or less
 * depend on which routers have sent, and which IPv6 addresses are there.
 */
const BOUNDS: readonly Bound[] = [
  { measure: "rssMb", title: "RSS MB", digits: 1, perHour: 6, quiet: null },
  { measure: "pssMb", title: "PSS MB", digits: 1, perHour: 6, quiet: null },
  { measure: "anonymousMb", title: "anonymous MB", digits: 1, perHour: 6, quiet: null },
  { measure: "fds", title: "fds", digits: 0, perHour: 6, quiet: 3 },
  { measure: "threads", title: "threads", digits: 0, perHour: 2, quiet: 6 },
  { measure: "children", title: "children", digits: 0, perHour: 1, quiet: 1 },
  { measure: "groups", title: "groups", digits: 0, perHour: null, quiet: 12 },
  { measure: "queuedBytes", title: "queued B", digits: 0, perHour: null, quiet: 65_536 },
  { measure: "drops", title: "drops", digits: 0, perHour: null, quiet: null },
];
/** Slopes say something only over this time. */
const SLOPE_MINUTES = 20;
const ROW_MINUTES = 5;

export interface Verdict {
  readonly problems: readonly string[];
  readonly text: string;
  readonly json: unknown;
}

export function judge(outcome: Outcome): Verdict {
  const problems = [
    ...outcome.problems,
    ...outcome.accounts.flatMap((account) => problemsOf(account, outcome)),
  ];
  const curves = outcome.accounts.map((account) => curveOf(account, outcome));
  const text = [
    head(outcome),
    ...curves,
    ...outcome.accounts.map(eventsOf),
    ...outcome.excused,
    ending(problems),
  ].join("\n\n");
  return { problems, text, json: jsonOf(outcome, problems) };
}

function problemsOf(account: Account, { seconds, accounts }: Outcome): string[] {
  const { name, witness, clients, samples } = account;
  const quiet = samples.filter((sample) => sample.quiet);
  const tooMuch = BOUNDS.flatMap((bound) => [
    ...slopeProblem(bound, samples, seconds),
    ...quietProblem(bound, quiet),
  ]);
  return [
    ...tooMuch.map((problem) => `${name}: ${problem}`),
    ...witness.unexpected.map((line) => `${name} said: ${line}`),
    ...witness.differences().map((difference) => `${name}: ${difference}`),
    ...[...new Set(clients.complaints)].map((complaint) => `${name} answered wrongly: ${complaint}`),
    ...metronomeProblem(account, accounts.indexOf(account)),
  ];
}

function slopeProblem(
  { measure, title, perHour }: Bound,
  samples: readonly Sample[],
  seconds: number,
): string[] {
  if (perHour === null || seconds < SLOPE_MINUTES * 60) return [];
  const { slope } = fit(secondHalf(floors(points(samples, measure))));
  return slope > perHour ? [`${title} grew by ${slope.toFixed(1)} an hour; level is up to ${perHour}`] : [];
}

/** The first quiet moment is before the first trouble. */
function quietProblem({ measure, title, quiet }: Bound, moments: readonly Sample[]): string[] {
  const [first, ...others] = moments;
  const last = others.at(-1);
  if (quiet === null || first === undefined || last === undefined) return [];
  return last[measure] - first[measure] > quiet
    ? [`${title} in the quiet: ${first[measure]} at first, ${last[measure]} in the end`]
    : [];
}

/**
 * Each beat is a promotion at home: not many may be missing (other troubles hide them, in a short run all of
 * a few), nor be too many.
 */
function metronomeProblem({ name, witness, beats }: Account, index: number): string[] {
  const router = METRONOMES[index]!.name;
  const promotions = witness.logged.get(`${router} ACTIVE`) ?? 0;
  return promotions < 0.3 * beats - 3 || promotions > 2 * beats + 10
    ? [`${name}: ${router} was provoked ${beats} times and became active ${promotions} times`]
    : [];
}

function points(samples: readonly Sample[], measure: Measure): Point[] {
  return samples.map((sample) => ({ minutes: sample.minutes, value: sample[measure] }));
}

function head({ seconds, seed, rounds, reloads, troubles, accounts }: Outcome): string {
  const minutes = seconds / 60;
  const list = [...troubles].sort(([, a], [, b]) => b - a).map(([name, count]) => `  ${count} x ${name}`);
  const hosts = accounts.map(({ name, witness, clients, samples }) => {
    const cpu = (samples.at(-1)!.cpuSeconds - samples[0]!.cpuSeconds) /
      (samples.at(-1)!.minutes - samples[0]!.minutes) / 60;
    return `  ${name}: ${witness.transitions} transitions (${
      (witness.transitions / seconds).toFixed(1)
    }/s), ` +
      `${clients.answered} requests (${(clients.answered / seconds).toFixed(0)}/s), ${
        (cpu * 100).toFixed(0)
      } % of a core`;
  });
  return [
    `soak: ${minutes.toFixed(1)} minutes, seed ${seed}, ${rounds} rounds, ${reloads} reloads`,
    ...hosts,
    ...list,
  ]
    .join("\n");
}

/** Every five minutes of a long run, every round of a short one: the lowest of each stretch. */
function curveOf({ name, samples }: Account, { seconds }: Outcome): string {
  const step = seconds < SLOPE_MINUTES * 60 ? seconds / 60 / 8 : ROW_MINUTES;
  const titles = ["min", ...BOUNDS.map(({ title }) => title)];
  const rows: string[][] = [];
  for (let from = 0; from < seconds / 60; from += step) {
    const part = samples.filter(({ minutes }) => minutes >= from && minutes < from + step);
    if (part.length === 0) continue;
    const lowest = BOUNDS.map(({ measure, digits }) =>
      Math.min(...part.map((sample) => sample[measure])).toFixed(digits)
    );
    rows.push([from.toFixed(step < 1 ? 1 : 0), ...lowest]);
  }
  const slopes = BOUNDS.map(({ measure }) =>
    fit(secondHalf(floors(points(samples, measure)))).slope.toFixed(1)
  );
  return `${name}\n${table([titles, ...rows, ["/h", ...slopes]])}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i]!)).join("  ")).join("\n");
}

function eventsOf({ name, witness, descriptors }: Account): string {
  const kinds = [...witness.troubles].map(([kind, count]) => `  ${count} x ${kind}`);
  const [first, last] = descriptors.map((kind) => JSON.stringify(kind));
  return [`${name} warned:`, ...kinds, `  descriptors at first ${first}`, `  descriptors at last  ${last}`]
    .join("\n");
}

function ending(problems: readonly string[]): string {
  const shown = problems.slice(0, 40);
  const more = problems.length > shown.length ? [`... and ${problems.length - shown.length} more`] : [];
  return problems.length === 0
    ? "level and correct"
    : ["NOT LEVEL OR NOT CORRECT:", ...shown, ...more].join("\n");
}

function jsonOf(
  { seconds, seed, rounds, reloads, troubles, accounts, excused }: Outcome,
  problems: readonly string[],
): unknown {
  return {
    seconds,
    seed,
    rounds,
    reloads,
    troubles: Object.fromEntries(troubles),
    problems,
    excused,
    hosts: accounts.map(({ name, samples, witness, clients, beats }) => ({
      name,
      beats,
      requests: clients.answered,
      transitions: Object.fromEntries(witness.logged),
      warnings: Object.fromEntries(witness.troubles),
      samples,
    })),
  };
}
