/** What goes on the wire for one advertisement: a packet or message for the raw socket, or a whole frame. */
import { frameAddress } from "../../ffi/packet.ts";
import { prepare, type Prepared } from "../../ffi/sender_batch.ts";
import { sockaddr } from "../../ffi/socket.ts";
import type { Family } from "../wire/address.ts";
import { encodeEthernetHeader, ETHERNET_HEADER_LENGTH, multicastMac } from "../wire/ethernet.ts";
import { encodeIpv4Header, encodeIpv6Header, IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH } from "../wire/ip.ts";
import type { Instance } from "./instance.ts";
import { encode, type OutgoingAdvertisement, VRRP_PROTOCOL, VRRP_TTL } from "./packet.ts";

const BROADCAST_MAC = new Uint8Array(6).fill(0xff);

/** One for each destination. `source`: the primary address; `ifindex`: where they go out. */
export function outgoingOf(
  instance: Instance,
  priority: number,
  source: Uint8Array,
  ifindex: number,
): readonly Prepared[] {
  const { family } = instance.config;
  const { destinations, virtualMac } = instance.wire;
  return destinations.map((destination): Prepared => {
    const message = encode(advertisementOf(instance, priority), source, destination);
    if (virtualMac !== null) {
      const packet = withIpHeader(message, source, destination);
      const frame = frameOf(packet, multicastMac(destination), virtualMac, family);
      return prepare(frame, frameAddress(ifindex, frame));
    }
    const to = sockaddr(destination, 0, ifindex);
    return prepare(family === 4 ? withIpHeader(message, source, destination) : message, to);
  });
}

/** For which router alone; `mac`: of the interface, null where the kernel has to find the receiver. */
export interface Aside {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly mac: Uint8Array | null;
  readonly ifindex: number;
}

/**
 * An advertisement for one router alone. Broadcast on the link all the same: ARP fails while one direction is
 * cut, and other hosts drop a packet that is not for their addresses.
 */
export function asideOf(
  instance: Instance,
  priority: number,
  { source, destination, mac, ifindex }: Aside,
): { readonly octets: Uint8Array; readonly to: Uint8Array } {
  const message = encode(advertisementOf(instance, priority), source, destination);
  const packet = withIpHeader(message, source, destination);
  if (mac !== null) {
    const frame = frameOf(packet, BROADCAST_MAC, mac, instance.config.family);
    return { octets: frame, to: frameAddress(ifindex, frame) };
  }
  return { octets: source.length === 4 ? packet : message, to: sockaddr(destination, 0, ifindex) };
}

function withIpHeader(message: Uint8Array, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const headerLength = source.length === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
  const packet = new Uint8Array(headerLength + message.length);
  const addressed = { source, destination, payloadLength: message.length };
  if (source.length === 4) {
    encodeIpv4Header({ ...addressed, ttl: VRRP_TTL, protocol: VRRP_PROTOCOL }, packet);
  } else {
    encodeIpv6Header({ ...addressed, hopLimit: VRRP_TTL, nextHeader: VRRP_PROTOCOL }, packet);
  }
  packet.set(message, headerLength);
  return packet;
}

function frameOf(
  packet: Uint8Array,
  destination: Uint8Array,
  source: Uint8Array,
  family: Family,
): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + packet.length);
  encodeEthernetHeader({ destination, source, family }, frame);
  frame.set(packet, ETHERNET_HEADER_LENGTH);
  return frame;
}

function advertisementOf(
  { config, announcedInterval, wire }: Instance,
  priority: number,
): OutgoingAdvertisement {
  return {
    version: config.version,
    vrid: config.vrid,
    priority,
    maxAdvertiseInterval: announcedInterval,
    addresses: wire.advertised,
    family: config.family,
    checksum: checksumKind(config),
    password: wire.password,
  };
}

function checksumKind(
  { version, family, ipv4_checksum }: Instance["config"],
): OutgoingAdvertisement["checksum"] {
  if (family === 6) return "pseudo_header";
  return version === 2 ? "rfc3768" : ipv4_checksum;
}
