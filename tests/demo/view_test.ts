/** The live view: golden, in block characters and in ASCII, and never wider than the terminal. */
import { assert, assertEquals } from "@std/assert";
import { visibleWidth } from "../../mod/cli/text.ts";
import { renderScene } from "../../mod/demo/view.ts";
import { result, scene } from "./fixture.ts";

const PLAIN = { width: 80, color: false, unicode: true };

Deno.test("renderScene() shows nodes, timeline and events", () => {
  assertEquals(renderScene(scene(), PLAIN).join("\n"), GOLDEN);
});

const GOLDEN = `vipd demo: one address, two nodes, VRRPv3 every 100 ms                     4.3 s

  node1  no vipd  no web              linked
  node2  ACTIVE   web     192.0.2.10  cut off    the active router fell silent

  node1                                                     ████████████
  node2                                                                   ██████
  nobody                                                                ██▄
  the client asks every 1 ms; a column is 50 ms

  ✔  web server on node1 killed         21 ms outage  node2 after 21 ms
  ✔    web server started again          0 ms outage  node1 after 708 ms
  ▶  vipd on node1 stopped (SIGTERM)
       vipd started again
     vipd on node1 killed (SIGKILL)
       vipd started again
     network cable of node1 pulled
       cable plugged in
     node1 cut off, link still up
       node1 connected again`;

Deno.test("renderScene() does with ASCII where the locale has no more", () => {
  const lines = renderScene(scene(), { ...PLAIN, unicode: false });
  // deno-lint-ignore no-control-regex -- the range of ASCII
  assert(lines.every((line) => /^[\x00-\x7f]*$/.test(line)));
  assertEquals(lines.slice(5, 8).map((line) => line.trimEnd()), [
    `  node1  ${" ".repeat(51)}############`,
    `  node2  ${" ".repeat(65)}######`,
    `  nobody ${" ".repeat(63)}XXx`,
  ]);
});

Deno.test("renderScene() fits every width, with colour too", () => {
  for (const width of [1, 20, 60, 80, 200]) {
    for (const color of [false, true]) {
      const lines = renderScene(scene(), { width, color, unicode: true });
      for (const line of lines) assert(visibleWidth(line) <= width, `${width}: ${line}`);
      assertEquals(lines.length, GOLDEN.split("\n").length);
    }
  }
});

Deno.test("renderScene() leaves no colour switched on where it cuts a line", () => {
  for (const line of renderScene(scene(), { width: 12, color: true, unicode: true })) {
    const codes = line.match(/\[[0-9;]*m/g) ?? [];
    assertEquals(codes.at(-1) ?? "[0m", "[0m", line);
  }
});

Deno.test("renderScene() marks an event that went wrong", () => {
  const lines = renderScene(scene({ results: [result({ problems: ["bad"], servedBy: null })] }), PLAIN);
  assertEquals(lines[10], "  ✘  web server on node1 killed         21 ms outage  nobody answers");
});

Deno.test("renderScene() makes text from elsewhere harmless", () => {
  const nodes = scene().nodes.map((node) => ({
    ...node,
    router: { state: "FAULT", reason: "a\x1b[2Jb" } as const,
  }));
  assert(!renderScene(scene({ nodes }), PLAIN).join("").includes("\x1b"));
});
