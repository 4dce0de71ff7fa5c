/** Whether haproxy could listen at an address, found out as haproxy would, and who is in its way. */
import { EADDRINUSE, SyscallError } from "../../../ffi/errno.ts";
import { close } from "../../../ffi/fd.ts";
import { AF_INET, AF_INET6, bind, setOption, SOCK_STREAM, sockaddr, socket } from "../../../ffi/socket.ts";
import { parseAddress } from "../../wire/address.ts";
import { readIfThere } from "./files.ts";
import type { Proxy } from "./proxy.ts";

/** Another haproxy of root shares a port with ours, any other program does not. */
export function isOccupied({ family, address, port }: Pick<Proxy, "family" | "address" | "port">): boolean {
  const fd = socket(family === 4 ? AF_INET : AF_INET6, SOCK_STREAM);
  try {
    setOption(fd, "SO_REUSEADDR", 1);
    setOption(fd, "SO_REUSEPORT", 1);
    setOption(fd, family === 4 ? "IP_FREEBIND" : "IPV6_FREEBIND", 1);
    bind(fd, sockaddr(parseAddress(address)!, port));
    return false;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    // What else may be wrong with it, haproxy says.
    return error.errno === EADDRINUSE;
  } finally {
    close(fd);
  }
}

/** A socket that listens, as /proc/net/tcp has it: "0A" is its state, the port is hexadecimal. */
const LISTENING = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A (?:\S+\s+){5}(\d+) /gm;

/** `nginx (pid 123)`, or "another program" where it hides: who listens at this port of some address. */
export function occupantOf(port: number): string {
  const sockets = ["/proc/net/tcp", "/proc/net/tcp6"].map(readIfThere).join("\n");
  const inodes = new Set(
    [...sockets.matchAll(LISTENING)].filter(([, hex = ""]) => parseInt(hex, 16) === port)
      .map(([, , inode]) => `socket:[${inode}]`),
  );
  for (const { name: pid } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(pid) || !linksOf(`/proc/${pid}/fd`).some((link) => inodes.has(link))) continue;
    return `${readIfThere(`/proc/${pid}/comm`).trim()} (pid ${pid})`;
  }
  return "another program";
}

/** None of a process that we may not look at, and not those that go meanwhile. */
function linksOf(directory: string): string[] {
  return tryTo(() => [...Deno.readDirSync(directory)], [])
    .map(({ name }) => tryTo(() => Deno.readLinkSync(`${directory}/${name}`), ""));
}

function tryTo<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return otherwise;
  }
}
