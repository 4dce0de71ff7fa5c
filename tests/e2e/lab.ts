/**
 * A small Ethernet in network namespaces: a switch, some nodes and a client, each on a cable that can be
 * pulled or cut. `await using lab = await createLab({...})` guarantees that nothing of it is left behind.
 */
import { Child } from "./lab/child.ts";
import { run } from "./lab/command.ts";
import { newSite, type Site } from "./lab/namespaces.ts";

export { sleep, waitFor } from "./lab/wait.ts";

export interface LabOptions {
  /** Node name -> its addresses with prefix; the first IPv4 address is its primary one. */
  readonly nodes: Readonly<Record<string, readonly string[]>>;
  /** Addresses of the client. */
  readonly client: readonly string[];
  /** Name of the interface inside every node; "eth0" unless a topology wants another. */
  readonly interface?: string;
}

/** A host of the lab: a network namespace with one interface on the switch. */
export class Host {
  readonly #children: Child[] = [];

  constructor(
    readonly name: string,
    readonly namespace: string,
    readonly iface: string,
    readonly directory: string,
  ) {}

  /** Runs a short command in the host's namespace and returns its output. */
  exec(argv: readonly string[], options: { stdin?: string; mayFail?: boolean } = {}): Promise<string> {
    return run(this.inside(argv), options);
  }

  /** Starts a long-running process in the host's namespace; the lab ends it at the latest when it closes. */
  spawn(name: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    const child = this.launch(`${this.name}/${name}`, this.inside(argv), env);
    this.#children.push(child);
    return child;
  }

  /** What runs a command here. `ip netns exec` replaces itself, so the pid is the program's own. */
  protected inside(argv: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.namespace, ...argv];
  }

  protected launch(name: string, argv: readonly string[], env: Readonly<Record<string, string>>): Child {
    return new Child(name, argv, env);
  }

  /** `ip` inside the namespace, without starting a second process. */
  ip(...args: string[]): Promise<string> {
    return run(["ip", "-n", this.namespace, ...args]);
  }

  /** Addresses (without prefix) on all interfaces, or on one. */
  async addresses(iface?: string): Promise<string[]> {
    const on = iface === undefined ? [] : ["dev", iface];
    const links = JSON.parse(await this.ip("-json", "address", "show", ...on)) as {
      addr_info?: { local: string }[];
    }[];
    return links.flatMap(({ addr_info = [] }) => addr_info.map(({ local }) => local)).filter((local) =>
      local !== undefined
    );
  }

  async holds(address: string): Promise<boolean> {
    return (await this.addresses()).includes(address);
  }

  /** Address of the interface's own, IPv4 or link-local IPv6. */
  async macAddress(): Promise<string> {
    const [link] = JSON.parse(await this.ip("-json", "link", "show", "dev", this.iface)) as {
      address: string;
    }[];
    return link?.address ?? "";
  }

  /** Resolves when every process that was started here is gone and its output has been read. */
  async closed(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.drained));
  }

  /** What its processes printed, for the message of a failed test. */
  logs(): string {
    return this.#children.map((child) => `--- ${child.name} (pid ${child.pid})\n${child.output}`).join("\n");
  }
}

/** Frames that the switch drops: those that come from one port, go to one, or go from one to another. */
interface Block {
  readonly from?: string;
  readonly to?: string;
}

export class Lab implements AsyncDisposable {
  readonly #blocks = new Map<string, readonly Block[]>();

  constructor(
    readonly site: Site,
    readonly bridge: Host,
    readonly client: Host,
    readonly nodes: Readonly<Record<string, Host>>,
  ) {}

  node(name: string): Host {
    const host = this.nodes[name];
    if (host === undefined) throw new Error(`The lab has no node "${name}"`);
    return host;
  }

  /** The host is cut off: the switch passes nothing from or to it, its carrier stays. */
  cut(host: Host): Promise<void> {
    return this.#block(`cut ${host.name}`, [{ from: host.name }, { to: host.name }]);
  }

  heal(host: Host): Promise<void> {
    return this.#unblock(`cut ${host.name}`);
  }

  /** Frames from one host to the other are lost, until `healAll`; the way back works. */
  cutOneWay(from: Host, to: Host): Promise<void> {
    return this.#block(`one way ${from.name} ${to.name}`, [{ from: from.name, to: to.name }]);
  }

  /** Undoes a `cutOneWay`. */
  healOneWay(from: Host, to: Host): Promise<void> {
    return this.#unblock(`one way ${from.name} ${to.name}`);
  }

  /** Undoes every cut at the same moment. */
  healAll(): Promise<void> {
    this.#blocks.clear();
    return this.#applyBlocks();
  }

