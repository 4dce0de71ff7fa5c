/**
 * The soak on demand: `deno task soak --minutes 60 --seed 1 --out soak.json`, with what the daemons said in
 * soak.json.log. Exit code 1 when something grew or was wrong.
 */
import { parseArgs } from "@std/cli/parse-args";
import { judge } from "./report.ts";
import { soak } from "./soak.ts";

const { minutes = "60", seed, out } = parseArgs(Deno.args, { string: ["minutes", "seed", "out"] });

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

const outcome = await soak({
  seconds: Number(minutes) * 60,
  seed: Number(seed ?? Date.now() % 1_000_000_000),
  say,
});
const { text, json, problems } = judge(outcome);
say(`\n${text}`);
if (out !== undefined) {
  await Deno.writeTextFile(out, JSON.stringify(json) + "\n");
  await Deno.writeTextFile(`${out}.log`, outcome.logs);
}
Deno.exit(problems.length === 0 ? 0 : 1);
