/**
 * A made-up kernel with IPVS for tests: keeps a table of services, destinations and sync daemons, and answers
 * as Linux 6.1 does.
 */
import { EEXIST, EINVAL, ENODEV, ENOENT, ENOPROTOOPT, EPERM, errno, ESRCH } from "../../ffi/errno.ts";
import * as v from "../../ffi/ipvs.ts";
import {
  type Attribute,
  Attributes,
  bytesOf,
  concat,
  decodeMessages,
  encodeMessage,
  encodePayload,
  type NetlinkMessage,
} from "../../ffi/netlink.ts";
import { be16, be32, u16, u32, u64, u8 } from "../../ffi/struct.ts";
import { acknowledge, dump, FakeNetlink, isDump } from "./netlink_fake.ts";

export const IPVS_FAMILY = 32;
const CONTROLLER = 16;
const AF_INET = 2;
const AF_INET6 = 10;
const ALL_FLAGS = 0xffffffff;

/** A service in the table, its numbers as they were sent. */
export interface FakeService {
  readonly af: number;
  readonly protocol: number;
  readonly addr: string;
  readonly port: number;
  readonly fwmark: number;
  schedName: string;
  flags: number;
  timeout: number;
  netmask: number;
  peName: string | undefined;
  conns: number;
  readonly dests: Map<string, FakeDestination>;
}

export interface FakeDestination {
  readonly af: number;
  readonly addr: string;
  readonly port: number;
  fwdMethod: number;
  weight: number;
  uThresh: number;
  lThresh: number;
  tunType: number;
  tunPort: number;
  tunFlags: number;
  activeConns: number;
  inactConns: number;
}

interface FakeDaemon {
  readonly state: number;
  readonly ifn: string;
  readonly syncId: number;
  readonly maxlen: number;
  readonly group: Uint8Array;
  readonly port: number;
  readonly ttl: number;
}

/** An errno as a refusal. */
class Refusal extends Error {
  constructor(readonly errno: number) {
    super(`errno ${errno}`);
  }
}

export class FakeIpvs {
  /** The kernel has IPVS; false: asking for it is ENOENT. */
  present = true;
  /** Whoever asks may do so. */
  permitted = true;
  /** What a sync daemon that has been stopped is answered with, in place of nothing. */
  errorAfterStop = 0;
  readonly schedulers = new Set("rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf".split(" "));
  readonly interfaces = new Set(["sync0", "eth0"]);
  readonly services = new Map<string, FakeService>();
  readonly daemons = new Map<number, FakeDaemon>();
  timeouts = { tcp: 900, tcpFin: 120, udp: 300 };
  /** Commands in the order they came, with the refused ones; without questions. */
  readonly commands: string[] = [];
  readonly netlink: FakeNetlink = new FakeNetlink((bytes) => this.answer(bytes));

  answer(bytes: Uint8Array): Uint8Array {
    return concat(decodeMessages(bytes).map((message) => this.#answer(message)));
  }

  #answer(message: NetlinkMessage): Uint8Array {
    try {
      const replies = this.#carryOut(message).map((payload) => ({ type: message.type, payload }));
      if (isDump(message)) return dump(message, replies);
      const { sequence, portId } = message;
      return concat([
        ...replies.map(({ type, payload }) => encodeMessage({ type, flags: 0, sequence, portId }, payload)),
        acknowledge(message),
      ]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return acknowledge(message, error.errno);
    }
  }

  /** Payloads of the answer, or a Refusal. */
  #carryOut({ type, payload }: NetlinkMessage): Uint8Array[] {
    if (type === CONTROLLER) return this.#getFamily(new Attributes(payload, 4));
    if (type !== IPVS_FAMILY || !this.present) throw new Refusal(ENOENT);
    if (!this.permitted) throw new Refusal(EPERM);
    const cmd = payload[0] ?? 0;
    const attributes = new Attributes(payload, 4);
    const asked = this.#question(cmd, attributes);
    if (asked !== null) return asked;
    this.#command(cmd, attributes);
    return [];
  }

  #getFamily(attributes: Attributes): Uint8Array[] {
    if (!this.present || attributes.text(2) !== "IPVS") throw new Refusal(ENOENT);
    return [reply(1, [[2, "IPVS"], [1, bytesOf(u16, IPVS_FAMILY)], [3, bytesOf(u32, 1)]])];
  }

