/** One node of the demo: its vipd, its web server, and what both its daemon and its kernel say about it. */
import { type ApiClient, bodyOf, ClientError, connectApi, parseSnapshot } from "../cli/client.ts";
import type { Io } from "../cli/io.ts";
import { formatDuration } from "../config/duration.ts";
import { Child } from "./child.ts";
import type { Lab } from "./lab.ts";
import { INTERFACE, type NodeName, PORT, PREFIX, PRIORITIES, ROUTER, VIRTUAL_ADDRESS } from "./plan.ts";
import { ROLE_OPTION } from "./roles.ts";
import type { NodeScene } from "./scene.ts";

const VRID = 51;

export interface Surroundings {
  readonly lab: Lab;
  readonly io: Io;
  /** For configuration files and API sockets. */
  readonly directory: string;
  readonly intervalMs: number;
}

export class Node {
  readonly name: NodeName;
  readonly #around: Surroundings;
  readonly #socket: string;
  #daemon: Child | null = null;
  #web: Child | null = null;
  #api: ApiClient | null = null;
  #plugged = true;
  #forwarded = true;

  constructor(name: NodeName, around: Surroundings) {
    this.name = name;
    this.#around = around;
    this.#socket = `${around.directory}/${name}.sock`;
  }

  /** The real thing: `vipd run --config FILE` in the node's namespace. */
  async startDaemon(): Promise<void> {
    await this.#daemon?.ended;
    const { directory, intervalMs, io } = this.#around;
    const file = `${directory}/${this.name}.toml`;
    const config = configuration(this.name, this.#socket, this.#webArguments().join(" "), intervalMs);
    await Deno.writeTextFile(file, config);
    this.#api ??= await connectApi({ socket: this.#socket }, io);
    this.#daemon = this.#start(`vipd of ${this.name}`, ["run", "--config", file]);
  }

  signalDaemon(signal: "SIGTERM" | "SIGKILL"): void {
    this.#daemon?.signal(signal);
  }

  startWeb(): void {
    this.#web = this.#start(`web server of ${this.name}`, this.#webArguments());
  }

  async killWeb(): Promise<void> {
    await this.#web?.kill();
  }

  setCable(plugged: boolean): void {
    this.#around.lab.setCable(this.name, plugged);
    this.#plugged = plugged;
  }

  setForwarding(on: boolean): void {
    this.#around.lab.setForwarding(this.name, on);
    this.#forwarded = on;
  }

  async observe(): Promise<NodeScene> {
    return {
      name: this.name,
      webRunning: this.#web?.running ?? false,
      holdsAddress: this.#around.lab.holds(this.name, VIRTUAL_ADDRESS),
      plugged: this.#plugged,
      forwarded: this.#forwarded,
      router: await this.#router(),
    };
  }

  /** What its processes complained about, for the message when something goes wrong. */
  get complaints(): string[] {
    return [this.#daemon, this.#web].flatMap((child) =>
      child === null || child.complaint === "" ? [] : [`${child.name}: ${child.complaint}`]
    );
  }

  async kill(): Promise<void> {
    await Promise.all([this.#daemon?.kill(), this.#web?.kill()]);
    this.#api?.close();
  }

  async #router(): Promise<NodeScene["router"]> {
    if (this.#api === null || this.#daemon?.running !== true) return null;
    try {
      const snapshot = parseSnapshot(await bodyOf(await this.#api.request("GET", "/status")));
      const router = snapshot.virtual_routers.find(({ name }) => name === ROUTER);
      return router === undefined ? null : { state: router.state, reason: router.reason };
    } catch (error) {
      // Not listening yet, or not any more.
      if (error instanceof ClientError) return null;
      throw error;
    }
  }

  #start(name: string, args: readonly string[]): Child {
    return new Child(name, this.#around.lab.namespacePath(this.name), args);
  }

  /** The directory tells this demo's web server from that of another demo on the same host. */
  #webArguments(): string[] {
    return ["demo", ROLE_OPTION, "web", this.name, VIRTUAL_ADDRESS, this.#around.directory];
  }
}

/** The node's vipd.toml, as an operator would write it; `webCommand` ends the web server's command line. */
export function configuration(
  name: NodeName,
  socket: string,
  webCommand: string,
  intervalMs: number,
): string {
  const match = `${webCommand.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`;
  return `
[node]
name = "${name}"
state_file = "${socket}.state.json"
[api]
listen = ["unix:${socket}"]
[log]
level = "warn"
format = "text"

[virtual_router.${ROUTER}]
interface = "${INTERFACE}"
vrid = ${VRID}
priority = ${PRIORITIES[name]}
advertisement_interval = "${formatDuration(intervalMs)}"
addresses = ["${VIRTUAL_ADDRESS}/${PREFIX}"]
track = ["alive", "serving"]

[check.alive]                     # its death is seen at once
type = "process"
match = ${JSON.stringify(match)}
rise = 1
[check.serving]                   # a process that has just been started does not serve yet
type = "http"
url = "http://127.0.0.1:${PORT}/"
interval = "200ms"
timeout = "2s"
rise = 1
fall = 3
`.trimStart();
}
