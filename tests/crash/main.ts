/**
 * Crashes at random moments, on demand: `deno task crash --rounds 1000 --seed 1 --labs 5`, one round again by
 * its seed: `--rounds 1 --seed 4711`. `--fault` and `--phase` fix what would be drawn. Exit code 1 when a
 * promise is broken. Needs root, and VIPD_BIN or ./vipd.
 */
import { parseArgs } from "@std/cli/parse-args";
import type { FaultKind, Phase } from "./plan.ts";
import { describeOutcome, summarize, tellStory } from "./report.ts";
import { plansFrom, playAll } from "./run.ts";

const LABS = "4";
const SUMMARY_EVERY = 100;

const options = parseArgs(Deno.args, {
  string: ["rounds", "seed", "labs", "fault", "phase"],
  boolean: ["story"],
});

function out(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

const plans = plansFrom(
  Number(options.seed ?? Date.now() % 1_000_000_000),
  Number(options.rounds ?? "20"),
  {
    ...(options.fault === undefined ? {} : { kind: options.fault as FaultKind }),
    ...(options.phase === undefined ? {} : { phase: options.phase as Phase }),
  },
);
let number = 0;
const result = await playAll(plans, Number(options.labs ?? LABS), {
  played(outcome): void {
    out(describeOutcome(++number, outcome));
    if (outcome.findings.length > 0 || options.story) out(`\n${tellStory(outcome)}\n`);
    if (number % SUMMARY_EVERY === 0) out(`${new Date().toISOString()}: ${number} of ${plans.length} rounds`);
  },
  failed({ seed, message }): void {
    out(`#${++number} seed ${seed} NOT PLAYED: ${message}`);
  },
});
out(`\n${summarize(result.outcomes, result.failures)}`);
if (result.failures.length > 0 || result.outcomes.some(({ findings }) => findings.length > 0)) {
  Deno.exitCode = 1;
}
