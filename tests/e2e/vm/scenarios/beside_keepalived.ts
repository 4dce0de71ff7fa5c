/**
 * vipd and keepalived with the same virtual servers and the same real servers: whatever happens to these,
 * both fill the kernel's table alike, to the letter.
 */
import { assertEquals } from "@std/assert";
import { createLab, type Host, type Lab } from "../../lab.ts";
import type { Child } from "../../lab/child.ts";
import { ipvsTable } from "../../lab/ipvs.ts";
import { reloadKeepalived, startCheckers } from "../../lab/keepalived.ts";
import { type Nginx, startNginx } from "../../lab/nginx.ts";
import { reload, startVipd, type Vipd } from "../../lab/vipd.ts";
import { sleep } from "../../lab/wait.ts";
import {
  type BalancerSpec,
  keepalivedBalancers,
  PAGE,
  type ServerSpec,
  vipdBalancers,
  weighing,
} from "../balancers.ts";
import { addressesOf, hosts, inOneWorld } from "../world.ts";

const VIP = "192.168.179.199";
const RS1 = "10.20.0.99:80";
const SORRY = "10.20.0.1:8080";
const RS2 = "10.20.0.104:80";
/** In a directory that only root may write to, as vipd demands of programs that it runs. */
const WEIGHING = "/etc/weigh";
const PATIENCE_MS = 120_000;
const POLL_MS = 1000;
/** Both tables are the same and have not changed for so long: a check's interval and its retry, and more. */
const SETTLED_MS = 2500;

function pair(first = 1, second = first, one: Partial<ServerSpec> = {}): ServerSpec[] {
  return [{ address: RS1, weight: first, ...one }, { address: RS2, weight: second, ...one }];
}

/** What a service is called and has besides address and servers, for either daemon. */
type Row = readonly [name: string, vipd: string, keepalived: string, servers: readonly ServerSpec[]];

const ROWS: readonly Row[] = [
  ["plain", 'scheduler = "rr"', "lb_algo rr", pair()],
  ["weighted", 'scheduler = "wrr"', "lb_algo wrr", pair(10, 20)],
  [
    "sticky",
    'scheduler = "rr"\npersistence = "60s"\npersistence_granularity = "255.255.255.0"',
    "lb_algo rr\npersistence_timeout 60\npersistence_granularity 255.255.255.0",
    pair(100),
  ],
  [
    "quiesced",
    'scheduler = "wlc"\non_failure = "quiesce"',
    "lb_algo wlc",
    pair(5, 7, { keepalived: "inhibit_on_failure" }),
  ],
  [
    "quorum",
    'scheduler = "rr"\nquorum = 2\nsorry_server = "10.20.0.1:8080"',
    "lb_algo rr\nquorum 2\nsorry_server 10.20.0.1 8080",
    pair(),
  ],
  [
    "hysteresis",
    'scheduler = "rr"\nquorum = 10\nhysteresis = 5\nsorry_server = "10.20.0.1:8080"',
    "lb_algo rr\nquorum 10\nhysteresis 5\nsorry_server 10.20.0.1 8080",
    pair(10),
  ],
  [
    "sorry_stays",
    'scheduler = "rr"\nsorry_server = { address = "10.20.0.1:8080", on_failure = "quiesce" }',
    "lb_algo rr\nsorry_server 10.20.0.1 8080\nsorry_server_inhibit",
    pair(),
  ],
  [
    "quiesced_sorry",
    'scheduler = "rr"\nquorum = 2\non_failure = "quiesce"\nsorry_server = "10.20.0.1:8080"',
    "lb_algo rr\nquorum 2\nsorry_server 10.20.0.1 8080",
    pair(1, 1, { keepalived: "inhibit_on_failure" }),
  ],
  ["weightless", 'scheduler = "rr"', "lb_algo rr", [...pair(0, 1)]],
  ["direct", 'scheduler = "sh"\nforward = "dr"', "lb_algo sh\nlb_kind DR", [
    { address: "192.168.179.99:80", weight: 1 },
    { address: "192.168.179.104:80", weight: 1 },
  ]],
];

function specs(changed: boolean): BalancerSpec[] {
  const rows = ROWS.map(([name, vipd, keepalived, servers], index): BalancerSpec => {
    const port = name === "direct" ? 80 : 8001 + index;
    return {
      name,
      vipd: `address = "${VIP}:${port}"\n${vipd}`,
      keepalived: [`${VIP} ${port}`, keepalived],
      servers: changed ? servers.map((one) => ({ ...one, weight: one.weight + 1 })) : servers,
    };
  });
  const alpha: BalancerSpec = {
    name: "unseen",
    vipd: `address = "${VIP}:9001"\nscheduler = "rr"\ninitial = "down"\nsorry_server = "10.20.0.1:8080"`,
    keepalived: [`${VIP} 9001`, "lb_algo rr\nalpha\nsorry_server 10.20.0.1 8080"],
    // Nobody listens there.
    servers: [...pair(), { address: "10.20.0.99:81", weight: 1 }],
    check: PAGE,
  };
  const weighed: BalancerSpec = {
    name: "weighed",
    vipd: `address = "${VIP}:9002"\nscheduler = "wlc"`,
    keepalived: [`${VIP} 9002`, "lb_algo wlc"],
    servers: pair(40),
    check: weighing(WEIGHING),
  };
  const unchecked: BalancerSpec = {
    name: "unchecked",
    vipd: `fwmark = 7\nscheduler = "${changed ? "lc" : "rr"}"`,
    keepalived: ["fwmark 7", `lb_algo ${changed ? "lc" : "rr"}`],
    servers: changed ? pair().slice(1) : pair(),
    check: null,
  };
  // What a reload brings, and what it takes.
  return changed ? [...rows.slice(1), alpha, unchecked] : [...rows, weighed, unchecked];
}