  /** The far end of the host's cable goes down: the host loses its carrier. */
  async pullCable(host: Host): Promise<void> {
    await this.bridge.ip("link", "set", host.name, "down");
  }

  async plugCable(host: Host): Promise<void> {
    await this.bridge.ip("link", "set", host.name, "up");
  }

  /** The host's interface vanishes, and the switch's port with it. */
  async removeInterface(host: Host): Promise<void> {
    await host.ip("link", "delete", host.iface);
  }

  /** A new interface of the same name, with a new MAC address, on a new port. */
  async addInterface(host: Host, addresses: readonly string[]): Promise<void> {
    await connect(this.bridge, host, addresses);
  }

  logs(): string {
    return Object.values(this.nodes).map((node) => node.logs()).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const hosts = [this.bridge, this.client, ...Object.values(this.nodes)];
    await this.site.remove();
    await Promise.all(hosts.map((host) => host.closed()));
  }

  async #block(key: string, blocks: readonly Block[]): Promise<void> {
    this.#blocks.set(key, blocks);
    await this.#applyBlocks();
  }

  async #unblock(key: string): Promise<void> {
    this.#blocks.delete(key);
    await this.#applyBlocks();
  }

  async #applyBlocks(): Promise<void> {
    const rules = [...this.#blocks.values()].flat().map(({ from, to }) => {
      // What is lost on the way to everybody must not even teach the switch where its sender is.
      if (to === undefined) return `add rule bridge lab arriving iifname "${from}" drop`;
      return `add rule bridge lab forward ${
        from === undefined ? "" : `iifname "${from}" `
      }oifname "${to}" drop`;
    });
    // One transaction: no packet sees a half-built rule set.
    const flush = "flush chain bridge lab arriving\nflush chain bridge lab forward";
    await this.bridge.exec(["nft", "-f", "-"], { stdin: [flush, ...rules, ""].join("\n") });
  }
}

/** Builds the lab and returns when every link of it is up. */
export async function createLab(options: LabOptions): Promise<Lab> {
  const site = await newSite();
  const { name, directory } = site;
  try {
    const bridge = await createBridge(name, directory);
    const iface = options.interface ?? "eth0";
    const attach = (role: string, addresses: readonly string[]): Promise<Host> =>
      createHost(bridge, new Host(role, `${name}-${role}`, iface, `${directory}/${role}`), addresses);
    const client = await attach("client", options.client);
    const nodes: Record<string, Host> = {};
    for (const [role, addresses] of Object.entries(options.nodes)) {
      nodes[role] = await attach(role, addresses);
    }
    return new Lab(site, bridge, client, nodes);
  } catch (error) {
    await site.remove();
    throw error;
  }
}

async function createBridge(labName: string, directory: string): Promise<Host> {
  const bridge = new Host("switch", `${labName}-switch`, "br0", `${directory}/switch`);
  await createNamespace(bridge);
  await bridge.ip(
    "link",
    "add",
    "br0",
    "type",
    "bridge",
    "forward_delay",
    "0",
    "stp_state",
    "0",
    "mcast_snooping",
    "0",
  );
  await bridge.ip("link", "set", "br0", "up");
  const chain = (name: string, hook: string): string =>
    `add chain bridge lab ${name} { type filter hook ${hook} priority 0; policy accept; }`;
  const chains = ["add table bridge lab", chain("arriving", "prerouting"), chain("forward", "forward"), ""];
  await bridge.exec(["nft", "-f", "-"], { stdin: chains.join("\n") });
  return bridge;
}

async function createHost(bridge: Host, host: Host, addresses: readonly string[]): Promise<Host> {
  await createNamespace(host);
  await host.ip("link", "set", "lo", "up");
  await connect(bridge, host, addresses);
  return host;
}

/** A cable between the switch and the host, with the host's addresses. */
async function connect(bridge: Host, host: Host, addresses: readonly string[]): Promise<void> {
  const peer = ["peer", "name", host.iface, "netns", host.namespace];
  await bridge.ip("link", "add", host.name, "type", "veth", ...peer);
  await bridge.ip("link", "set", host.name, "master", "br0", "up");
  const commands = [
    `link set ${host.iface} up`,
    ...addresses.map((address) => `address add ${address} dev ${host.iface}`),
  ];
  await run(["ip", "-n", host.namespace, "-batch", "-"], { stdin: commands.join("\n") });
}

async function createNamespace(host: Host): Promise<void> {
  await Deno.mkdir(host.directory);
  await run(["ip", "netns", "add", host.namespace]);
  // Without duplicate address detection a fresh IPv6 address is usable at once, as on a host that is long up.
  const sysctl =
    "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad";
  await host.exec(["sh", "-c", sysctl]);
}
