/**
 * A conversation with IPVS that asks for everything once, and what each question must come to: the same from
 * a real kernel, from its recorded answers and from the made-up one.
 */
import * as v from "../../ffi/ipvs.ts";
import { NetlinkError, type NetlinkRequest } from "../../ffi/netlink.ts";
import { parseAddress } from "../../mod/wire/address.ts";

/** An interface of MTU 1500 with addresses of both families. */
export const SYNC_INTERFACE = "sync0";

const octets = (text: string): Uint8Array => parseAddress(text)!;

const TCP: v.IpvsServiceId = { family: 4, protocol: 6, address: octets("192.0.2.10"), port: 80 };
const UDP: v.IpvsServiceId = { family: 4, protocol: 17, address: octets("192.0.2.10"), port: 5060 };
const SCTP: v.IpvsServiceId = { family: 4, protocol: 132, address: octets("192.0.2.10"), port: 3868 };
const SIX: v.IpvsServiceId = { family: 6, protocol: 6, address: octets("2001:db8::10"), port: 443 };
const MARK: v.IpvsServiceId = { family: 4, fwmark: 7 };
const MARK_SIX: v.IpvsServiceId = { family: 6, fwmark: 7 };
const OTHER: v.IpvsServiceId = { ...TCP, port: 81 };

const PLAIN: v.IpvsServiceOptions = { schedName: "rr", flags: 0, timeout: 0, netmask: 0xffffffff };
const NAT: v.IpvsDestinationOptions = {
  fwdMethod: v.IP_VS_CONN_F_MASQ,
  weight: 1,
  uThresh: 0,
  lThresh: 0,
  tunType: v.IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
  tunPort: 0,
  tunFlags: v.IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM,
};
const TUNNEL = { ...NAT, fwdMethod: v.IP_VS_CONN_F_TUNNEL };
const GUE = { ...TUNNEL, tunType: v.IP_VS_CONN_F_TUNNEL_TYPE_GUE, tunPort: 6080 };
const GRE = { ...TUNNEL, tunType: v.IP_VS_CONN_F_TUNNEL_TYPE_GRE };

type Ask = (ipvs: v.Ipvs) => unknown;
/** A step, what it asks, and what it must come to: text of the value, or the code of the refusal. */
type Step = readonly [name: string, ask: Ask, expected: string];

const one = (request: (ipvs: v.Ipvs) => NetlinkRequest): Ask => (ipvs) => {
  ipvs.netlink.request([request(ipvs)]);
};
const service = (
  action: "add" | "change",
  id: v.IpvsServiceId,
  options: Partial<v.IpvsServiceOptions> = {},
): Ask => one((ipvs) => v.serviceRequest(ipvs, action, id, { ...PLAIN, ...options }));
const destination = (
  action: "add" | "change",
  of: v.IpvsServiceId,
  address: string,
  port: number,
  options: Partial<v.IpvsDestinationOptions> = {},
): Ask =>
  one((ipvs) =>
    v.destinationRequest(ipvs, action, of, { address: octets(address), port }, { ...NAT, ...options })
  );
const removeService = (id: v.IpvsServiceId): Ask => one((ipvs) => v.removeServiceRequest(ipvs, id));
const removeDestination = (of: v.IpvsServiceId, address: string, port: number): Ask =>
  one((ipvs) => v.removeDestinationRequest(ipvs, of, { address: octets(address), port }));

/** One line a service: what tells it from others, then how it is scheduled. */
const services: Ask = (ipvs) =>
  v.listServices(ipvs).map(({ id, options: { schedName, flags, timeout, netmask, peName = "" } }) =>
    [v.nameService(id), schedName, flags, timeout, netmask.toString(16), peName].join(" ").trim()
  ).sort();
const destinations = (of: v.IpvsServiceId): Ask => (ipvs) =>
  v.listDestinations(ipvs, of).map(({ id, options }) => {
    const { fwdMethod, weight, uThresh, lThresh, tunType, tunPort, tunFlags } = options;
    return [id.address.toHex(), id.port, fwdMethod, weight, uThresh, lThresh, tunType, tunPort, tunFlags]
      .join(" ");
  }).sort();

const MASTER: v.NewIpvsDaemon = { state: v.IP_VS_STATE_MASTER, mcastIfn: SYNC_INTERFACE, syncId: 51 };
const BACKUP: v.NewIpvsDaemon = {
  state: v.IP_VS_STATE_BACKUP,
  mcastIfn: SYNC_INTERFACE,
  syncId: 52,
  syncMaxlen: 1200,
  mcastGroup: octets("224.0.0.82"),
  mcastPort: 9000,
  mcastTtl: 3,
};
const daemons: Ask = (ipvs) =>
  v.listDaemons(ipvs).map(({ mcastGroup, ...rest }) =>
    [...Object.values(rest), mcastGroup?.toHex()].join(" ")
  ).sort();

