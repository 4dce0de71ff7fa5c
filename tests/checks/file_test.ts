/** The file check: what a number means, what is no number, and that a change is seen without waiting. */
import { assertEquals } from "@std/assert";
import { file } from "../../checks/file.ts";
import { config, Recorder, until } from "../health/recorder.ts";
import { verdict } from "./verdict.ts";

const rows: [content: string | undefined, plain: string, weighed: string][] = [
  [undefined, "pass: there is no FILE", "pass: there is no FILE"],
  ["", "pass: FILE is empty", "pass: FILE is empty"],
  ["0\n", "pass: FILE holds 0", "pass with weight 0: FILE holds 0"],
  [" 1 \n", "FILE holds 1", "pass with weight 1: FILE holds 1"],
  ["65535", "FILE holds 65535", "pass with weight 65535: FILE holds 65535"],
  ["65536", "FILE holds 65536", "FILE holds 65536"],
  ["-1", "FILE holds -1", "FILE holds -1"],
  ["1.5", 'FILE holds no number: "1.5"', 'FILE holds no number: "1.5"'],
  ["0".repeat(100), `FILE holds no number: "${"0".repeat(20)}"`, `FILE holds no number: "${"0".repeat(20)}"`],
];

Deno.test("file: numbers, and what is none", async () => {
  const path = `${Deno.makeTempDirSync()}/value`;
  const look = async (options: Record<string, unknown>): Promise<string> =>
    (await verdict(file, { path, ...options })).replaceAll(path, "FILE");
  for (const [content, plain, weighed] of rows) {
    if (content !== undefined) Deno.writeTextFileSync(path, content);
    assertEquals(await look({}), plain);
    assertEquals(await look({ weight_from_value: true }), weighed);
  }
  Deno.writeTextFileSync(path, "\n");
  assertEquals(await look({ missing: "fail" }), "FILE is empty");
  Deno.removeSync(path);
  assertEquals(await look({ missing: "fail" }), "there is no FILE");
});

Deno.test("file: exists looks only at whether it is there", async () => {
  const path = `${Deno.makeTempDirSync()}/flag`;
  const look = async (exists: boolean): Promise<string> =>
    (await verdict(file, { path, exists })).replaceAll(path, "FILE");
  assertEquals([await look(true), await look(false)], [
    "there is no file FILE",
    "pass: there is no file FILE",
  ]);
  Deno.writeTextFileSync(path, "no number");
  assertEquals([await look(true), await look(false)], ["pass: there is a file FILE", "there is a file FILE"]);
});

Deno.test("file: a change is seen at once: state and weight", async () => {
  const path = `${Deno.makeTempDirSync()}/value`;
  await using recorder = new Recorder();
  const options = { path, weight_from_value: true };
  recorder.monitor.configure({ it: config("file", options, { interval: 3_600_000 }) });
  recorder.monitor.start();
  assertEquals((await recorder.next()).to, "up");
  const steps: [content: string, weights: (number | undefined)[]][] = [["7", [7]], ["3", [7, 3]]];
  for (const [content, weights] of steps) {
    Deno.writeTextFileSync(path, content);
    await until(() => recorder.weights.length === weights.length, `no weight ${content}`);
    assertEquals(recorder.weights, weights);
  }
  Deno.writeTextFileSync(path, "-1");
  assertEquals((await recorder.next()).to, "down");
  Deno.removeSync(path);
  assertEquals((await recorder.next()).to, "up");
  assertEquals(recorder.weights, [7, 3, undefined]);
});