  #question(cmd: number, attributes: Attributes): Uint8Array[] | null {
    switch (cmd) {
      case v.IPVS_CMD_GET_INFO:
        return [reply(v.IPVS_CMD_SET_INFO, [[1, bytesOf(u32, 0x010201)], [2, bytesOf(u32, 4096)]])];
      case v.IPVS_CMD_GET_CONFIG: {
        const { tcp, tcpFin, udp } = this.timeouts;
        const values = [tcp, tcpFin, udp].map((value, i): Attribute => [4 + i, bytesOf(u32, value)]);
        return [reply(v.IPVS_CMD_SET_CONFIG, values)];
      }
      case v.IPVS_CMD_GET_SERVICE:
        return [...this.services.values()].map(serviceReply);
      case v.IPVS_CMD_GET_DEST: {
        const service = this.services.get(keyOf(section(attributes, v.IPVS_CMD_ATTR_SERVICE)));
        return [...service?.dests.values() ?? []].reverse().map(destinationReply);
      }
      case v.IPVS_CMD_GET_DAEMON:
        return [...this.daemons.values()].map(daemonReply);
      default:
        return null;
    }
  }

  #command(cmd: number, attributes: Attributes): void {
    switch (cmd) {
      case v.IPVS_CMD_SET_CONFIG: {
        const read = (type: number, before: number): number => attributes.u32(type) || before;
        const { tcp, tcpFin, udp } = this.timeouts;
        this.timeouts = { tcp: read(4, tcp), tcpFin: read(5, tcpFin), udp: read(6, udp) };
        this.commands.push(`timeouts ${Object.values(this.timeouts).join(" ")}`);
        return;
      }
      case v.IPVS_CMD_FLUSH:
        this.commands.push("flush");
        return this.services.clear();
      case v.IPVS_CMD_ZERO:
        return this.#zero(attributes);
      case v.IPVS_CMD_NEW_DAEMON:
      case v.IPVS_CMD_DEL_DAEMON:
        return this.#daemon(cmd, section(attributes, v.IPVS_CMD_ATTR_DAEMON));
      case v.IPVS_CMD_NEW_SERVICE:
      case v.IPVS_CMD_SET_SERVICE:
      case v.IPVS_CMD_DEL_SERVICE:
        return this.#service(cmd, section(attributes, v.IPVS_CMD_ATTR_SERVICE));
      default:
        return this.#destination(cmd, attributes);
    }
  }

  #zero(attributes: Attributes): void {
    const one = attributes.nested(v.IPVS_CMD_ATTR_SERVICE);
    const services = one === undefined ? [...this.services.values()] : [this.services.get(keyOf(one))];
    for (const service of services) {
      if (service === undefined) throw new Refusal(ESRCH);
      service.conns = 0;
    }
  }

  #service(cmd: number, of: Attributes): void {
    const key = keyOf(of);
    const there = this.services.get(key);
    this.commands.push(`${["", "new", "set", "del"][cmd]} service ${key}`);
    if (cmd !== v.IPVS_CMD_DEL_SERVICE) return this.#putService(cmd, key, there, of);
    if (!this.services.delete(key)) throw new Refusal(ESRCH);
  }

  #putService(cmd: number, key: string, there: FakeService | undefined, of: Attributes): void {
    const schedName = of.text(v.IPVS_SVC_ATTR_SCHED_NAME);
    const flags = of.field(v.IPVS_SVC_ATTR_FLAGS, v.ip_vs_flags);
    const timeout = of.u32(v.IPVS_SVC_ATTR_TIMEOUT);
    const isV6 = of.u16(v.IPVS_SVC_ATTR_AF) === AF_INET6;
    const netmask = isV6 ? of.u32(v.IPVS_SVC_ATTR_NETMASK) : of.be32(v.IPVS_SVC_ATTR_NETMASK);
    if (schedName === undefined || flags === undefined || timeout === undefined || netmask === undefined) {
      throw new Refusal(EINVAL);
    }
    const isNew = cmd === v.IPVS_CMD_NEW_SERVICE;
    if (isNew && there !== undefined) throw new Refusal(EEXIST);
    if (!isNew && there === undefined) throw new Refusal(ESRCH);
    const peName = of.text(v.IPVS_SVC_ATTR_PE_NAME);
    if (!this.schedulers.has(schedName) || ![undefined, "sip"].includes(peName)) throw new Refusal(ENOENT);
    if (isV6 && (netmask < 1 || netmask > 128)) throw new Refusal(EINVAL);
    const { flags: bits = 0, mask = 0 } = flags;
    const masked = (there?.flags ?? 0) & ~mask | bits & mask;
    const options = { schedName, flags: (masked | v.IP_VS_SVC_F_HASHED) >>> 0, timeout, netmask, peName };
    if (there !== undefined) return void Object.assign(there, options);
    this.services.set(key, { ...identity(of), ...options, conns: 0, dests: new Map() });
  }

  #destination(cmd: number, attributes: Attributes): void {
    const key = keyOf(section(attributes, v.IPVS_CMD_ATTR_SERVICE));
    const service = this.services.get(key);
    const of = section(attributes, v.IPVS_CMD_ATTR_DEST);
    const af = of.u16(v.IPVS_DEST_ATTR_ADDR_FAMILY) ?? service?.af ?? 0;
    const addr = of.octets(v.IPVS_DEST_ATTR_ADDR);
    const port = of.be16(v.IPVS_DEST_ATTR_PORT);
    if (addr === undefined || port === undefined) throw new Refusal(EINVAL);
    const own = `${addr.toHex()} ${port}`;
    const verb = ({ 5: "new", 6: "set", 7: "del" } as const)[cmd];
    if (verb === undefined) throw new Refusal(errno["EOPNOTSUPP"]!);
    const weight = of.u32(v.IPVS_DEST_ATTR_WEIGHT);
    this.commands.push(`${verb} dest ${key} ${own}${weight === undefined ? "" : ` w${weight}`}`);
    if (service === undefined) throw new Refusal(ESRCH);
    if (verb === "del") {
      if (!service.dests.delete(own)) throw new Refusal(ENOENT);
      return;
    }
    const options = this.#destinationOptions(of, af !== service.af);
    const there = service.dests.get(own);
    if (verb === "new" && there !== undefined) throw new Refusal(EEXIST);
    if (verb === "set" && there === undefined) throw new Refusal(ENOENT);
    if (there !== undefined) return void Object.assign(there, options);
    service.dests.set(own, { af, addr: addr.toHex(), port, ...options, activeConns: 0, inactConns: 0 });
  }

  #destinationOptions(of: Attributes, isMixed: boolean): Omit<FakeDestination, keyof typeof UNTOUCHED> {
    const fwdMethod = of.u32(v.IPVS_DEST_ATTR_FWD_METHOD);
    const weight = of.u32(v.IPVS_DEST_ATTR_WEIGHT);
    const uThresh = of.u32(v.IPVS_DEST_ATTR_U_THRESH);
    const lThresh = of.u32(v.IPVS_DEST_ATTR_L_THRESH);
    if (fwdMethod === undefined || weight === undefined || uThresh === undefined || lThresh === undefined) {
      throw new Refusal(EINVAL);
    }
    if (isMixed && (fwdMethod !== v.IP_VS_CONN_F_TUNNEL || this.daemons.size > 0)) throw new Refusal(EINVAL);
    if (weight > 0x7fffffff || lThresh > uThresh) throw new Refusal(errno["ERANGE"]!);
    const tunType = of.u8(v.IPVS_DEST_ATTR_TUN_TYPE) ?? 0;
    const tunPort = of.be16(v.IPVS_DEST_ATTR_TUN_PORT) ?? 0;
    const tunFlags = of.u16(v.IPVS_DEST_ATTR_TUN_FLAGS) ?? 0;
    if (tunType === v.IP_VS_CONN_F_TUNNEL_TYPE_GUE && tunPort === 0) throw new Refusal(EINVAL);
    return { fwdMethod, weight, uThresh, lThresh, tunType, tunPort, tunFlags };
  }

  #daemon(cmd: number, of: Attributes): void {
    const state = of.u32(v.IPVS_DAEMON_ATTR_STATE) ?? 0;
    this.commands.push(`${cmd === v.IPVS_CMD_NEW_DAEMON ? "start" : "stop"} daemon ${state}`);
    if (cmd === v.IPVS_CMD_DEL_DAEMON) {
      if (!this.daemons.delete(state)) throw new Refusal(ESRCH);
      if (this.errorAfterStop !== 0) throw new Refusal(this.errorAfterStop);
      return;
    }
    const ifn = of.text(v.IPVS_DAEMON_ATTR_MCAST_IFN);
    const syncId = of.u32(v.IPVS_DAEMON_ATTR_SYNC_ID);
    if (ifn === undefined || syncId === undefined) throw new Refusal(EINVAL);
    const dests = [...this.services.values()].flatMap(({ af, dests }) =>
      [...dests.values()].map((dest) => dest.af !== af)
    );
    if (dests.includes(true) || ![v.IP_VS_STATE_MASTER, v.IP_VS_STATE_BACKUP].includes(state)) {
      throw new Refusal(EINVAL);
    }
    if (!this.interfaces.has(ifn)) throw new Refusal(ENODEV);
    if (this.daemons.has(state)) throw new Refusal(EEXIST);
    const group = of.octets(v.IPVS_DAEMON_ATTR_MCAST_GROUP6) ?? of.octets(v.IPVS_DAEMON_ATTR_MCAST_GROUP);
    this.daemons.set(state, {
      state,
      ifn,
      syncId,
      maxlen: of.u16(v.IPVS_DAEMON_ATTR_SYNC_MAXLEN) ?? (group?.length === 16 ? 1452 : 1472),
      group: group ?? Uint8Array.of(224, 0, 0, 81),
      port: of.u16(v.IPVS_DAEMON_ATTR_MCAST_PORT) ?? 8848,
      ttl: of.u8(v.IPVS_DAEMON_ATTR_MCAST_TTL) ?? 1,
    });
  }
}