export const SESSION: readonly Step[] = [
  ["version", v.getInfo, '{"version":"1.2.1","connTabSize":4096}'],
  ["timeouts", v.getTimeouts, '{"tcp":900,"tcpFin":120,"udp":300}'],
  ["set two timeouts", (ipvs) => v.setTimeouts(ipvs, { tcp: 901, udp: 299 }), "ok"],
  ["timeouts then", v.getTimeouts, '{"tcp":901,"tcpFin":120,"udp":299}'],
  ["set all timeouts", (ipvs) => v.setTimeouts(ipvs, { tcp: 900, tcpFin: 120, udp: 300 }), "ok"],
  ["nothing is there", services, "[]"],
  ["destinations of nothing", destinations(TCP), "[]"],

  ["add a service", service("add", TCP), "ok"],
  ["add it again", service("add", TCP), "EEXIST"],
  ["change a service that is not there", service("change", OTHER), "ESRCH"],
  ["remove a service that is not there", removeService(OTHER), "ESRCH"],
  ["unknown scheduler", service("add", OTHER, { schedName: "nosuch" }), "ENOENT"],
  ["unknown persistence engine", service("add", OTHER, { peName: "nosuch" }), "ENOENT"],
  [
    "persistence of networks",
    service("change", TCP, {
      schedName: "wlc",
      flags: v.IP_VS_SVC_F_PERSISTENT,
      timeout: 360,
      netmask: 0xffffff00,
    }),
    "ok",
  ],
  ["it is so", services, '["tcp 192.0.2.10:80 wlc 3 360 ffffff00"]'],
  [
    "scheduler flags",
    service("change", TCP, { schedName: "sh", flags: v.IP_VS_SVC_F_SCHED1 | v.IP_VS_SVC_F_SCHED2 }),
    "ok",
  ],
  ["another service", service("add", SCTP, { schedName: "mh", flags: v.IP_VS_SVC_F_SCHED3 }), "ok"],
  [
    "persistence engine",
    service("add", UDP, {
      flags: v.IP_VS_SVC_F_PERSISTENT | v.IP_VS_SVC_F_ONEPACKET,
      timeout: 300,
      peName: "sip",
    }),
    "ok",
  ],
  ["mark", service("add", MARK, { schedName: "wrr" }), "ok"],
  ["mark of IPv6", service("add", MARK_SIX, { netmask: 128 }), "ok"],
  ["IPv6", service("add", SIX, { flags: v.IP_VS_SVC_F_PERSISTENT, timeout: 50, netmask: 64 }), "ok"],
  ["IPv6 with a mask of IPv4", service("add", { ...SIX, port: 444 }), "EINVAL"],
  [
    "all of them",
    services,
    JSON.stringify([
      "fwmark 7 ipv4 wrr 2 0 ffffffff",
      "fwmark 7 ipv6 rr 2 0 80",
      "sctp 192.0.2.10:3868 mh 34 0 ffffffff",
      "tcp 192.0.2.10:80 sh 26 0 ffffffff",
      "tcp [2001:db8:0:0:0:0:0:10]:443 rr 3 50 40",
      "udp 192.0.2.10:5060 rr 7 300 ffffffff sip",
    ]),
  ],
  ["engine away", service("change", UDP, { flags: v.IP_VS_SVC_F_PERSISTENT, timeout: 300 }), "ok"],

  ["NAT", destination("add", TCP, "192.0.2.21", 8080, { weight: 3, uThresh: 100, lThresh: 50 }), "ok"],
  ["NAT again", destination("add", TCP, "192.0.2.21", 8080), "EEXIST"],
  ["another weight", destination("change", TCP, "192.0.2.21", 8080, { weight: 0, uThresh: 100 }), "ok"],
  ["the weight of nobody", destination("change", TCP, "192.0.2.22", 8080), "ENOENT"],
  ["nobody away", removeDestination(TCP, "192.0.2.22", 8080), "ENOENT"],
  ["of no service", destination("add", OTHER, "192.0.2.22", 8080), "ESRCH"],
  ["thresholds crossed", destination("add", TCP, "192.0.2.22", 80, { uThresh: 1, lThresh: 5 }), "ERANGE"],
  ["a weight below zero", destination("add", TCP, "192.0.2.22", 80, { weight: 0xffffffff }), "ERANGE"],
  ["direct routing", destination("add", TCP, "192.0.2.22", 80, { fwdMethod: v.IP_VS_CONN_F_DROUTE }), "ok"],
  ["this host", destination("add", TCP, "127.0.0.1", 80, { fwdMethod: v.IP_VS_CONN_F_LOCALNODE }), "ok"],
  ["tunnel", destination("add", TCP, "192.0.2.23", 80, TUNNEL), "ok"],
  ["GUE", destination("add", TCP, "192.0.2.24", 80, GUE), "ok"],
  [
    "GUE with a checksum",
    destination("add", TCP, "192.0.2.25", 80, { ...GUE, tunFlags: v.IP_VS_TUNNEL_ENCAP_FLAG_CSUM }),
    "ok",
  ],
  [
    "GUE with a remote checksum",
    destination("add", TCP, "192.0.2.26", 80, { ...GUE, tunFlags: v.IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM }),
    "ok",
  ],
  ["GUE without a port", destination("add", TCP, "192.0.2.27", 80, { ...GUE, tunPort: 0 }), "EINVAL"],
  [
    "GRE with a checksum",
    destination("add", TCP, "192.0.2.28", 80, { ...GRE, tunFlags: v.IP_VS_TUNNEL_ENCAP_FLAG_CSUM }),
    "ok",
  ],
  ["direct routing becomes GUE", destination("change", TCP, "192.0.2.22", 80, GUE), "ok"],
  ["tunnel becomes NAT", destination("change", TCP, "192.0.2.23", 80), "ok"],
  [
    "all destinations",
    destinations(TCP),
    JSON.stringify([
      "7f000001 80 1 1 0 0 0 0 0",
      "c0000215 8080 0 0 100 0 0 0 0",
      "c0000216 80 2 1 0 0 1 6080 0",
      "c0000217 80 0 1 0 0 0 0 0",
      "c0000218 80 2 1 0 0 1 6080 0",
      "c0000219 80 2 1 0 0 1 6080 1",
      "c000021a 80 2 1 0 0 1 6080 2",
      "c000021c 80 2 1 0 0 2 0 1",
    ]),
  ],
  ["of a mark", destination("add", MARK, "192.0.2.21", 0, { fwdMethod: v.IP_VS_CONN_F_DROUTE }), "ok"],
  ["of IPv6", destination("add", SIX, "2001:db8::21", 8443, { weight: 65535 }), "ok"],
  ["IPv6 to IPv4 by NAT", destination("add", SIX, "192.0.2.21", 443), "EINVAL"],
  ["IPv6 through IPv4", destination("add", SIX, "192.0.2.21", 443, TUNNEL), "ok"],
  [
    "both families",
    destinations(SIX),
    JSON.stringify(["20010db8000000000000000000000021 8443 0 65535 0 0 0 0 0", "c0000215 443 2 1 0 0 0 0 0"]),
  ],
  ["no sync daemon beside mixed families", (ipvs) => v.startDaemon(ipvs, MASTER), "EINVAL"],
  ["one of them away", removeDestination(SIX, "192.0.2.21", 443), "ok"],
  ["zero one service", (ipvs) => v.zeroService(ipvs, TCP), "ok"],
  ["zero a service that is not there", (ipvs) => v.zeroService(ipvs, OTHER), "ESRCH"],
  ["zero all", v.zeroAll, "ok"],
  ["remove a service", removeService(TCP), "ok"],
  ["its destinations went along", destinations(TCP), "[]"],

  ["no sync daemon", daemons, "[]"],
  ["start a sync daemon", (ipvs) => v.startDaemon(ipvs, MASTER), "ok"],
  ["start it again", (ipvs) => v.startDaemon(ipvs, MASTER), "EEXIST"],
  ["start the other", (ipvs) => v.startDaemon(ipvs, BACKUP), "ok"],
  ["both", daemons, '["1 sync0 51 1472 8848 1 e0000051","2 sync0 52 1200 9000 3 e0000052"]'],
  ["mixed families beside a sync daemon", destination("add", SIX, "192.0.2.21", 443, TUNNEL), "EINVAL"],
  ["stop it", (ipvs) => v.stopDaemon(ipvs, v.IP_VS_STATE_MASTER), "ok"],
  ["stop it again", (ipvs) => v.stopDaemon(ipvs, v.IP_VS_STATE_MASTER), "ESRCH"],
  ["on no interface", (ipvs) => v.startDaemon(ipvs, { ...MASTER, mcastIfn: "nowhere" }), "ENODEV"],
  ["in a group of IPv6", (ipvs) => v.startDaemon(ipvs, { ...MASTER, mcastGroup: octets("ff02::81") }), "ok"],
  [
    "the groups",
    daemons,
    '["1 sync0 51 1452 8848 1 ff020000000000000000000000000081","2 sync0 52 1200 9000 3 e0000052"]',
  ],
  ["stop that", (ipvs) => v.stopDaemon(ipvs, v.IP_VS_STATE_MASTER), "ok"],
  ["stop the other", (ipvs) => v.stopDaemon(ipvs, v.IP_VS_STATE_BACKUP), "ok"],
  ["flush", v.flush, "ok"],
  ["nothing is left", services, "[]"],
];

/** What a step came to. */
export function outcome(ask: Ask, ipvs: v.Ipvs): string {
  try {
    const value = ask(ipvs);
    return value === undefined ? "ok" : JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.code;
  }
}
