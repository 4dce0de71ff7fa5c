/**
 * A lab with a daemon on every node, three virtual routers each (one of every timing), and the client's
 * view of one event.
 */
import type { Child } from "../e2e/lab/child.ts";
import { run } from "../e2e/lab/command.ts";
import { type Nginx, startNginx } from "../e2e/lab/nginx.ts";
import { type Outage, startEcho } from "../e2e/lab/probe.ts";
import { createLab, type Host, type Lab, sleep, waitFor } from "../e2e/lab.ts";
import { advertsOf, captureAdverts } from "./adverts.ts";
import { browsingClient, type Client, darkMs, pingingClient, sweepingClient } from "./client.ts";
import type { BenchRouter, Daemon, Running } from "./daemons.ts";
import { epochMs, Holders } from "./holders.ts";
import type { Record } from "./samples.ts";
import { type Timing, TIMINGS } from "./timings.ts";

/** No outage is watched for longer than this: one that lasts counts as long as it was seen. */
const PATIENCE_MS = 9_000;
const FIRST_ANSWER_MS = 6_000;
/** What comes late, such as a second round of announcements, has to show too. */
const AFTERMATH_MS = 1_500;
/** HTTP connections to each address; the fastest routers need the finest look. */
const BROWSE_US = { slow: 3_000, fast: 2_000 } as const;
const FAST_MS = 10;

/** A node and the daemon that runs on it now. */
export class Station {
  #running: Running | undefined;

  constructor(readonly host: Host, readonly daemon: Daemon, readonly routers: readonly BenchRouter[]) {}