interface World {
  readonly lab: Lab;
  readonly n1: Host;
  readonly n2: Host;
  readonly nginx: Nginx[];
  readonly vipd: Vipd;
  readonly keepalived: Child;
}

async function open(): Promise<World> {
  const lab = await createLab(hosts({ n1: addressesOf(102, 1), n2: addressesOf(103, 2) }));
  await weigh(0);
  const nginx = await Promise.all([startNginx(lab.node("rs1")), startNginx(lab.node("rs2"))]);
  const [n1, n2] = [lab.node("n1"), lab.node("n2")];
  const keepalived = await startCheckers(n2, keepalivedBalancers(specs(false)));
  const vipd = await startVipd(n1, vipdBalancers(specs(false)));
  return { lab, n1, n2, nginx, vipd, keepalived };
}

async function weigh(exit: number): Promise<void> {
  await Deno.writeTextFile(`${WEIGHING}.new`, `#!/bin/sh\nexit ${exit}\n`, { mode: 0o755 });
  await Deno.rename(`${WEIGHING}.new`, WEIGHING);
}

/**
 * Without sorry servers of weight 0: keepalived has one that it is told to quiesce in the table from the
 * start, vipd from when it has served.
 */
function withoutIdle(table: readonly string[]): string[] {
  return table.filter((line) => !line.endsWith(`-r ${SORRY} -m -w 0`));
}

/**
 * Waits until keepalived's table has what the event must bring there and vipd's is the same, and both have
 * stayed so.
 */
async function alike({ n1, n2 }: World, happened: (table: string) => boolean): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  let last = "";
  let sinceMs = performance.now();
  for (;;) {
    const [ours, theirs] = [withoutIdle(await ipvsTable(n1)), withoutIdle(await ipvsTable(n2))];
    const now = [...ours, "", ...theirs].join("\n");
    if (now !== last) sinceMs = performance.now();
    last = now;
    const good = ours.join("\n") === theirs.join("\n") && happened(theirs.join("\n"));
    if (good && performance.now() - sinceMs > SETTLED_MS) return;
    if (performance.now() > deadlineMs) {
      assertEquals(ours, theirs, "vipd's table is not keepalived's");
      throw new Error(`It did not happen in keepalived's table:\n${theirs.join("\n")}`);
    }
    await sleep(POLL_MS);
  }
}

const plain = (server: string) => (table: string): boolean =>
  table.includes(`-a -t ${VIP}:8001 -r ${server} -m -w 1`);
const both = (table: string): boolean => plain(RS1)(table) && plain(RS2)(table);

export const besideKeepalived = inOneWorld(open, {
  "after the start": async (world) => {
    await alike(world, both);
  },
  "a real server dies": async (world) => {
    await world.nginx[0]?.kill();
    await alike(world, (table) => !plain(RS1)(table) && plain(RS2)(table));
  },
  "it returns": async (world) => {
    world.nginx[0] = await startNginx(world.lab.node("rs1"));
    await alike(world, both);
  },
  "all die": async (world) => {
    await Promise.all(world.nginx.map((nginx) => nginx.kill()));
    await alike(world, (table) => !plain(RS1)(table) && !plain(RS2)(table));
  },
  "one returns": async (world) => {
    world.nginx[1] = await startNginx(world.lab.node("rs2"));
    await alike(world, (table) => !plain(RS1)(table) && plain(RS2)(table));
  },
  "all are back": async (world) => {
    world.nginx[0] = await startNginx(world.lab.node("rs1"));
    await alike(world, both);
  },
  "a program changes weights, fails, and is content again": async (world) => {
    const weight = (weight: string) => (table: string): boolean =>
      table.includes(`-a -t ${VIP}:9002 -r ${RS1} -m -w ${weight}`);
    await weigh(12);
    await alike(world, weight("10"));
    await weigh(1);
    await alike(world, (table) => !weight("")(table));
    await weigh(0);
    await alike(world, weight("40"));
  },
  "a reload changes, adds and removes": async (world) => {
    const { n2, vipd, keepalived } = world;
    await Promise.all([
      reload(vipd, vipdBalancers(specs(true))),
      reloadKeepalived(n2, keepalived, keepalivedBalancers(specs(true))),
    ]);
    await alike(
      world,
      (table) => !table.includes(`${VIP}:8001 `) && table.includes(`-A -t ${VIP}:9001 -s rr`),
    );
  },
  "an orderly end": async (world) => {
    await Promise.all([
      world.vipd.child.stop("SIGTERM", PATIENCE_MS),
      world.keepalived.stop("SIGTERM", PATIENCE_MS),
    ]);
    assertEquals(await Promise.all([ipvsTable(world.n1), ipvsTable(world.n2)]), [[], []]);
  },
});
