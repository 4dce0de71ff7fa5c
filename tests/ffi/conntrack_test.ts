/** Tracked connections of a throwaway namespace: found, told apart, removed. */

import { assertEquals } from "@std/assert";
import { type Connection, removeConnections, visitTranslated } from "../../ffi/conntrack.ts";
import { close } from "../../ffi/fd.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../ffi/netlink.ts";
import { rulesGeneration } from "../../ffi/nfnetlink.ts";
import * as s from "../../ffi/socket.ts";
import { AF_INET, AF_INET6, sockaddr } from "../../ffi/sockaddr.ts";
import { namespace } from "./namespace.ts";

const HERE = { 4: Uint8Array.of(127, 0, 0, 1), 6: Uint8Array.of(...new Array(15).fill(0), 1) };
/** On lo: what is for the port 53 goes to 5353, what is for 54 goes where it is for. */
const RULES = `table inet t {
  chain out {
    type nat hook output priority -100
    udp dport 53 redirect to :5353
  }
}`;

function nft(rules: string): void {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, rules);
    const { success, stderr } = new Deno.Command("nft", { args: ["-f", file] }).outputSync();
    assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
  } finally {
    Deno.removeSync(file);
  }
}

function send(family: 4 | 6, port: number): void {
  const fd = s.socket(family === 4 ? AF_INET : AF_INET6, s.SOCK_DGRAM);
  try {
    s.sendto(fd, Uint8Array.of(1), sockaddr(HERE[family], port));
  } finally {
    close(fd);
  }
}

function translated(family: 4 | 6): Connection[] {
  const found: Connection[] = [];
  visitTranslated(family, (one) => {
    const { protocol, destination, destinationPort, server, serverPort, established, original, zone } = one;
    found.push({
      ...{ family, protocol, destinationPort, serverPort, established, zone },
      destination: destination.slice(),
      server: server.slice(),
      original: original.slice(),
    });
  });
  return found;
}

for (const family of [4, 6] as const) {
  Deno.test(`a translated connection of IPv${family} is shown with both of its ends, and removed`, () => {
    using ns = namespace();
    ns.run(() => {
      nft(RULES);
      send(family, 53);
      send(family, 54);
      const [one, ...others] = translated(family);
      assertEquals(others, []);
      assertEquals(
        { ...one, original: null },
        {
          ...{ family, protocol: 17, destinationPort: 53, serverPort: 5353, established: false, zone: 0 },
          destination: HERE[family],
          server: HERE[family],
          original: null,
        },
      );
      const other = { ...one!, original: one!.original.slice() };
      // The client's port, which nobody has.
      other.original.set([0, 1], other.original.length - 8);
      removeConnections([other]);
      assertEquals(translated(family).length, 1);
      removeConnections([one!, one!]);
      assertEquals(translated(family), []);
    });
  });
}

Deno.test("the generation changes with any rules and with nothing else", () => {
  using ns = namespace();
  ns.run(() => {
    using netfilter = new NetlinkSocket(NETLINK_NETFILTER);
    const before = rulesGeneration(netfilter);
    send(4, 53);
    assertEquals(rulesGeneration(netfilter), before);
    nft(RULES);
    const after = rulesGeneration(netfilter);
    assertEquals(after, before + 1);
  });
});