/** What a change leaves alone. */
const UNTOUCHED = { af: 0, addr: "", port: 0, activeConns: 0, inactConns: 0 };

function section(attributes: Attributes, type: number): Attributes {
  const found = attributes.nested(type);
  if (found === undefined) throw new Refusal(EINVAL);
  return found;
}

type Identity = Pick<FakeService, "af" | "protocol" | "addr" | "port" | "fwmark">;

function identity(of: Attributes): Identity {
  const af = of.u16(v.IPVS_SVC_ATTR_AF);
  if (af !== AF_INET && af !== AF_INET6) throw new Refusal(errno["EAFNOSUPPORT"]!);
  const fwmark = of.u32(v.IPVS_SVC_ATTR_FWMARK);
  if (fwmark !== undefined) return { af, protocol: 0, addr: "", port: 0, fwmark };
  const protocol = of.u16(v.IPVS_SVC_ATTR_PROTOCOL);
  const addr = of.octets(v.IPVS_SVC_ATTR_ADDR);
  const port = of.be16(v.IPVS_SVC_ATTR_PORT);
  if (protocol === undefined || addr === undefined || port === undefined) throw new Refusal(EINVAL);
  return { af, protocol, addr: addr.toHex(), port, fwmark: 0 };
}

function keyOf(of: Attributes): string {
  const { af, protocol, addr, port, fwmark } = identity(of);
  if (fwmark !== 0) return `mark ${fwmark} af ${af}`;
  if (![6, 17, 132].includes(protocol)) throw new Refusal(ENOPROTOOPT);
  return `${protocol} ${addr} ${port}`;
}

