/** A check's watch, begun again and again: without it the check would only poll. */
import { describe } from "../../checks/check.ts";
import { sleep } from "../../checks/deadline.ts";

const retryMs = 1000;

/** Until the abort; `note` is told why it broke, each reason once in a row. */
export async function keepWatching(
  watch: () => Promise<void>,
  note: (problem: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let told = "";
  while (!signal.aborted) {
    try {
      await watch();
    } catch (error) {
      const problem = `cannot watch, polling only: ${describe(error)}`;
      if (!signal.aborted && problem !== told) note(problem);
      told = problem;
    }
    await sleep(retryMs, signal);
  }
}
