/**
 * A corpus of keepalived.conf as people write them: each is converted to what can be loaded, or refused with
 * reasons, and the words are those of the golden file beside it. After a change of words:
 * `UPDATE=1 deno test -A tests/config/keepalived/corpus_test.ts`, then read the difference.
 */
import { assert, assertEquals } from "@std/assert";
import { converted, problemsOf } from "./converted.ts";

const CORPUS = new URL("./corpus/", import.meta.url);
const SCRIPTS = new URL("./scripts/", import.meta.url);

const names = Array.from(Deno.readDirSync(CORPUS), ({ name }) => name)
  .filter((name) => name.endsWith(".conf")).map((name) => name.slice(0, -".conf".length)).sort();

/** The scripts that they name. */
const scripts = Object.fromEntries(
  Array.from(Deno.readDirSync(SCRIPTS), ({ name }) => [
    `/etc/keepalived/${name}`,
    Deno.readTextFileSync(new URL(name, SCRIPTS)),
  ]),
);

/** Those that must be refused: what they say is wrong, or is not for this version. */
const REFUSED = [
  "authentication_header",
  "gateway_routes",
  "misspelt",
  "missing_brace",
  "shell_in_a_string",
  "template_env",
  "template_j2",
  "undefined_script",
];

for (const name of names) {
  Deno.test(`corpus/${name}.conf is converted to what can be loaded, or refused with reasons`, async () => {
    const { toml, told, blocked } = converted(
      Deno.readTextFileSync(new URL(`${name}.conf`, CORPUS)),
      scripts,
    );
    const written = blocked ? "" : toml;
    const golden = new URL(`${name}.txt`, CORPUS);
    const text = [...told, "", written].join("\n").trim() + "\n";
    if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(golden, text);
    assertEquals(text, Deno.readTextFileSync(golden));
    assertEquals(blocked, REFUSED.includes(name), told.join("\n"));
    if (blocked) assert(told.some((line) => line.includes(" refused: ")), "every refusal has a reason");
    else assertEquals(await problemsOf(toml), []);
  });
}

Deno.test("the corpus holds the usual ways to use keepalived", () => assert(names.length >= 30));
