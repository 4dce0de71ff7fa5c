/**
 * Sees to it that removing an IPv4 address leaves the other addresses of its subnet alone. The first one of a
 * subnet is its primary; with it, unless told otherwise, the kernel removes all the others, and a virtual
 * address becomes the first when the host's own is removed and comes back after it.
 */
import { type Parameters, Sysctl } from "./sysctl.ts";

const NAME = "promote_secondaries";

export class Secondaries {
  readonly #sysctl: Sysctl;
  /** Index of the interface that has been seen to, by its name. */
  readonly #seen = new Map<string, number>();

  constructor(readonly parameters: Parameters) {
    this.#sysctl = new Sysctl(parameters);
  }

  /** To be called before an address is added there. Returns what could not be done, else null. */
  protect(ifname: string, ifindex: number): string | null {
    if (this.#seen.get(ifname) === ifindex) return null;
    this.#seen.set(ifname, ifindex);
    // Either of both is enough.
    if (this.parameters.read(path("all")) === "1") return null;
    const problem = this.#sysctl.set(path(ifname), "1");
    return problem && `${problem}: removing a virtual address may take ${ifname}'s own addresses along`;
  }

  /** No address of ours is left: every interface becomes what it was. */
  release(): void {
    for (const ifname of this.#seen.keys()) this.#sysctl.restore(directory(ifname));
    this.#seen.clear();
  }
}

function path(ifname: string): string {
  return `${directory(ifname)}/${NAME}`;
}

function directory(ifname: string): string {
  return `net/ipv4/conf/${ifname}`;
}
