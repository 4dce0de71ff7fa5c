/**
 * Two directors with direct routing, persistence and TCP checks before two nginx, as many tutorials build it:
 * a real server that dies is removed and returns, the table heals, others' services are left alone, and when
 * the active director goes, the VIP, the services and the connections in flight move to the other one.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { createLab, type Host, type Lab } from "../../lab.ts";
import { ipvsConnections, ipvsTable, sorted } from "../../lab/ipvs.ts";
import { startWhole } from "../../lab/keepalived.ts";
import { type Nginx, startNginx } from "../../lab/nginx.ts";
import { vipdRouter } from "../../lab/routers.ts";
import { settled } from "../../lab/scenario.ts";
import { reload, startVipd, type Vipd, vipdCommand } from "../../lab/vipd.ts";
import { waitFor } from "../../lab/wait.ts";
import { type Conversation, converse, PORT, startAnswering } from "../conversation.ts";
import { addressesOf, CLIENT, hits, holdQuietly, hosts, inOneWorld } from "../world.ts";

const VIP = "192.168.179.199";
const SERVERS = ["192.168.179.104", "192.168.179.99"];
/** As the tutorial calls it, whose configuration ends the scenario. */
const DEVICE = "ens32";
/** Software emulation on a busy host: what takes a second may take ten. */
const PATIENCE_MS = 120_000;

const FOREIGN = [
  "-A -t 192.168.179.102:9999 -s wlc",
  "-a -t 192.168.179.102:9999 -r 10.20.0.99:80 -m -w 7",
];

interface World {
  readonly lab: Lab;
  readonly n1: Host;
  readonly n2: Host;
  readonly nginx: Record<string, Nginx>;
  first: Vipd;
  second: Vipd;
  conversation?: Conversation;
}

function configuration(priority: number, weight = 100): string {
  const router = vipdRouter({
    name: "VI_1",
    interface: DEVICE,
    vrid: 51,
    version: 2,
    priority,
    intervalMs: 1000,
    addresses: [VIP],
    password: "1111",
  });
  const timing = `interval = "1s", timeout = "5s", retries = 1, retry_delay = "1s", warmup = "0s"`;
  const server = (port: number, extra: string): string =>
    `address = "${VIP}:${port}"\nscheduler = "rr"\nforward = "dr"\nweight = ${weight}\n${extra}
check = { type = "tcp", ${timing} }
real_server = [${SERVERS.map((one) => `{ address = "${one}:${port}" }`).join(", ")}]\n`;
  return `[balance]\nsync = { virtual_router = "VI_1" }\n${router}
[virtual_server.web]\n${server(80, 'persistence = "60s"')}
[virtual_server.lines]\n${server(PORT, "")}`;
}

/** The kernel's table when these real servers are in it. */
function table(web: readonly string[], weight = 100, foreign: readonly string[] = []): string[] {
  const service = (port: number, options: string, servers: readonly string[]): string[] => [
    `-A -t ${VIP}:${port} -s rr${options}`,
    ...servers.map((one) => `-a -t ${VIP}:${port} -r ${one}:${port} -g -w ${weight}`),
  ];
  return sorted([...service(80, " -p 60", web), ...service(PORT, "", SERVERS), ...foreign].join("\n"));
}

async function tableBecomes(director: Host, expected: readonly string[]): Promise<void> {
  const equal = async (): Promise<boolean> => (await ipvsTable(director)).join("\n") === expected.join("\n");
  await waitFor("the table", equal, PATIENCE_MS, 500).catch(async () =>
    assertEquals(await ipvsTable(director), expected, director.name)
  );
}

async function open(): Promise<World> {
  const lab = await createLab({
    ...hosts({ n1: addressesOf(102, 1), n2: addressesOf(103, 2) }),
    interface: DEVICE,
  });
  const [n1, n2, rs1, rs2] = [lab.node("n1"), lab.node("n2"), lab.node("rs1"), lab.node("rs2")];
  // One real server is made ready by hand, the other by vipd.
  await holdQuietly(rs2, [`${VIP}/32`]);
  const [nginx1, nginx2] = await Promise.all([startNginx(rs1), startNginx(rs2)]);
  startAnswering(rs1);
  startAnswering(rs2);
  await startVipd(rs1, `[direct_routing.web]\naddresses = ["${VIP}"]\n`);
  await waitFor("the VIP on rs1", () => rs1.holds(VIP), PATIENCE_MS);
  await n1.exec(["ipvsadm", "-R"], { stdin: FOREIGN.join("\n") + "\n" });
  const first = await startVipd(n1, configuration(100));
  const second = await startVipd(n2, configuration(50));
  return { lab, n1, n2, first, second, nginx: { rs1: nginx1, rs2: nginx2 } };
}

