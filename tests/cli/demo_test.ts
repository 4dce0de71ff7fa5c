/** `vipd demo` as a command: its options, its hidden roles, and the terminal that it gives back. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { demo } from "../../mod/cli/demo.ts";
import type { Hooks } from "../../mod/cli/hooks.ts";
import { lineShow, screenShow } from "../../mod/demo/audience.ts";
import { configuration } from "../../mod/demo/node.ts";
import { loadWithWarnings } from "../../mod/config/load.ts";
import { UsageError } from "../../mod/errors.ts";
import { result, scene } from "../demo/fixture.ts";
import { fakeIo } from "./fake_io.ts";

const HOOKS: Hooks = {
  signals: { onTerminate: () => {}, onReload: () => {}, onUpgrade: () => {} },
  workerUrl: new URL("file:///worker.ts"),
};

Deno.test("demo refuses what it cannot do, before it makes anything", async () => {
  const refused: readonly (readonly [args: readonly string[], message: string])[] = [
    [["--interval", "5ms"], '--interval expects 10ms to 1s in steps of 10 ms, got "5ms"'],
    [["--interval", "2s"], '--interval expects 10ms to 1s in steps of 10 ms, got "2s"'],
    [["--interval", "15ms"], '--interval expects 10ms to 1s in steps of 10 ms, got "15ms"'],
    [["--interval", "fast"], '--interval expects 10ms to 1s in steps of 10 ms, got "fast"'],
    [["--jason"], 'Unknown option "--jason" (did you mean "--json"?)'],
    [["now"], 'Unexpected argument "now"'],
    [["--role", "king"], 'Unknown role "king"'],
  ];
  for (const [args, message] of refused) {
    await assertRejects(() => demo([...args], fakeIo(), HOOKS), UsageError, message);
  }
});

Deno.test("the nodes' configuration is valid, without a warning", async () => {
  for (const intervalMs of [100, 1000]) {
    const web = "vipd demo --role web node1 192.0.2.10 /tmp/vipd-demo-0123+(4)";
    const text = configuration("node1", "/tmp/vipd-demo/node1.sock", web, intervalMs);
    const { config, warnings } = await loadWithWarnings("demo.toml", {
      env: () => undefined,
      readFile: () => Promise.resolve(text),
    });
    assertEquals(warnings, []);
    assertEquals(config.virtual_router["web"]?.advertisement_interval, intervalMs);
    const alive = config.check["alive"] as unknown as { options: { match: RegExp } };
    assert(alive.options.match.test(`deno run main.ts ${web}`));
    assert(!alive.options.match.test(`${web}5`));
  }
});

Deno.test("lineShow() prints plain lines", () => {
  const io = fakeIo();
  using show = lineShow(io, 100);
  show.see(scene());
  show.hear(result());
  assertEquals(io.stdout.length, 2);
  assertEquals(io.stdout[1]?.slice(0, 45), "  4.3 s  web server on node1 killed: outage 2");
});

Deno.test("screenShow() draws within the terminal and gives it back", () => {
  const written: string[] = [];
  const terminal = {
    write: (text: string) => void written.push(text),
    size: () => ({ columns: 40, rows: 10 }),
  };
  {
    using show = screenShow(fakeIo({}, true), terminal);
    show.see(scene());
    show.hear(result());
  }
  const [enter = "", frame = "", leave = ""] = written;
  assertEquals([enter, leave], ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"]);
  assert(frame.startsWith("\x1b[?2026h\x1b[H") && frame.endsWith("\x1b[?2026l"));
  // Nine lines and the footer, none of which scrolls the screen.
  assertEquals(frame.split("\n").length - 1, 9);
  // deno-lint-ignore no-control-regex -- escape sequences are not seen
  const seen = frame.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, "").split("\r\n");
  for (const line of seen) assert(line.length <= 40, line);
});