function reply(cmd: number, attributes: readonly Attribute[]): Uint8Array {
  return encodePayload(Uint8Array.of(cmd, 1, 0, 0), attributes);
}

/** `union nf_inet_addr`, and `struct in_addr` padded to it. */
function wide(hex: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(Uint8Array.fromHex(hex));
  return bytes;
}

function serviceReply(service: FakeService): Uint8Array {
  const { af, protocol, addr, port, fwmark, schedName, flags, timeout, netmask, peName, conns } = service;
  const id: Attribute[] = fwmark !== 0 ? [[v.IPVS_SVC_ATTR_FWMARK, bytesOf(u32, fwmark)]] : [
    [v.IPVS_SVC_ATTR_PROTOCOL, bytesOf(u16, protocol)],
    [v.IPVS_SVC_ATTR_ADDR, wide(addr)],
    [v.IPVS_SVC_ATTR_PORT, bytesOf(be16, port)],
  ];
  return reply(v.IPVS_CMD_NEW_SERVICE, [[v.IPVS_CMD_ATTR_SERVICE, [
    [v.IPVS_SVC_ATTR_AF, bytesOf(u16, af)],
    ...id,
    [v.IPVS_SVC_ATTR_SCHED_NAME, schedName],
    [v.IPVS_SVC_ATTR_PE_NAME, peName],
    [v.IPVS_SVC_ATTR_FLAGS, v.ip_vs_flags.encode({ flags, mask: ALL_FLAGS })],
    [v.IPVS_SVC_ATTR_TIMEOUT, bytesOf(u32, timeout)],
    [v.IPVS_SVC_ATTR_NETMASK, bytesOf(af === AF_INET6 ? u32 : be32, netmask)],
    [v.IPVS_SVC_ATTR_STATS64, stats(conns)],
  ]]]);
}

