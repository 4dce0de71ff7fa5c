/** Why IPVS has refused a command, for people. */
import { EINVAL, ENODEV, ENOENT, EPERM } from "../../../ffi/errno.ts";
import { NetlinkError } from "../../../ffi/netlink.ts";
import { endpointKey, serviceKey, type SyncDaemon } from "../model.ts";
import type { Command } from "./plan.ts";

export const NO_IPVS = "the kernel has no IPVS (module ip_vs)";
const NOT_PERMITTED =
  "the kernel lets vipd not at its IPVS: it needs CAP_NET_ADMIN in this network namespace";

/** `tcp 192.0.2.10:80: the kernel has no scheduler "twos" (module ip_vs_twos)` */
export function commandProblem(command: Command, error: NetlinkError): string {
  const { service, destination } = command;
  const key = serviceKey(service.match);
  if (error.errno === EPERM) return NOT_PERMITTED;
  if (destination === null) return `${key}: ${serviceProblem(command, error)}`;
  const what = `destination ${endpointKey(destination)} of ${key}`;
  const isMixed = (service.match.family === 6) !== destination.address.includes(":");
  if (error.errno !== EINVAL || !isMixed) return `${what}: ${plainly(error)}`;
  return `${what}: a destination of the other address family needs forward = "tunnel" and no sync daemon ` +
    "on this director";
}

function serviceProblem({ service: { options } }: Command, error: NetlinkError): string {
  if (error.errno !== ENOENT) return plainly(error);
  const { schedName, peName } = options;
  const scheduler = `scheduler "${schedName}" (module ip_vs_${schedName})`;
  if (peName === undefined) return `the kernel has no ${scheduler}`;
  return `the kernel has no ${scheduler}, or no persistence engine "${peName}" (module ip_vs_pe_${peName})`;
}

/** What stands in the way of a sync daemon. */
export function daemonProblem({ role, interface: name }: SyncDaemon, error: NetlinkError): string {
  const what = `sync daemon (${role}) on ${name}`;
  if (error.errno === EPERM) return NOT_PERMITTED;
  if (error.errno === ENODEV) return `${what}: there is no such interface, or it is down`;
  if (error.errno !== EINVAL) return `${what}: ${plainly(error)}`;
  return `${what}: not possible beside a service with destinations of the other address family`;
}

/** For an error in anything else. */
export function problemOf(error: NetlinkError): string {
  return error.errno === EPERM ? NOT_PERMITTED : error.message;
}

/** The system's words, without what the sentence has named already. */
function plainly(error: NetlinkError): string {
  return error.message;
}
