/**
 * Broken input of every kind: truncated, mutated, shuffled files end in a Config or a ConfigError, and both
 * parsers agree.
 */
import { assert } from "@std/assert";
import { loadConfig, loadWithWarnings } from "../../mod/config/load.ts";
import { ConfigError } from "../../mod/errors.ts";
import { inMemory } from "./fixture.ts";

const VALID = `include = []
[node]
name = "lb1" # a comment with = and [brackets]
[api]
listen = ["127.0.0.1:8112", 'unix:/run/vipd.sock']
[virtual_router.a]
interface = "eth0"
vrid = 51
addresses = [
  "192.0.2.1/24", # first
  { address = "192.0.2.2", label = "eth0:x" },
]
garp = { repeat = 5, delay = "5s" }
track = ["c", { check = "d", weight = -20 }]
[virtual_router."b.c"]
interface = "eth1"
vrid = 52
lease = "off"
[check.c]
type = "run"
command = ["/bin/sh", "-c", """
exit "$(cat /tmp/x)"
"""]
[check.d]
type = "web"
url = "http://127.0.0.1/?a=b#c"
`;

/** Deterministic pseudo-random numbers (mulberry32), so that a failure can be repeated by its seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}

const FRAGMENTS = [
  "=",
  "[",
  "]",
  "{",
  "}",
  '"',
  "'",
  '"""',
  "\n",
  "#",
  ",",
  ".",
  "-",
  "0",
  "1e9",
  "true",
  "\\",
  "\0",
  "ü",
  "\${X}",
  "__proto__",
  "[[a]]\n",
  "a.b = 1\n",
  "inf",
  "1979-05-27",
];

function mutate(text: string, random: (below: number) => number): string {
  const at = random(text.length);
  const length = random(4);
  switch (random(4)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + length);
    case 1:
      return text.slice(0, at) + FRAGMENTS[random(FRAGMENTS.length)] + text.slice(at + length);
    case 2: {
      const lines = text.split("\n");
      lines.splice(random(lines.length), 0, lines[random(lines.length)] ?? "");
      return lines.join("\n");
    }
    default: {
      const lines = text.split("\n");
      const [line = ""] = lines.splice(random(lines.length), 1);
      lines.splice(random(lines.length), 0, line);
      return lines.join("\n");
    }
  }
}

async function outcome(load: () => Promise<unknown>, label: string): Promise<string> {
  try {
    await load();
    return "fine";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw new Error(label, { cause: error });
    assert(error.problems.length > 0, `${label}: no problem told`);
    assert(error.problems.every(({ line, column }) => line > 0 && column > 0), `${label}: ${error.message}`);
    return error.message;
  }
}

async function tryBoth(text: string, label: string): Promise<void> {
  const options = inMemory({ "vipd.toml": text });
  const quick = await outcome(() => loadConfig("vipd.toml", options), label);
  const strict = await outcome(() => loadWithWarnings("vipd.toml", options), label);
  assert(quick === strict, `${label}: the parsers disagree:\n${quick}\n${strict}\n---\n${text}`);
}

Deno.test("loadConfig() survives every truncation", async () => {
  for (let length = 0; length <= VALID.length; length++) {
    await tryBoth(VALID.slice(0, length), `length ${length}`);
  }
});

Deno.test("loadConfig() survives random mutations", async () => {
  const runs = Number(Deno.env.get("FUZZ_RUNS") ?? 1_500);
  for (let seed = 1; seed <= runs; seed++) {
    const random = generator(seed);
    let text = VALID;
    for (let n = random(4); n >= 0; n--) text = mutate(text, random);
    await tryBoth(text, `seed ${seed}`);
  }
});

Deno.test("loadConfig() survives deep nesting", async () => {
  for (
    const text of ["a = " + "[".repeat(5_000), "a = " + "{b=".repeat(5_000), "[" + "a.".repeat(5_000) + "b]"]
  ) {
    await tryBoth(text, text.slice(0, 20));
  }
});
