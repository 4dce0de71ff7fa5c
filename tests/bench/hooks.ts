/**
 * How soon a script runs after a promotion: from the first advertisement on the wire to its first breath.
 */
import type { RouterSpec } from "../e2e/lab/routers.ts";
import { createLab, waitFor } from "../e2e/lab.ts";
import type { Daemon } from "./daemons.ts";
import type { Record } from "./samples.ts";

/** In one round. */
const TIMES = 10;
const PATIENCE_MS = 20_000;

export async function measureHooks(daemon: Daemon, record: Record): Promise<void> {
  await using lab = await createLab({ nodes: { n1: ["192.168.121.129/24"] }, client: ["192.168.121.10/24"] });
  const node = lab.node("n1");
  // /tmp is open to everybody: neither daemon runs a script from there.
  const directory = await Deno.makeTempDir({ dir: "/run", prefix: "vipd-bench-" });
  const script = `${directory}/notify.sh`;
  await Deno.writeTextFile(script, `#!/bin/sh\ndate +%s.%N >> ${directory}/log\n`);
  await Deno.chmod(script, 0o755);
  const router: RouterSpec = {
    name: "VI_1",
    vrid: 51,
    version: 3,
    priority: 100,
    intervalMs: 100,
    addresses: ["192.168.121.120/24"],
    vipdExtra: `notify = { active = ["${script}"] }`,
    keepalivedExtra: `notify_master "${script}"`,
  };
  const sniffer = node.spawn("tcpdump", [
    "tcpdump",
    "-tt",
    "-n",
    "-l",
    "--immediate-mode",
    "-i",
    "eth0",
    "vrrp",
  ]);
  const sentMs: number[] = [];
  sniffer.onLine((line) => {
    const [, seconds] = /^(\d+\.\d+) IP .*VRRP/.exec(line) ?? [];
    if (seconds !== undefined) sentMs.push(Number(seconds) * 1000);
  });
  await waitFor("the sniffer", () => sniffer.output.includes("listening on"), PATIENCE_MS);
  try {
    for (let time = 0; time < TIMES; time++) {
      await Deno.writeTextFile(`${directory}/log`, "");
      sentMs.length = 0;
      const running = await daemon.start(node, [router]);
      const ranMs = await waitFor(
        "the script",
        async () => {
          const seconds = Number((await Deno.readTextFile(`${directory}/log`)).split("\n")[0]);
          return seconds > 0 && sentMs.length > 0 ? seconds * 1000 : undefined;
        },
        PATIENCE_MS,
        5,
      );
      record({ event: "promotion to script", timing: "", value: ranMs - sentMs[0]! });
      await running.stop();
    }
  } finally {
    await sniffer.stop();
    await Deno.remove(directory, { recursive: true });
  }
}