/** Which sync daemon the kernel of a director runs. */
async function syncRoles(director: Host): Promise<string> {
  const text = await director.exec(["ipvsadm", "-L", "--daemon"]);
  return [...text.matchAll(/^(master|backup) sync daemon \(.*mcast=(\w+), syncid=(\d+)/gm)]
    .map(([, role, device, id]) => `${role} ${device} ${id}`).join(", ");
}

async function rolesBecome(world: World, first: string, second: string): Promise<void> {
  const roles = async (): Promise<string> => `${await syncRoles(world.n1)}; ${await syncRoles(world.n2)}`;
  await waitFor(
    `roles ${first}; ${second}`,
    async () => (await roles()) === `${first}; ${second}`,
    PATIENCE_MS,
    250,
  );
}

/** Who answers the client; persistence: one and the same each time. */
async function server(lab: Lab): Promise<string> {
  const [only, ...others] = Object.entries(await hits(lab, VIP, 4));
  assertEquals([only?.[1], others], [4, []], "all requests of a client go to one server");
  return only?.[0] ?? "";
}

const addressOf = (name: string): string => name === "rs1" ? "192.168.179.99" : "192.168.179.104";

export const directors = inOneWorld(open, {
  "both directors are prepared, the active one serves": async (world) => {
    await settled("VI_1", world.first, [world.second], PATIENCE_MS);
    await tableBecomes(world.n1, table(SERVERS, 100, FOREIGN));
    await tableBecomes(world.n2, table(SERVERS));
    await rolesBecome(world, `master ${DEVICE} 51`, `backup ${DEVICE} 51`);
    assertMatch(await server(world.lab), /^rs[12]$/);
  },

  "an nginx that dies is removed, its clients are served, and it returns": async (world) => {
    const { lab, n1, n2, nginx } = world;
    const victim = await server(lab);
    await nginx[victim]?.kill();
    const rest = SERVERS.filter((one) => one !== addressOf(victim));
    await Promise.all([tableBecomes(n1, table(rest, 100, FOREIGN)), tableBecomes(n2, table(rest))]);
    assertEquals(await server(lab), victim === "rs1" ? "rs2" : "rs1");
    nginx[victim] = await startNginx(lab.node(victim));
    await Promise.all([tableBecomes(n1, table(SERVERS, 100, FOREIGN)), tableBecomes(n2, table(SERVERS))]);
  },

  "a table that somebody clears heals, and the log says so": async ({ n1, first, lab }) => {
    const before = first.child.output.length;
    await n1.exec(["ipvsadm", "-C"]);
    await tableBecomes(n1, table(SERVERS));
    const told = (): boolean => /healed .*service was missing/.test(first.child.output.slice(before));
    await waitFor("the log's word", told, PATIENCE_MS);
    await server(lab);
  },

  "a reload changes weights where they are, and not what others made": async ({ n1, first }) => {
    await n1.exec(["ipvsadm", "-R"], { stdin: FOREIGN.join("\n") + "\n" });
    await reload(first, configuration(100, 50));
    await tableBecomes(n1, table(SERVERS, 50, FOREIGN));
    await reload(first, configuration(100));
    await tableBecomes(n1, table(SERVERS, 100, FOREIGN));
  },

  "the other director knows of a connection in flight": async (world) => {
    const { lab, n2 } = world;
    const conversation = world.conversation = await converse(lab.client, `${VIP}:${PORT}`, 40_000);
    const name = await conversation.say("hello");
    let words = 0;
    const entry = `ESTABLISHED ${CLIENT}:40000 ${VIP}:${PORT} ${addressOf(name)}:${PORT}`;
    await waitFor(
      "its entry on n2",
      async () => {
        assertEquals(await conversation.say(`word${words++}`), name);
        return (await ipvsConnections(n2)).some((line) => line.includes(entry));
      },
      PATIENCE_MS,
      1000,
    );
  },

  "the active director ends: VIP, services and the connection in flight move": async (world) => {
    const { lab, n1, n2, first, conversation } = world;
    const name = await conversation?.say("before");
    assertEquals((await first.child.stop("SIGTERM", PATIENCE_MS)).code, 0);
    await waitFor("the VIP on n2", () => n2.holds(VIP), PATIENCE_MS);
    assertEquals(await n1.holds(VIP), false);
    assertEquals(await ipvsTable(n1), sorted(FOREIGN.join("\n")), "only its own services are gone");
    await rolesBecome(world, "", `master ${DEVICE} 51`);
    assertEquals(await conversation?.say("after"), name);
    // By the same server as before only if the kernels had told each other of it by then.
    assertMatch(await server(lab), /^rs[12]$/);
  },

  "it returns and takes them back": async (world) => {
    const { lab, n1, conversation } = world;
    const name = await conversation?.say("waiting");
    world.first = await startVipd(n1, configuration(100));
    await settled("VI_1", world.first, [world.second], PATIENCE_MS);
    await rolesBecome(world, `master ${DEVICE} 51`, `backup ${DEVICE} 51`);
    await tableBecomes(n1, table(SERVERS, 100, FOREIGN));
    assertEquals(await conversation?.say("back"), name);
    await server(lab);
  },

  "a tutorial's own keepalived.conf, converted: one service, both real servers": async (world) => {
    const { lab, n1, n2 } = world;
    for (const { child } of [world.first, world.second]) await child.stop("SIGTERM", PATIENCE_MS);
    const [first, second] = await Promise.all([startConverted(n1), startConverted(n2)]);
    [world.first, world.second] = [first, second];
    await settled("VI_1", first, [second], PATIENCE_MS);
    await tableBecomes(n1, tutorialTable(SERVERS, FOREIGN));
    await tableBecomes(n2, tutorialTable(SERVERS));
    assertMatch(await server(lab), /^rs[12]$/);
  },

  "as it shows: an nginx is killed, removed by both, and taken back": async (world) => {
    const { lab, n1, n2, nginx } = world;
    const victim = await server(lab);
    await nginx[victim]?.kill();
    const rest = SERVERS.filter((one) => one !== addressOf(victim));
    await Promise.all([
      tableBecomes(n1, tutorialTable(rest, FOREIGN)),
      tableBecomes(n2, tutorialTable(rest)),
    ]);
    assertEquals(await server(lab), victim === "rs1" ? "rs2" : "rs1");
    nginx[victim] = await startNginx(lab.node(victim));
    await Promise.all([
      tableBecomes(n1, tutorialTable(SERVERS, FOREIGN)),
      tableBecomes(n2, tutorialTable(SERVERS)),
    ]);
  },

  "as it shows: the master is stopped, the backup serves; keepalived beside it fills the same table": async (
    world,
  ) => {
    const { lab, n1, n2, first } = world;
    await first.child.stop("SIGTERM", PATIENCE_MS);
    await waitFor("the VIP on n2", () => n2.holds(VIP), PATIENCE_MS);
    assertEquals(await ipvsTable(n1), sorted(FOREIGN.join("\n")));
    await server(lab);
    const keepalived = await startWhole(n1, await tutorial(n1));
    await waitFor("the VIP on n1", async () => await n1.holds(VIP) && !(await n2.holds(VIP)), PATIENCE_MS);
    await tableBecomes(n1, tutorialTable(SERVERS, FOREIGN));
    await server(lab);
    await keepalived.stop();
    await waitFor("the VIP on n2 again", () => n2.holds(VIP), PATIENCE_MS);
  },
});

/** The configuration that a tutorial gives to this director. */
function tutorial({ name }: Host): Promise<string> {
  return Deno.readTextFile(`/job/tutorials/lvs_director_pair/${name}.conf`);
}

async function startConverted(director: Host): Promise<Vipd> {
  const file = `/job/tutorials/lvs_director_pair/${director.name}.conf`;
  return startVipd(director, await director.exec([...vipdCommand(), "convert", file]));
}

function tutorialTable(web: readonly string[], foreign: readonly string[] = []): string[] {
  const servers = web.map((one) => `-a -t ${VIP}:80 -r ${one}:80 -g -w 100`);
  return sorted([`-A -t ${VIP}:80 -s rr -p 60`, ...servers, ...foreign].join("\n"));
}