  get running(): Running {
    if (this.#running === undefined) throw new Error(`No daemon runs on ${this.host.name}`);
    return this.#running;
  }

  async start(): Promise<void> {
    this.#running = await this.daemon.start(this.host, this.routers);
  }

  async stop(): Promise<void> {
    await this.running.stop();
    this.#running = undefined;
  }

  async kill(): Promise<void> {
    await this.running.kill();
    this.#running = undefined;
  }

  async crash(): Promise<void> {
    this.#running = await this.daemon.crash(this.running, this.host, this.routers);
  }

  async upgrade(): Promise<void> {
    this.#running = await this.daemon.upgrade(this.running, this.host, this.routers);
  }

  /** What a dead host takes with it, all at once. */
  async removeAddresses(): Promise<void> {
    const { host, routers } = this;
    const commands = routers.flatMap(({ addresses, virtualMac, vrid }) => {
      const device = virtualMac === true ? `vrrp.${vrid}` : host.iface;
      return addresses.map((address) =>
        `address delete ${address}/${address.includes(":") ? 128 : 32} dev ${device}`
      );
    });
    // -force: it goes on where one is not there.
    await run(["ip", "-n", host.namespace, "-force", "-batch", "-"], {
      stdin: commands.join("\n") + "\n",
      mayFail: true,
    });
  }
}

/** A virtual address that the client looks at. */
export interface Target {
  readonly timing: Timing;
  readonly address: string;
  /** What distinguishes it from another one of its timing. */
  readonly kind?: string;
}

export interface Scene {
  readonly lab: Lab;
  readonly stations: Readonly<{ [node: string]: Station }>;
  /** The web server of each node. */
  readonly servers: { [node: string]: Nginx };
  /** The UDP echo server of each node. */
  readonly echoes: { [node: string]: Child };
  readonly holders: Holders;
  readonly targets: readonly Target[];
}

export interface Event {
  readonly name: string;
  /** Does it; returns the moment (ms since the epoch) from which darkness counts, if not the start. */
  act(scene: Scene): Promise<number | void>;
  /** When it is over. */
  over(scene: Scene, client: Client): boolean;
  /** What the client does; "ping" unless said. */
  readonly client?: "ping" | "browse" | "sweep";
  limitMs?(timing: Timing): number;
  goalMs?(timing: Timing): number;
  /** The first node falls silent: also tells how long after its last advertisement the address answers. */
  readonly isSilence?: boolean;
  /** Also tells the darkness with what came before the moment from which it counts. */
  readonly alsoBefore?: boolean;
  /** Only prepares the next one. */
  readonly silent?: boolean;
}

export interface Cast {
  /** Node -> its daemon and priority, the first one the best. */
  readonly nodes: Readonly<{ [node: string]: { readonly daemon: Daemon; readonly priority: number } }>;
  readonly targets: readonly Target[];
  /** More to say of the virtual router of a target. */
  readonly extend?: (basic: BenchRouter, target: Target, node: Host) => BenchRouter;
}

/** Builds the scene, waits until the first node serves everything, and takes all down in the end. */
export async function withScene(cast: Cast, body: (scene: Scene) => Promise<void>): Promise<void> {
  const { targets, extend = (basic) => basic } = cast;
  await using lab = await createLab(labOptions(Object.keys(cast.nodes), familyOf(targets)));
  const hosts = Object.values(lab.nodes);
  await using holders = await Holders.watch(hosts);
  const stations: { [node: string]: Station } = {};
  const servers: { [node: string]: Nginx } = {};
  const echoes: { [node: string]: Child } = {};
  for (const host of hosts) {
    echoes[host.name] = await startEcho(host);
    servers[host.name] = await startNginx(host, processName(host));
    const { daemon, priority } = cast.nodes[host.name]!;
    const routers = targets.map((target, index) =>
      extend(basicRouter(target, index, priority), target, host)
    );
    const station = new Station(host, daemon, routers);
    stations[host.name] = station;
    await station.start();
  }
  const scene = { lab, stations, servers, echoes, holders, targets };
  try {
    await waitFor("the first node to serve", () => servedBy(scene, hosts[0]!.name), 15_000);
    await body(scene);
  } catch (error) {
    throw new Error(`${String(error)}\n${lab.logs().slice(-4_000)}`, { cause: error });
  }
}

/** One event as the client sees it, recorded for every target. */
export async function measure(scene: Scene, event: Event, record: Record): Promise<void> {
  if (event.isSilence === true) return await measureSilence(scene, event, record);
  const seen = await watch(scene, event);
  if (event.silent === true) return;
  tell(scene, event, darknessOf(seen), record);
  if (event.alsoBefore !== true) return;
  const { goalMs: _, ...whole } = { ...event, name: `${event.name}, from the first direction on` };
  tell(scene, whole, seen.map(({ outages }) => darkMs(outages)), record);
}

/** The client's outage depends on how long ago the last advertisement was; the time since then does not. */
async function measureSilence(scene: Scene, event: Event, record: Record): Promise<void> {
  const [first = "", second = ""] = Object.keys(scene.stations);
  const wire = await captureAdverts(scene.lab.bridge, second);
  const seen = await watch(scene, event);
  const adverts = await advertsOf(wire);
  tell(scene, event, darknessOf(seen), record);
  const sinceMs = seen.map(({ outages }, index) => {
    const router = nodeOf(scene, first).routers[index];
    const longest = outages.toSorted((a, b) => b.length_ms - a.length_ms)[0];
    if (longest === undefined || router === undefined) return NaN;
    const last = adverts.findLast(({ vrid, priority, atMs }) =>
      vrid === router.vrid && priority === router.priority && atMs < longest.start_ms + longest.length_ms
    );
    return longest.start_ms + longest.length_ms - (last?.atMs ?? NaN);
  });
  tell(scene, { ...event, name: `${event.name}, since the last advertisement` }, sinceMs, record);
}

function tell({ targets }: Scene, event: Event, values: readonly number[], record: Record): void {
  targets.forEach(({ timing, kind }, index) =>
    record({
      event: kind === undefined ? event.name : `${event.name}, ${kind}`,
      timing: timing.name,
      value: values[index] ?? NaN,
      limit: event.limitMs?.(timing),
      goal: event.goalMs?.(timing),
    })
  );
}

/** What the client saw of a target, and from which moment on it counts. */
interface Seen {
  readonly outages: readonly Outage[];
  readonly fromMs: number;
}

export function darknessOf(seen: readonly Seen[]): number[] {
  return seen.map(({ outages, fromMs }) => darkMs(outages, fromMs));
}

/** The event under the client's eyes: what it saw of each target. */
export async function watch(scene: Scene, event: Event): Promise<Seen[]> {
  const client = await clientOf(scene, event);
  // A random phase of every advertisement interval.
  await sleep(200 + Math.random() * 1_000);
  const fromMs = await event.act(scene);
  const isOver = await waitFor(event.name, () => event.over(scene, client), PATIENCE_MS, 5).catch(() =>
    false
  );
  await sleep(AFTERMATH_MS);
  const outages = await client.stop();
  if (isOver === false) await relearn(scene, event);
  return outages.map((list) => ({ outages: list, fromMs: fromMs ?? 0 }));
}

/** A client of everything, when each address has answered it once. */
async function clientOf(scene: Scene, event: Event): Promise<Client> {
  const client = await newClient(scene, event);
  try {
    await waitFor("the first answers", () => client.isAnswered(), FIRST_ANSWER_MS, 5);
  } catch {
    // A false failover in between may have left it with a wrong neighbour.
    await scene.lab.client.ip("neigh", "flush", "all");
    await waitFor(`the first answers before ${event.name}`, () => client.isAnswered(), PATIENCE_MS, 5);
  }
  return client;
}

function newClient({ lab, targets }: Scene, { client = "ping" }: Event): Promise<Client> {
  const addresses = targets.map(({ address }) => address);
  if (client === "ping") return pingingClient(lab.client, addresses);
  if (client === "sweep") return sweepingClient(lab.client, addresses);
  const everyUs = ({ timing }: Target): number =>
    timing.intervalMs <= FAST_MS ? BROWSE_US.fast : BROWSE_US.slow;
  return browsingClient(lab.client, targets.map((target) => ({ ...target, everyUs: everyUs(target) })));
}

/** The client was left with a wrong neighbour: it forgets what it knows, so that the next event can begin. */
async function relearn(scene: Scene, event: Event): Promise<void> {
  await scene.lab.client.ip("neigh", "flush", "all");
  const client = await clientOf(scene, event);
  await waitFor(`${event.name} to end at all`, () => event.over(scene, client), PATIENCE_MS);
  await client.stop();
}

/** This node alone holds all addresses. */
export function servedBy({ holders, targets }: Scene, node: string): boolean {
  return targets.every(({ address }) => holders.of(address).join() === node);
}

/** This node, whether or not others do too, holds all addresses. */
export function heldBy({ holders, targets }: Scene, node: string): boolean {
  return targets.every(({ address }) => holders.of(address).includes(node));
}

export function nodeOf({ stations }: Scene, name: string): Station {
  const station = stations[name];
  if (station === undefined) throw new Error(`The scene has no node "${name}"`);
  return station;
}

/** Now, as the moment from which darkness counts. */
export { epochMs as now };

/** Master and workers of the node's nginx die on the spot; resolves with the moment. */
export function killServer({ servers }: Scene, node: string): Promise<number> {
  return servers[node]!.kill();
}

export async function startServer({ lab, servers }: Scene, node: string): Promise<void> {
  servers[node] = await startNginx(lab.node(node), processName(lab.node(node)));
}

export function trackedNginx(node: Host): { readonly pidFile: string; readonly processName: string } {
  return { pidFile: `${node.directory}/nginx/nginx.pid`, processName: processName(node) };
}

/** Who tracks processes by name sees those of every namespace: each nginx has a name, of 15 bytes at most. */
function processName({ namespace, name }: Host): string {
  return `nginx-${namespace.split("-").at(-2)?.slice(-5)}-${name}`;
}

/** One address for each timing. */
export function targetsOf(family: 4 | 6, timings: readonly Timing[] = TIMINGS): Target[] {
  return timings.map((timing, index) => ({
    timing,
    address: family === 4 ? `192.168.121.${101 + index}` : `fd00:121::${101 + index}`,
  }));
}

function basicRouter({ timing, address }: Target, index: number, priority: number): BenchRouter {
  const { version, intervalMs } = timing;
  const linkLocal = address.includes(":") ? [`fe80::${address.split("::")[1]}`] : [];
  return {
    name: `VI_${index + 1}`,
    vrid: index + 1,
    version,
    intervalMs,
    priority,
    addresses: [...linkLocal, address],
  };
}

function familyOf([first]: readonly Target[]): 4 | 6 {
  return first?.address.includes(":") ? 6 : 4;
}

function labOptions(names: readonly string[], family: 4 | 6): Parameters<typeof createLab>[0] {
  const own = (last: number): string[] =>
    family === 4 ? [`192.168.121.${last}/16`] : [`fd00:121::${last}/64`];
  return {
    // The better one has the higher address, so that nothing hangs on a tie.
    nodes: Object.fromEntries(names.map((name, index) => [name, own(129 - index)])),
    client: own(10),
  };
}
