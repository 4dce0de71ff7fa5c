/** Weights, `reverse` and numbers in files beside a real keepalived: the same priorities on the wire. */
import { assertEquals } from "@std/assert";
import type { Host } from "./lab.ts";
import { capture, field } from "./lab/capture.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { inLab } from "./lab/scenario.ts";
import { startVipd } from "./lab/vipd.ts";
import { sleep } from "./lab/wait.ts";

interface Row {
  /** What a script does, or what a file holds; both may change. */
  readonly script?: readonly [first: boolean, then: boolean];
  readonly file?: readonly [first: string, then: string];
  /** 0: none. */
  readonly weight: number;
  readonly reverse?: boolean;
}

const scripts: Row[] = [20, -20, 0, 253, -253].flatMap((weight) =>
  [false, true].flatMap((reverse): Row[] => [
    { script: [true, false], weight, reverse },
    { script: [false, true], weight, reverse },
  ])
);
const numbers: readonly (readonly [string, string])[] = [
  ["0", "10"],
  ["10", "0"],
  ["-10", "-254"],
  ["-253", "-10"],
  ["200", "7"],
  ["-300", "127"],
];
const files: Row[] = [1, 2, -2, 0].flatMap((weight) =>
  [false, true].flatMap((reverse) => numbers.map((file): Row => ({ file, weight, reverse })))
);
const rows = [...scripts, ...files];
/** keepalived's virtual routers come after vipd's. */
const shift = 100;

/** What a row's script looks at, or its file: the same one for both daemons. */
function pathOf(node: Host, row: number): string {
  return `${node.directory}/row${row}`;
}

/** A script passes while its file is there. */
async function enact(node: Host, turn: 0 | 1): Promise<void> {
  for (const [i, { script, file }] of rows.entries()) {
    const path = pathOf(node, i);
    if (file !== undefined) {
      await Deno.writeTextFile(`${path}.new`, `${file[turn]}\n`);
      await Deno.rename(`${path}.new`, path);
    } else if (script?.[turn] === true) await Deno.writeTextFile(path, "");
    else await Deno.remove(path).catch((error) => ignore(error));
  }
}

function ignore(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function spec(row: number, vrid: number): RouterSpec {
  return {
    ...{ name: `R${row}`, vrid, version: 3, priority: 100, intervalMs: 300 },
    addresses: [`198.51.100.${vrid}/32`],
  };
}

function vipdConfig(node: Host): string {
  return rows.map(({ script, weight, reverse }, i) => {
    const check = script === undefined
      ? `type = "file"\npath = "${pathOf(node, i)}"\nmultiply = true`
      : `type = "exec"\ncommand = ["test", "-e", "${pathOf(node, i)}"]\nrise = 1`;
    const weighed = `${weight === 0 ? "" : `, weight = ${weight}`}${
      reverse === true ? ", reverse = true" : ""
    }`;
    const vipdExtra = `track = [{ check = "c${i}"${weighed} }]`;
    return `[check.c${i}]\ninterval = "500ms"\n${check}\n${vipdRouter({ ...spec(i, i + 1), vipdExtra })}`;
  }).join("\n");
}

function keepalivedConfig(node: Host): string {
  const global = "global_defs {\n enable_script_security\n script_user root\n}\n";
  return global + rows.map(({ script, weight, reverse }, i) => {
    const word = `weight ${weight}${reverse === true ? " reverse" : ""}`;
    const path = pathOf(node, i);
    const definition = script === undefined
      ? `track_file f${i} {\n file ${path}\n}`
      : `vrrp_script s${i} {\n script "/usr/bin/test -e ${path}"\n interval 1\n}`;
    const keepalivedExtra = script === undefined
      ? `track_file {\n f${i} ${word}\n}`
      : `track_script {\n s${i} ${word}\n}`;
    return `${definition}\n${keepalivedRouter({ ...spec(i, i + 1 + shift), keepalivedExtra })}`;
  }).join("\n");
}

/** The last priority that each virtual router advertised in that time, by row; none: it is in FAULT. */
async function advertised(bridge: Host): Promise<Record<"vipd" | "keepalived", string[]>> {
  const wire = await capture(bridge, "client", "ip proto 112");
  await sleep(1500);
  const heard = new Map<number, string>();
  for (const packet of await wire.stop()) {
    heard.set(Number(field(packet, "vrrp.virt_rtr_id")), field(packet, "vrrp.prio"));
  }
  const described = (i: number, row: Row, first: number): string =>
    `${JSON.stringify(row)}: ${heard.get(first + i) ?? "FAULT"}`;
  return {
    vipd: rows.map((row, i) => described(i, row, 1)),
    keepalived: rows.map((row, i) => described(i, row, 1 + shift)),
  };
}

/** Until both say the same, twice in a row; at the end whatever they say. */
async function agreed(bridge: Host): Promise<Record<"vipd" | "keepalived", string[]>> {
  let before = "";
  for (let attempt = 0;; attempt++) {
    const now = await advertised(bridge);
    const same = now.vipd.join() === now.keepalived.join() && now.vipd.join() === before;
    if (same || attempt >= 12) return now;
    before = now.vipd.join();
  }
}

Deno.test("the same weights, reversed or not, make the same priorities as keepalived's, and follow a change", async () => {
  const options = { nodes: { n1: ["192.0.2.1/24"], n2: ["192.0.2.2/24"] }, client: ["192.0.2.10/24"] };
  await inLab(options, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    await enact(n1, 0);
    await Promise.all([startVipd(n1, vipdConfig(n1)), startKeepalived(n2, keepalivedConfig(n1), true)]);
    const first = await agreed(lab.bridge);
    assertEquals(first.vipd, first.keepalived);
    await enact(n1, 1);
    const then = await agreed(lab.bridge);
    assertEquals(then.vipd, then.keepalived);
    // Neither has said the same all the time, nor FAULT everywhere.
    const faults = [first, then].map(({ vipd }) => vipd.filter((text) => text.endsWith("FAULT")).length);
    assertEquals([first.vipd.join() === then.vipd.join(), faults.every((count) => count > 5)], [false, true]);
  });
});
