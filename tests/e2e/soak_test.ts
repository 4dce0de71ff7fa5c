/**
 * Two rounds of the soak (`deno task soak` runs it for an hour): everything comes home after every trouble,
 * log, events and counters agree, and no descriptor, thread, child or group is left over.
 */
import { assert } from "@std/assert";
import { judge } from "../soak/report.ts";
import { soak } from "../soak/soak.ts";
import { replayed } from "./lab/meter.ts";

/** The second round begins before this is over. */
const SECONDS = 26;
/** The same troubles each time; other ones are for the soak on demand. */
const SEED = 1;

Deno.test("soak: two rounds of trouble leave nothing behind", () =>
  replayed(async () => {
    const said: string[] = [];
    const outcome = await soak({ seconds: SECONDS, seed: SEED, say: (line) => void said.push(line) });
    const { problems, text } = judge(outcome);
    assert(problems.length === 0, `${problems.join("; ")}\n${said.join("\n")}\n${text}`);
  }));
