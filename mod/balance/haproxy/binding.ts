/** Whether haproxy could listen at an address, found out as haproxy would. */
import { EADDRINUSE, SyscallError } from "../../../ffi/errno.ts";
import { close } from "../../../ffi/fd.ts";
import { AF_INET, AF_INET6, bind, setOption, SOCK_STREAM, sockaddr, socket } from "../../../ffi/socket.ts";
import { parseAddress } from "../../wire/address.ts";
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
