/**
 * Two rounds of the soak (`deno task soak` runs it for an hour): everything comes home after every trouble,
 * log, events and counters agree, and no descriptor, thread, child or group is left over.
 */
import { assert } from "@std/assert";
import { judge } from "../soak/report.ts";
import { soak } from "../soak/soak.ts";

/** The second round begins before this is over. */
const SECONDS = 26;

Deno.test("soak: two rounds of trouble leave nothing behind", async () => {
  const said: string[] = [];
  const seed = Date.now() % 1_000_000;
  const outcome = await soak({ seconds: SECONDS, seed, say: (line) => void said.push(line) });
  const { problems, text } = judge(outcome);
  assert(problems.length === 0, `${said.join("\n")}\n${text}`);
});
