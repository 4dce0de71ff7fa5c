/** `vipd version`: a line for people, an object for programs. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { version } from "../../mod/cli/version.ts";
import { UsageError } from "../../mod/errors.ts";
import { VERSION } from "../../mod/version.ts";
import { fakeIo } from "./fake_io.ts";

Deno.test("version prints one line, with --json one object", async () => {
  const plain = fakeIo();
  assertEquals(await version([], plain), 0);
  assertEquals(plain.stdout.length, 1);
  assertMatch(plain.stdout[0]!, /^vipd \d+\.\d+\.\d+\S* \(deno \d+\.\d+\.\d+, [\w-]+\)$/);
  const json = fakeIo();
  assertEquals(await version(["--json"], json), 0);
  const { deno, v8 } = Deno.version;
  assertEquals(json.stdout.map((line) => JSON.parse(line)), [
    { version: VERSION, deno, v8, target: Deno.build.target },
  ]);
});

Deno.test("version takes no other option", () => {
  assertThrows(() => version(["--jsn"], fakeIo()), UsageError);
});
