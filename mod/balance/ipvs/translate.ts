/** Services in the model's words, in the kernel's numbers, and as requests to IPVS. */
import * as v from "../../../ffi/ipvs.ts";
import type { NetlinkRequest } from "../../../ffi/netlink.ts";
import { formatAddress, parseAddress } from "../../wire/address.ts";
import type {
  Destination,
  DestinationReport,
  Family,
  Forward,
  Match,
  Persistence,
  Protocol,
  Service,
  Traffic,
} from "../model.ts";
import type { Command, DestinationEntry, DestinationOptions, ServiceEntry, ServiceOptions } from "./plan.ts";

const PROTOCOLS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
/** The names of sh and mh are those of their first two flags. */
const SCHEDULER_FLAGS: Readonly<Record<string, number>> = {
  "flag-1": v.IP_VS_SVC_F_SCHED1,
  "flag-2": v.IP_VS_SVC_F_SCHED2,
  "flag-3": v.IP_VS_SVC_F_SCHED3,
  "sh-fallback": v.IP_VS_SVC_F_SCHED1,
  "sh-port": v.IP_VS_SVC_F_SCHED2,
  "mh-fallback": v.IP_VS_SVC_F_SCHED1,
  "mh-port": v.IP_VS_SVC_F_SCHED2,
};
const METHODS = { nat: v.IP_VS_CONN_F_MASQ, dr: v.IP_VS_CONN_F_DROUTE, tunnel: v.IP_VS_CONN_F_TUNNEL };
const TUNNELS = {
  ipip: v.IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
  gue: v.IP_VS_CONN_F_TUNNEL_TYPE_GUE,
  gre: v.IP_VS_CONN_F_TUNNEL_TYPE_GRE,
};
const CHECKSUMS = {
  none: v.IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM,
  checksum: v.IP_VS_TUNNEL_ENCAP_FLAG_CSUM,
  remote: v.IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM,
};
/** The kernel's own mark says nothing about what is wanted. */
const WANTED_FLAGS = ~v.IP_VS_SVC_F_HASHED;

/** What the kernel shall have for a service. */
export function entryOf(service: Service): ServiceEntry {
  const { match, scheduler, flags, onePacket, persistence, destinations } = service;
  const bits = flags.reduce((all, name) => all | (SCHEDULER_FLAGS[name] ?? 0), 0);
  const persistent = persistence === null ? 0 : v.IP_VS_SVC_F_PERSISTENT;
  return {
    match,
    options: serviceOptions({
      schedName: scheduler,
      flags: bits | persistent | (onePacket ? v.IP_VS_SVC_F_ONEPACKET : 0),
      timeout: persistence?.seconds ?? 0,
      netmask: netmaskOf(match.family, persistence),
      ...(persistence === null || persistence.engine === null ? {} : { peName: persistence.engine }),
    }),
    destinations: destinations.map(destinationEntry),
  };
}

/** What the kernel has; null for what vipd has no name for, and so is never ours. */
export function actualEntry(
  { id, options }: v.IpvsService,
  destinations: readonly v.IpvsDestination[],
): ServiceEntry | null {
  const match = matchOf(id);
  if (match === null) return null;
  return {
    match,
    options: serviceOptions(options),
    destinations: destinations.map((destination) => ({
      address: formatAddress(destination.id.address),
      port: destination.id.port,
      options: destinationOptions(destination.options),
    })),
  };
}

export function matchOf(id: v.IpvsServiceId): Match | null {
  if ("fwmark" in id) return { kind: "fwmark", family: id.family, fwmark: id.fwmark };
  const protocol = Object.entries(PROTOCOLS).find(([, number]) => number === id.protocol)?.[0];
  if (protocol === undefined) return null;
  const { family, address, port } = id;
  return { kind: "address", family, protocol: protocol as Protocol, address: formatAddress(address), port };
}

function serviceId(match: Match): v.IpvsServiceId {
  if (match.kind === "fwmark") return { family: match.family, fwmark: match.fwmark };
  const { family, protocol, address, port } = match;
  return { family, protocol: PROTOCOLS[protocol], address: octets(address), port };
}

/** The requests for commands, in their order. */
export function requestsOf(ipvs: v.Ipvs, commands: readonly Command[]): NetlinkRequest[] {
  const ids = new Map<Match, v.IpvsServiceId>();
  return commands.map(({ action, service: { match, options }, destination }) => {
    const service = ids.get(match) ?? serviceId(match);
    ids.set(match, service);
    return requestOf(ipvs, action, service, options, destination);
  });
}

