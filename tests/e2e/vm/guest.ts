/**
 * What runs inside the guest, bundled: the steps of one scenario in their order, one line of JSON on the
 * console for each result.
 */
import { resultLine } from "./report.ts";
import { stepsOf } from "./scenarios.ts";

const name = Deno.args[0] ?? "";
const steps = stepsOf(name);
if (steps === undefined) throw new Error(`There is no scenario "${name}"`);
let failed = 0;
for (const [step, body] of Object.entries(steps)) {
  const startedMs = performance.now();
  let error: string | undefined;
  try {
    await body();
  } catch (thrown) {
    failed++;
    error = thrown instanceof Error ? `${thrown.stack}` : String(thrown);
  }
  const ms = Math.round(performance.now() - startedMs);
  say(resultLine(error === undefined ? { step, ms } : { step, ms, error }));
}
Deno.exit(failed === 0 ? 0 : 1);

/** Whole, and at the beginning of a line, whoever else writes to the console. */
function say(line: string): void {
  const octets = new TextEncoder().encode(`\n${line}\n`);
  for (let done = 0; done < octets.length;) done += Deno.stdout.writeSync(octets.subarray(done));
}
