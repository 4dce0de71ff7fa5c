/** The last recovery of a check as status and page say it. */
import { formatAge } from "./age.ts";
import type { CheckStatus } from "./snapshot.ts";

/** Follows the reason of the check; empty when there was no recovery. */
export function recoveryText({ reason, recoveries, last_recovery }: CheckStatus, at: string): string {
  if (last_recovery === null) return "";
  const { helped, problem } = last_recovery;
  const why = problem === null ? "" : ` (${problem})`;
  const runs = recoveries === 1 ? "" : `, ${recoveries} runs in all`;
  return `${reason === "" ? "" : "; "}recovery ${formatAge(last_recovery.at, at)} ago ${
    helped ? "helped" : "did not help"
  }${why}${runs}`;
}
