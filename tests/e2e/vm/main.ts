/**
 * `deno task vm [SCENARIO...]`: runs scenarios, those of every test run or those named, one guest after
 * another, and shows what they say.
 */
import { prepareGuests } from "./guests.ts";
import { SCENARIOS } from "./scenarios.ts";

const names = Deno.args.length > 0 ? Deno.args : Object.keys(SCENARIOS);
await using guests = await prepareGuests();
let failed = 0;
for (const name of names) {
  const show = (line: string): void => {
    if (line.trim() !== "" && !line.startsWith("@@")) print(`${name}: ${line}`);
  };
  await guests.run(name, ({ step, ms, error }) => {
    failed += error === undefined ? 0 : 1;
    print(`${name}: ${error === undefined ? "ok" : "FAILED"}: ${step} (${ms} ms)`);
    if (error !== undefined) print(error);
  }, show);
}
Deno.exitCode = failed === 0 ? 0 : 1;

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
