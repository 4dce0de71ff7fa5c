/** The demo's network: a switch, two nodes and a client, in nameless network namespaces that end with it. */
import { close } from "../../ffi/fd.ts";
import type { NetlinkSocket } from "../../ffi/netlink.ts";
import { createNamespace, inNamespace } from "../../ffi/process.ts";
import {
  addAddress,
  addLink,
  listAddresses,
  listLinks,
  openRtnetlink,
  setLink,
} from "../../ffi/rtnetlink.ts";
import { equalAddresses, parseAddress } from "../wire/address.ts";
import { ADDRESSES, INTERFACE, PREFIX } from "./plan.ts";

const BRIDGE = "switch";

/** A namespace and the rtnetlink socket that was opened in it; a socket stays where it was made. */
interface Place {
  readonly fd: number;
  readonly nl: NetlinkSocket;
}

export type HostName = keyof typeof ADDRESSES;

/** Nothing of it is in the namespace that the demo runs in, not even for a moment. */
export class Lab implements Disposable {
  readonly #switch: Place;
  readonly #hosts: ReadonlyMap<HostName, Place>;

  /** Throws SyscallError when namespaces cannot be made here (EPERM), NetlinkError when interfaces cannot. */
  constructor() {
    const places: Place[] = [];
    try {
      places.push(this.#switch = createPlace());
      addLink(this.#switch.nl, { kind: "bridge", name: BRIDGE });
      up(this.#switch, BRIDGE);
      const hosts = new Map<HostName, Place>();
      for (const name of Object.keys(ADDRESSES) as HostName[]) {
        const host = createPlace();
        places.push(host);
        hosts.set(name, host);
        this.#connect(name, host);
      }
      this.#hosts = hosts;
    } catch (error) {
      for (const place of places) destroy(place);
      throw error;
    }
  }

  /** Where another process finds the host's namespace. */
  namespacePath(name: HostName): string {
    return `/proc/${Deno.pid}/fd/${this.#host(name).fd}`;
  }

  /** Pulls the host's cable out of the switch or puts it back: the host sees its carrier go and come. */
  setCable(name: HostName, plugged: boolean): void {
    setLink(this.#switch.nl, indexOf(this.#switch, name), { up: plugged });
  }

  /** Has the switch forward the host's packets or not; the host's carrier stays. */
  setForwarding(name: HostName, on: boolean): void {
    const master = on ? indexOf(this.#switch, BRIDGE) : 0;
    setLink(this.#switch.nl, indexOf(this.#switch, name), { master });
  }

  /** Whether the host's kernel has the address. */
  holds(name: HostName, address: string): boolean {
    const wanted = octets(address);
    return listAddresses(this.#host(name).nl, 4).some((held) => equalAddresses(held.address, wanted));
  }

  [Symbol.dispose](): void {
    for (const host of this.#hosts.values()) destroy(host);
    destroy(this.#switch);
  }

  #host(name: HostName): Place {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new RangeError(`the demo has no host ${name}`);
    return host;
  }

  /** A cable: the port of the switch bears the host's name. */
  #connect(name: HostName, host: Place): void {
    const { nl } = this.#switch;
    addLink(nl, { kind: "veth", name, peer: { name: INTERFACE, namespaceFd: host.fd } });
    setLink(nl, indexOf(this.#switch, name), { master: indexOf(this.#switch, BRIDGE), up: true });
    up(host, "lo");
    up(host, INTERFACE);
    const address = octets(ADDRESSES[name]);
    addAddress(host.nl, { ifindex: indexOf(host, INTERFACE), address, prefix: PREFIX });
  }
}

function createPlace(): Place {
  const fd = createNamespace();
  try {
    return { fd, nl: inNamespace(fd, openRtnetlink) };
  } catch (error) {
    close(fd);
    throw error;
  }
}

function destroy({ fd, nl }: Place): void {
  nl.close();
  close(fd);
}

function up(place: Place, name: string): void {
  setLink(place.nl, indexOf(place, name), { up: true });
}

function indexOf({ nl }: Place, name: string): number {
  const link = listLinks(nl).find((candidate) => candidate.name === name);
  if (link === undefined) throw new Error(`the demo's network has no interface ${name}`);
  return link.index;
}

function octets(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if (parsed === null) throw new RangeError(`not an address: ${address}`);
  return parsed;
}
