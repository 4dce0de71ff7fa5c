/** The command line: names, aliases, help, mistakes. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../mod/cli/commands.ts";
import type { Hooks } from "../../mod/cli/hooks.ts";
import { dispatch } from "../../mod/cli/mod.ts";
import { parseOptions } from "../../mod/cli/options.ts";
import { UsageError } from "../../mod/errors.ts";
import { type FakeIo, fakeIo } from "./fake_io.ts";

const HOOKS: Hooks = {
  signals: { onTerminate: () => {}, onReload: () => {}, onUpgrade: () => {} },
  workerUrl: new URL("file:///worker.ts"),
};

async function vipd(...args: string[]): Promise<FakeIo & { code: number }> {
  const io = fakeIo();
  const code = await dispatch(args, io, HOOKS);
  return { ...io, code };
}

Deno.test("vipd without arguments shows the overview and fails", async () => {
  const { code, stdout, stderr } = await vipd();
  assertEquals([code, stdout], [2, []]);
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  for (const { name, summary } of COMMANDS) {
    assertStringIncludes(stderr.join("\n"), `  ${name.padEnd(width)}  ${summary}`);
  }
});

Deno.test("vipd help explains a command, and so does its --help", async () => {
  for (const { name, usage, options } of COMMANDS) {
    const asked = await vipd("help", name);
    assertEquals([asked.code, asked.stderr], [0, []]);
    assertStringIncludes(asked.stdout.join("\n"), `Usage: ${usage}`);
    for (const [flags] of options) assertStringIncludes(asked.stdout.join("\n"), flags);
    assertEquals((await vipd(name, "--help")).stdout, asked.stdout);
    assertEquals((await vipd(name, "-h")).stdout, asked.stdout);
  }
});

Deno.test("vipd --help, -h, --version and -V are commands", async () => {
  assertEquals((await vipd("--help")).stdout, (await vipd("help")).stdout);
  assertEquals((await vipd("-h")).stdout, (await vipd("help")).stdout);
  assertEquals((await vipd("--version")).stdout, (await vipd("version")).stdout);
  assertEquals((await vipd("-V")).code, 0);
});

Deno.test("vipd --config FILE --help is about run", async () => {
  assertStringIncludes((await vipd("--config", "x.toml", "--help")).stdout.join("\n"), "vipd run: ");
});

Deno.test("a mistyped command is a usage error with the nearest name", async () => {
  for (const [typed, meant] of [["statsu", "status"], ["validte", "validate"], ["relaod", "reload"]]) {
    const { code, stderr } = await vipd(typed ?? "");
    assertEquals(code, 2);
    assertEquals(stderr, [`vipd: Unknown command "${typed}" (did you mean "${meant}"?); see "vipd help"`]);
  }
  assertEquals((await vipd("xyzzy")).stderr, ['vipd: Unknown command "xyzzy"; see "vipd help"']);
});

Deno.test("a wrong option is a usage error with the usage", async () => {
  const { code, stderr } = await vipd("status", "--jsno");
  assertEquals(code, 2);
  assertEquals(stderr[0], 'vipd status: Unknown option "--jsno" (did you mean "--json"?)');
  assertStringIncludes(stderr[1] ?? "", "Usage: vipd status");
});

Deno.test("vipd version says what this is", async () => {
  const { stdout } = await vipd("version", "--json");
  const facts = JSON.parse(stdout[0] ?? "");
  assertEquals(Object.keys(facts), ["version", "deno", "v8", "target"]);
  assertEquals((await vipd("version")).stdout, [
    `vipd ${facts.version} (deno ${facts.deno}, ${facts.target})`,
  ]);
});

Deno.test("parseOptions() takes what is declared and nothing else", async () => {
  const spec = { boolean: ["json", "watch"], string: ["socket"], alias: { w: "watch" } };
  assertEquals(parseOptions([], spec), {});
  assertEquals(parseOptions(["--json", "-w", "--socket", "/a"], spec), {
    json: true,
    watch: true,
    socket: "/a",
  });
  assertEquals(parseOptions(["--socket=/a"], spec), { socket: "/a" });
  const rows: [string[], string][] = [
    [["file"], 'Unexpected argument "file"'],
    [["--socket"], "--socket needs a value"],
    [["--socket="], "--socket needs a value"],
    [["--socket", "/a", "--socket", "/b"], "--socket is given more than once"],
    [["--sockt=/a"], 'Unknown option "--sockt" (did you mean "--socket"?)'],
    [["-x"], 'Unknown option "-x"'],
    [["--json", "extra"], 'Unexpected argument "extra"'],
    [["--", "--json"], 'Unexpected argument "--json"'],
  ];
  for (const [args, message] of rows) {
    await assertRejects(() => Promise.resolve().then(() => parseOptions(args, spec)), UsageError, message);
  }
});