function requestOf(
  ipvs: v.Ipvs,
  action: Command["action"],
  service: v.IpvsServiceId,
  options: ServiceOptions,
  destination: DestinationEntry | null,
): NetlinkRequest {
  if (destination === null) {
    if (action === "remove") return v.removeServiceRequest(ipvs, service);
    return v.serviceRequest(ipvs, action, service, {
      ...options,
      netmask: sentNetmask(service.family, options),
    });
  }
  const id = { address: octets(destination.address), port: destination.port };
  return action === "remove"
    ? v.removeDestinationRequest(ipvs, service, id)
    : v.destinationRequest(ipvs, action, service, id, destination.options);
}

export function destinationReport(destination: v.IpvsDestination): DestinationReport {
  const { id, options: { weight }, activeConns, inactConns, persistConns, stats } = destination;
  return {
    address: formatAddress(id.address),
    port: id.port,
    weight,
    activeConnections: activeConns,
    inactiveConnections: inactConns,
    persistentConnections: persistConns,
    traffic: trafficOf(stats),
  };
}

export function trafficOf({ conns, inpkts, outpkts, inbytes, outbytes }: v.IpvsStats): Traffic {
  return { connections: conns, packetsIn: inpkts, packetsOut: outpkts, bytesIn: inbytes, bytesOut: outbytes };
}

/** So that two that do the same are the same: without persistence its numbers mean nothing. */
function serviceOptions(options: ServiceOptions): ServiceOptions {
  const { schedName, timeout, netmask, peName } = options;
  const flags = options.flags & WANTED_FLAGS;
  const isPersistent = (flags & v.IP_VS_SVC_F_PERSISTENT) !== 0;
  return {
    schedName,
    flags,
    timeout: isPersistent ? timeout : 0,
    netmask: isPersistent ? netmask : 0,
    ...(peName === undefined ? {} : { peName }),
  };
}

function destinationEntry(
  { address, port, weight, forward, upperThreshold, lowerThreshold }: Destination,
): DestinationEntry {
  const thresholds = { uThresh: upperThreshold, lThresh: lowerThreshold };
  return {
    address,
    port,
    options: destinationOptions({ weight, ...thresholds, ...forwardNumbers(forward) }),
  };
}

type ForwardNumbers = Pick<DestinationOptions, "fwdMethod" | "tunType" | "tunPort" | "tunFlags">;

function forwardNumbers(forward: Forward): ForwardNumbers {
  const fwdMethod = METHODS[forward.method];
  if (forward.method !== "tunnel") return { fwdMethod, tunType: 0, tunPort: 0, tunFlags: 0 };
  const { type, port, checksum } = forward;
  return { fwdMethod, tunType: TUNNELS[type], tunPort: port, tunFlags: CHECKSUMS[checksum] };
}

/** So that two that do the same are the same: only GUE has a port, and IPIP no checksum. */
function destinationOptions(options: DestinationOptions): DestinationOptions {
  const { fwdMethod, weight, uThresh, lThresh } = options;
  const tunType = fwdMethod === v.IP_VS_CONN_F_TUNNEL ? options.tunType : 0;
  return {
    fwdMethod,
    weight,
    uThresh,
    lThresh,
    tunType,
    tunPort: tunType === v.IP_VS_CONN_F_TUNNEL_TYPE_GUE ? options.tunPort : 0,
    tunFlags: tunType === v.IP_VS_CONN_F_TUNNEL_TYPE_IPIP ? 0 : options.tunFlags,
  };
}

/** IPv4: the mask itself; IPv6: how many bits it has. */
function netmaskOf(family: Family, persistence: Persistence | null): number {
  const bits = persistence?.prefix ?? (family === 4 ? 32 : 128);
  if (family === 6) return bits;
  return bits === 0 ? 0 : 0xffffffff << (32 - bits) >>> 0;
}

/** The kernel wants one that is possible, even where it means nothing. */
function sentNetmask(family: Family, { flags, netmask }: ServiceOptions): number {
  return (flags & v.IP_VS_SVC_F_PERSISTENT) === 0 ? netmaskOf(family, null) : netmask;
}

function octets(address: string): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes === null) throw new RangeError(`${address} is not an address`);
  return bytes;
}
