/**
 * Invalid configurations, one file each in invalid/, with the exact words and places that the operator reads
 * beside it. After a change of words: `UPDATE=1 deno test -A tests/config/invalid_test.ts`, then read the
 * difference.
 */
import { assert, assertEquals } from "@std/assert";
import { loadConfig, loadWithWarnings } from "../../mod/config/load.ts";
import { errorOf, OPTIONS, SECRET } from "./fixture.ts";

const DIRECTORY = new URL("invalid/", import.meta.url).pathname;

const names = Array.from(Deno.readDirSync(DIRECTORY), ({ name }) => name)
  .filter((name) => name.endsWith(".toml"))
  .map((name) => name.slice(0, -".toml".length))
  .sort();

async function messageOf(name: string): Promise<string> {
  const path = `${DIRECTORY}${name}.toml`;
  const error = await errorOf(loadConfig(path, OPTIONS));
  const loud = await errorOf(loadWithWarnings(path, OPTIONS));
  assertEquals(loud.message, error.message, "the strict and the quick parser lead to the same words");
  return `${error.message.replaceAll(DIRECTORY, "")}\n`;
}

for (const name of names) {
  Deno.test(`invalid/${name}.toml tells every problem with its place`, async () => {
    const message = await messageOf(name);
    const expected = `${DIRECTORY}${name}.txt`;
    if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(expected, message);
    assertEquals(message, Deno.readTextFileSync(expected));
    assert(!message.includes(SECRET), "what came from the environment is never shown");
  });
}

Deno.test("invalid/ holds a good part of what can go wrong", () => assert(names.length >= 60));