function destinationReply(destination: FakeDestination): Uint8Array {
  const { af, addr, port, fwdMethod, weight, uThresh, lThresh, tunType, tunPort, tunFlags } = destination;
  return reply(v.IPVS_CMD_NEW_DEST, [[v.IPVS_CMD_ATTR_DEST, [
    [v.IPVS_DEST_ATTR_ADDR, wide(addr)],
    [v.IPVS_DEST_ATTR_PORT, bytesOf(be16, port)],
    [v.IPVS_DEST_ATTR_FWD_METHOD, bytesOf(u32, fwdMethod)],
    [v.IPVS_DEST_ATTR_WEIGHT, bytesOf(u32, weight)],
    [v.IPVS_DEST_ATTR_TUN_TYPE, bytesOf(u8, tunType)],
    [v.IPVS_DEST_ATTR_TUN_PORT, bytesOf(be16, tunPort)],
    [v.IPVS_DEST_ATTR_TUN_FLAGS, bytesOf(u16, tunFlags)],
    [v.IPVS_DEST_ATTR_U_THRESH, bytesOf(u32, uThresh)],
    [v.IPVS_DEST_ATTR_L_THRESH, bytesOf(u32, lThresh)],
    [v.IPVS_DEST_ATTR_ACTIVE_CONNS, bytesOf(u32, destination.activeConns)],
    [v.IPVS_DEST_ATTR_INACT_CONNS, bytesOf(u32, destination.inactConns)],
    [v.IPVS_DEST_ATTR_PERSIST_CONNS, bytesOf(u32, 0)],
    [v.IPVS_DEST_ATTR_ADDR_FAMILY, bytesOf(u16, af)],
    [v.IPVS_DEST_ATTR_STATS64, stats(destination.activeConns + destination.inactConns)],
  ]]]);
}

function stats(conns: number): Attribute[] {
  return [conns, 2 * conns, 3 * conns, 40 * conns, 50 * conns].map((
    value,
    i,
  ): Attribute => [i + 1, bytesOf(u64, BigInt(value))]);
}

function daemonReply({ state, ifn, syncId, maxlen, group, port, ttl }: FakeDaemon): Uint8Array {
  const groupType = group.length === 16 ? v.IPVS_DAEMON_ATTR_MCAST_GROUP6 : v.IPVS_DAEMON_ATTR_MCAST_GROUP;
  return reply(v.IPVS_CMD_NEW_DAEMON, [[v.IPVS_CMD_ATTR_DAEMON, [
    [v.IPVS_DAEMON_ATTR_STATE, bytesOf(u32, state)],
    [v.IPVS_DAEMON_ATTR_MCAST_IFN, ifn],
    [v.IPVS_DAEMON_ATTR_SYNC_ID, bytesOf(u32, syncId)],
    [v.IPVS_DAEMON_ATTR_SYNC_MAXLEN, bytesOf(u16, maxlen)],
    [v.IPVS_DAEMON_ATTR_MCAST_PORT, bytesOf(u16, port)],
    [v.IPVS_DAEMON_ATTR_MCAST_TTL, bytesOf(u8, ttl)],
    [groupType, group],
  ]]]);
}
