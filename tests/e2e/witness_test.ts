/** Two nodes and a witness: who cannot reach it neither takes the address nor keeps it; checks of checks. */
import { assert, assertEquals } from "@std/assert";
import type { Host, Lab } from "./lab.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { check, router, startVipd, type Vipd, waitForState } from "./lab/vipd.ts";
import { waitFor } from "./lab/wait.ts";

const vip = "192.0.2.100";
const witness = "192.0.2.10";
const options = { nodes: { n1: ["192.0.2.1/24"], n2: ["192.0.2.2/24"] }, client: [`${witness}/24`] };

function config(method: string, priority: number): string {
  const timing = 'interval = "300ms"\ntimeout = "250ms"\nfall = 3\nrise = 2';
  const link = method === "arp" ? '\nbind_interface = "eth0"' : "";
  const gateway = `type = "gateway"\naddresses = ["${witness}"]\nmethod = "${method}"${link}`;
  const spec = {
    name: "V",
    vrid: 9,
    version: 3,
    priority,
    intervalMs: 300,
    addresses: [`${vip}/24`],
  } as const;
  return `[check.witness]\n${gateway}\n${timing}\n${
    vipdRouter({ ...spec, vipdExtra: 'track = ["witness"]' })
  }`;
}

function holders(lab: Lab): Promise<boolean[]> {
  return Promise.all([lab.node("n1").holds(vip), lab.node("n2").holds(vip)]);
}

async function arbitration(): Promise<void> {
  await inLab(options, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    // The witness is away from the start: nobody takes the address, however long nobody else has it.
    await lab.cut(lab.client);
    const first = await startVipd(n1, config("ping", 150));
    const second = await startVipd(n2, config("arp", 100));
    const both = [first, second];
    const lost = await Promise.all(both.map((vipd) => waitForState(vipd, "V", "FAULT")));
    for (const { reason } of lost) assert(reason.includes("witness"), reason);
    assertEquals(await holders(lab), [false, false]);
    await lab.heal(lab.client);
    await settled("V", first, [second]);

    // Only the witness tells who is cut off: that node leaves, and the other one takes over.
    await lab.cut(n1);
    const { reason } = await waitForState(first, "V", "FAULT");
    assert(reason.includes(`${witness}: no answer within`), reason);
    await waitForState(second, "V", "ACTIVE");
    await waitFor("the address to be on n2 only", async () => (await holders(lab)).join() === "false,true");
    await lab.heal(n1);
    await settled("V", first, [second]);

    // Both lose it: nobody serves, and it is the better one again when it is back.
    await lab.cut(lab.client);
    await Promise.all(both.map((vipd) => waitForState(vipd, "V", "FAULT")));
    await waitFor("nobody to have the address", async () => (await holders(lab)).join() === "false,false");
    await lab.heal(lab.client);
    await settled("V", first, [second]);
  });
}

async function write(node: Host, name: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${node.directory}/${name}.new`, text);
  await Deno.rename(`${node.directory}/${name}.new`, `${node.directory}/${name}`);
}

async function reasonOf(vipd: Vipd, name: string, state: "up" | "down"): Promise<string> {
  return (await waitFor(`${name} to be ${state}`, async () => {
    const now = await check(vipd, name);
    return now.state === state ? now : undefined;
  })).reason;
}

async function composites(): Promise<void> {
  await inLab(options, async (lab) => {
    const n1 = lab.node("n1");
    const file = (name: string): string =>
      `[check.${name}]\ntype = "file"\npath = "${n1.directory}/${name}"\ninterval = "1h"\nrise = 1\n`;
    const names = ["a", "b", "c"];
    for (const name of names) await write(n1, name, "0");
    const spec = {
      name: "V",
      vrid: 9,
      version: 3,
      priority: 100,
      intervalMs: 300,
      addresses: [`${vip}/24`],
    } as const;
    const vipd = await startVipd(
      n1,
      names.map(file).join("") + `[check.all]
type = "all_of"
checks = ["some", "c"]
[check.some]
type = "any_of"
checks = ["a", "b"]
[check.two]
type = "quorum"
checks = ["a", "b", "c"]
need = 2
` + vipdRouter({ ...spec, vipdExtra: 'track = ["all", { check = "two", weight = -40 }]' }),
    );
    await waitForState(vipd, "V", "ACTIVE");
    // Nothing is looked at for an hour: what is seen now has been told, through all levels.
    await write(n1, "a", "1");
    await reasonOf(vipd, "a", "down");
    assertEquals(await reasonOf(vipd, "some", "up"), "1 of 2 up, not a");
    await write(n1, "b", "1");
    const two = await reasonOf(vipd, "two", "down");
    assertEquals(two, `1 of 3 up, 2 needed: a: ${n1.directory}/a holds 1; b: ${n1.directory}/b holds 1`);
    const faulted = await waitForState(vipd, "V", "FAULT");
    assert(faulted.reason.includes("all: 1 of 2 up, 2 needed: some: 0 of 2 up"), faulted.reason);
    await write(n1, "a", "0");
    await waitForState(vipd, "V", "ACTIVE");
    await write(n1, "b", "0");
    await write(n1, "c", "1");
    await waitForState(vipd, "V", "FAULT");
    assertEquals((await router(vipd, "V")).effective_priority, 100);
  });
}

testTogether("trackers decide for the node", [
  { name: "two nodes with a witness: who loses it leaves, and nobody starts without it", body: arbitration },
  {
    name: "checks made of checks reach the virtual router at once, with the reasons of their members",
    body: composites,
  },
]);
