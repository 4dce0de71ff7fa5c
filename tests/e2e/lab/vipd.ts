/** vipd on a node: the compiled binary as an operator runs it, read through its own API. */
import { type CheckStatus, Snapshot, type VirtualRouterStatus } from "../../../mod/snapshot.ts";
import type { Child } from "./child.ts";
import type { Host } from "../lab.ts";
import { PATIENCE_MS, waitFor } from "./wait.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const READY_TIMEOUT_MS = 120_000;

export interface Vipd {
  readonly node: Host;
  readonly child: Child;
  readonly configFile: string;
  readonly socket: string;
}

/**
 * Starts vipd with this configuration (an [api] on a unix socket is added unless it has one) and waits until
 * it is ready.
 */
export async function startVipd(node: Host, toml: string): Promise<Vipd> {
  const vipd = await launchVipd(node, toml);
  const ready = async (): Promise<boolean> => {
    return !vipd.child.running || (await status(vipd)).node.engine === "running";
  };
  await waitFor(`vipd of ${node.name} to be ready`, ready, READY_TIMEOUT_MS, 5);
  if (!vipd.child.running) throw new Error(`vipd of ${node.name} ended:\n${vipd.child.output}`);
  return vipd;
}

/** Starts vipd and does not wait. */
export async function launchVipd(node: Host, toml: string): Promise<Vipd> {
  const directory = `${node.directory}/vipd`;
  await Deno.mkdir(directory, { recursive: true });
  const socket = `${directory}/vipd.sock`;
  const configFile = `${directory}/vipd.toml`;
  await writeConfig(configFile, socket, node.name, toml);
  const child = node.spawn("vipd", [...vipdCommand(), "run", "--config", configFile], { NO_COLOR: "1" });
  return { node, child, configFile, socket };
}

/** VIPD_BIN, or ./vipd as `deno task compile` leaves it. */
export function vipdCommand(): string[] {
  return [Deno.env.get("VIPD_BIN") ?? `${ROOT}vipd`];
}

/** Replaces the configuration file and tells vipd to reload it. */
export async function reload({ node, child, configFile, socket }: Vipd, toml: string): Promise<void> {
  await writeConfig(configFile, socket, node.name, toml);
  child.signal("SIGHUP");
}

/** The whole snapshot; parsing it holds the published contract to account each time. */
export async function status({ socket }: Vipd): Promise<Snapshot> {
  return Snapshot.parse(await (await request(socket, "/status")).json());
}

export async function router(vipd: Vipd, name: string): Promise<VirtualRouterStatus> {
  const found = (await status(vipd)).virtual_routers.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`vipd of ${vipd.node.name} has no virtual router "${name}"`);
  return found;
}

export async function check(vipd: Vipd, name: string): Promise<CheckStatus> {
  const found = (await status(vipd)).checks.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`vipd of ${vipd.node.name} has no check "${name}"`);
  return found;
}

export async function waitForState(
  vipd: Vipd,
  name: string,
  state: string,
  timeoutMs = PATIENCE_MS,
): Promise<VirtualRouterStatus> {
  return await waitFor(`${name} of ${vipd.node.name} to be ${state}`, async () => {
    const now = await router(vipd, name);
    return now.state === state ? now : undefined;
  }, timeoutMs);
}

/**
 * One request over a unix socket: filesystem sockets know no network namespace, so it need not run inside the
 * node.
 */
export async function request(socket: string, path: string, init: RequestInit = {}): Promise<Response> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const response = await fetch(`http://vipd${path}`, { ...init, client });
  // Read to the end before the client closes its connections.
  const body = await response.arrayBuffer();
  return new Response(body, { status: response.status, headers: response.headers });
}

async function writeConfig(file: string, socket: string, name: string, toml: string): Promise<void> {
  // What is ordered with --persist must not reach another node of the lab, nor this host.
  const state = `state_file = "${file.replace(/[^/]*$/, "state.json")}"`;
  const ofNode = /^state_file = /m.test(toml) ? "" : `${state}\n`;
  const hasNode = /^\[node\]\n/m.test(toml);
  const parts = [hasNode ? toml.replace(/^\[node\]\n/m, `[node]\n${ofNode}`) : toml];
  if (!/^\[api\]/m.test(toml)) parts.push(`[api]\nlisten = ["unix:${socket}"]`);
  if (!hasNode) parts.push(`[node]\nname = "${name}"\n${state}`);
  // Whole or not at all: an earlier reload may be reading it.
  await Deno.writeTextFile(`${file}.new`, parts.join("\n\n") + "\n");
  await Deno.rename(`${file}.new`, file);
}
