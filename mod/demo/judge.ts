/** Whether an event of the demo went as it must, and if not, what did not. PURE. */
import type { Pace, Step } from "./scenarios.ts";
import type { Result } from "./scene.ts";

const ADVERTS = 3;
const PRIORITY_STEPS = 256;
/** For a machine that does other things besides, and for the client's own resolution. */
const SLACK_MS = 100;

/** The longest outage that RFC 9568 §6.1 allows when this priority takes over, and 100 ms for the machine. */
export function limitMs(pace: Pace, intervalMs: number, priority: number): number {
  const skewTimeMs = (PRIORITY_STEPS - priority) * intervalMs / PRIORITY_STEPS;
  return Math.round(skewTimeMs + (pace === "silent" ? ADVERTS * intervalMs : 0)) + SLACK_MS;
}

/** Sentences; none when all is well. `settled`: the expected state was reached in time. */
export function judge(result: Omit<Result, "problems">, step: Step, settled: boolean): string[] {
  const { outageMs, limitMs, servedBy, holders } = result;
  const problems: string[] = [];
  if (servedBy !== step.servedBy) {
    problems.push(`the client ended up with ${servedBy ?? "nobody"} instead of ${step.servedBy}`);
  }
  if (holders.join() !== step.holders.join()) {
    problems.push(
      `the address ended up on ${holders.join(" and ") || "no node"} instead of ${
        step.holders.join(" and ")
      }`,
    );
  }
  if (problems.length === 0 && !settled) problems.push("the nodes did not settle in time");
  if (outageMs > limitMs) {
    problems.push(`an outage of ${Math.round(outageMs)} ms is above ${limitMs} ms`);
  }
  return problems;
}
