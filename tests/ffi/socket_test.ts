/** Sockets in throwaway namespaces: VRRP's raw sockets of both families, options, filters, frames. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { waitReadable } from "../../ffi/epoll.ts";
import { ENETDOWN, SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { openPacketSocket, sendFrame } from "../../ffi/packet.ts";
import { addAddress, openRtnetlink, setLink } from "../../ffi/rtnetlink.ts";
import * as s from "../../ffi/socket.ts";
import { connect, indexOf, type Namespace, namespace } from "./namespace.ts";

const here4 = Uint8Array.of(192, 0, 2, 1);
const there4 = Uint8Array.of(192, 0, 2, 2);
const group4 = Uint8Array.of(224, 0, 0, 18);
const here6 = Uint8Array.of(0xfe, 0x80, ...new Array(13).fill(0), 1);
const there6 = Uint8Array.of(0xfe, 0x80, ...new Array(13).fill(0), 2);
const group6 = Uint8Array.of(0xff, 0x02, ...new Array(13).fill(0), 0x12);

/** Two namespaces joined by a cable, `a` in one and `b` in the other, with an address of each family. */
function lab(): Disposable & { a: Namespace; b: Namespace } {
  const [a, b] = [namespace(), namespace()];
  connect(a, "a", b, "b");
  a.run(() => addAddresses("a", here4, here6));
  b.run(() => addAddresses("b", there4, there6));
  return {
    a,
    b,
    [Symbol.dispose](): void {
      a[Symbol.dispose]();
      b[Symbol.dispose]();
    },
  };
}

function addAddresses(ifname: string, v4: Uint8Array, v6: Uint8Array): void {
  using nl = openRtnetlink();
  const ifindex = indexOf(ifname);
  addAddress(nl, { ifindex, address: v4, prefix: 24 });
  addAddress(nl, { ifindex, address: v6, prefix: 64, noDad: true });
}

/** A raw VRRP socket of the current namespace, in the group on `ifname`. */
function vrrpSocket(family: 4 | 6, ifname: string): number {
  const fd = s.socket(family === 4 ? s.AF_INET : s.AF_INET6, s.SOCK_RAW, s.IPPROTO_VRRP);
  const ifindex = indexOf(ifname);
  s.bindToDevice(fd, ifname);
  s.receivePacketInfo(fd, family);
  s.joinMulticast(fd, family, family === 4 ? group4 : group6, ifindex);
  s.setMulticastInterface(fd, family, ifindex);
  s.setHopLimit(fd, family, 255);
  s.setMulticastLoop(fd, family, false);
  s.setTrafficClass(fd, family, 0xc0);
  s.setOption(fd, "SO_PRIORITY", 6);
  return fd;
}

Deno.test("Receiver: IPv4 protocol 112 with source, destination, interface and TTL", () => {
  using net = lab();
  const [from, to] = [net.a.run(() => vrrpSocket(4, "a")), net.b.run(() => vrrpSocket(4, "b"))];
  try {
    const receiver = new s.Receiver(to, 1500);
    assertEquals(receiver.receive(), -1);
    assertEquals(s.sendto(from, Uint8Array.of(0x31, 51, 100), s.sockaddr(group4)), 3);
    assert(waitReadable(to, 1000));
    assertEquals(receiver.receive(), 23);
    const packet = receiver.buffer.subarray(0, 23);
    assertEquals([...packet.subarray(20)], [0x31, 51, 100]);
    assertEquals([packet[1], packet[8], packet[9]], [0xc0, 255, 112]);
    assertEquals([...packet.subarray(16, 20)], [...group4]);
    assertEquals(receiver.source(), here4);
    assertEquals(receiver.destination(), group4);
    assertEquals(receiver.ifindex, net.b.run(() => indexOf("b")));
    assertEquals([receiver.hopLimit, receiver.truncated], [255, false]);

    s.setHopLimit(from, 4, 17);
    s.sendto(from, Uint8Array.of(1), s.sockaddr(there4));
    assert(waitReadable(to, 1000));
    assertEquals(receiver.receive(), 21);
    assertEquals([receiver.hopLimit, [...receiver.destination()]], [17, [...there4]]);
    assertEquals(receiver.receive(), -1);

    // Without packet information nothing is left over from the packet before.
    for (const name of ["IP_PKTINFO", "IP_RECVTTL"] as const) s.setOption(to, name, 0);
    s.sendto(from, Uint8Array.of(1), s.sockaddr(there4));
    assert(waitReadable(to, 1000));
    assertEquals([receiver.receive(), receiver.hopLimit, receiver.ifindex, receiver.destination().length], [
      21,
      -1,
      0,
      0,
    ]);
  } finally {
    close(from);
    close(to);
  }
});

Deno.test("Receiver: IPv6 protocol 112 with the kernel's checksum, hop limit and destination", () => {
  using net = lab();
  const [from, to] = [net.a.run(() => vrrpSocket(6, "a")), net.b.run(() => vrrpSocket(6, "b"))];
  try {
    s.setOption(from, "IPV6_CHECKSUM", 6);
    const receiver = new s.Receiver(to);
    const index = net.a.run(() => indexOf("a"));
    s.sendto(from, Uint8Array.of(0x31, 51, 100, 0, 0, 100, 0, 0), s.sockaddr(group6, 0, index));
    assert(waitReadable(to, 1000));
    assertEquals(receiver.receive(), 8);
    assertEquals([...receiver.buffer.subarray(0, 6)], [0x31, 51, 100, 0, 0, 100]);
    assert(receiver.buffer[6] !== 0 || receiver.buffer[7] !== 0);
    assertEquals(receiver.source(), here6);
    assertEquals(receiver.destination(), group6);
    assertEquals(receiver.ifindex, net.b.run(() => indexOf("b")));
    assertEquals([receiver.hopLimit, receiver.truncated], [255, false]);

    s.setHopLimit(from, 6, 17);
    s.sendto(from, new Uint8Array(8), s.sockaddr(there6, 0, index));
    // The kernel joins an address's solicited-node group from a work queue; a question before that is asked
    // again after 1 s.
    assert(waitReadable(to, 4000));
    assertEquals([receiver.receive(), receiver.hopLimit, [...receiver.destination()]], [8, 17, [...there6]]);
  } finally {
    close(from);
    close(to);
  }
});

Deno.test("Receiver: a packet longer than the buffer is cut and says so; the next one is whole", () => {
  using net = namespace();
  const fd = net.run(() => s.socket(s.AF_INET, s.SOCK_RAW, s.IPPROTO_VRRP));
  try {
    const receiver = new s.Receiver(fd, 40);
    const loopback = s.sockaddr(Uint8Array.of(127, 0, 0, 1));
    s.sendto(fd, new Uint8Array(21), loopback);
    s.sendto(fd, new Uint8Array(20), loopback);
    assertEquals([receiver.receive(), receiver.truncated], [40, true]);
    assertEquals([receiver.receive(), receiver.truncated], [40, false]);
    // Nobody asked for packet information on this socket.
    assertEquals([receiver.ifindex, receiver.hopLimit, receiver.destination().length], [0, -1, 0]);
  } finally {
    close(fd);
  }
});

Deno.test("a link that goes down: sending says ENETUNREACH, a packet socket's receive says ENETDOWN once", () => {
  using net = lab();
  const raw = net.a.run(() => vrrpSocket(4, "a"));
  const packet = net.a.run(() => s.socket(s.AF_PACKET, s.SOCK_RAW, 0));
  try {
    const index = net.a.run(() => indexOf("a"));
    s.bind(packet, s.sockaddrLl(index, 0x0806));
    net.a.run(() => {
      using nl = openRtnetlink();
      setLink(nl, index, { up: false });
    });
    assertThrows(
      () => s.sendto(raw, new Uint8Array(8), s.sockaddr(group4)),
      SyscallError,
      "sendto: ENETUNREACH",
    );
    assertEquals(s.trySendto(raw, new Uint8Array(8), s.sockaddr(group4)), -101);
    assertEquals(new s.Receiver(raw).receive(), -1);

    const receiver = new s.Receiver(packet);
    assertThrows(() => receiver.receive(), SyscallError, "recvmsg: ENETDOWN");
    assertEquals(receiver.receive(), -1);
  } finally {
    close(raw);
    close(packet);
  }
});

Deno.test("packet: a frame goes out as it is and is heard on the other side; a dead link is ENETDOWN", () => {
  using net = lab();
  const from = net.a.run(() => openPacketSocket());
  const to = net.b.run(() => s.socket(s.AF_PACKET, s.SOCK_RAW, 0));
  try {
    const [a, b] = [net.a.run(() => indexOf("a")), net.b.run(() => indexOf("b"))];
    const ETH_P_ARP = 0x0806;
    s.bind(to, s.sockaddrLl(b, ETH_P_ARP));
    const frame = Uint8Array.of(...new Array(6).fill(0xff), 2, 0, 0, 0, 0, 1, 8, 6, ...new Array(28).fill(7));
    assertEquals(sendFrame(from, a, frame), 42);
    assert(waitReadable(to, 1000));
    const receiver = new s.Receiver(to);
    assertEquals(receiver.receive(), 42);
    assertEquals(receiver.buffer.slice(0, 42), frame);
    const name = s.sockaddr_ll.decode(receiver.name());
    assertEquals([name.sll_ifindex, name.sll_protocol, [...name.sll_addr]], [b, ETH_P_ARP, [
      2,
      0,
      0,
      0,
      0,
      1,
      0,
      0,
    ]]);
    assertEquals(receiver.source().length, 0);

    net.a.run(() => {
      using nl = openRtnetlink();
      setLink(nl, a, { up: false });
    });
    assertEquals(assertThrows(() => sendFrame(from, a, frame), SyscallError).errno, ENETDOWN);
    assertEquals(assertThrows(() => sendFrame(from, 999, frame), SyscallError).code, "ENXIO");
  } finally {
    close(from);
    close(to);
  }
});

Deno.test("attachFilter: only what the program accepts is queued", () => {
  using net = namespace();
  const fd = net.run(() => s.socket(s.AF_INET, s.SOCK_RAW, s.IPPROTO_VRRP));
  try {
    // ldb [21]; jeq #51, accept, reject: the VRID behind an IP header without options.
    s.attachFilter(fd, [[0x30, 0, 0, 21], [0x15, 0, 1, 51], [0x06, 0, 0, 0xffff], [0x06, 0, 0, 0]]);
    const loopback = s.sockaddr(Uint8Array.of(127, 0, 0, 1));
    for (const vrid of [50, 51, 52]) s.sendto(fd, Uint8Array.of(0x31, vrid), loopback);
    const receiver = new s.Receiver(fd);
    assertEquals([receiver.receive(), receiver.buffer[21], receiver.receive()], [22, 51, -1]);
  } finally {
    close(fd);
  }
});

Deno.test("multicast: join, leave, and what the kernel says to doing it twice", () => {
  using net = namespace();
  net.run(() => {
    const index = indexOf("lo");
    for (const [family, domain, group] of [[4, s.AF_INET, group4], [6, s.AF_INET6, group6]] as const) {
      const fd = s.socket(domain, s.SOCK_DGRAM);
      try {
        s.joinMulticast(fd, family, group, index);
        assertThrows(() => s.joinMulticast(fd, family, group, index), SyscallError, "EADDRINUSE");
        s.leaveMulticast(fd, family, group, index);
        assertThrows(() => s.leaveMulticast(fd, family, group, index), SyscallError, "EADDRNOTAVAIL");
      } finally {
        close(fd);
      }
    }
  });
});

Deno.test("options: by name, and the name is in the error", () => {
  const fd = s.socket(s.AF_INET, s.SOCK_DGRAM);
  try {
    s.setOption(fd, "SO_PRIORITY", 5);
    assertEquals(s.getOption(fd, "SO_PRIORITY"), 5);
    s.setReceiveBuffer(fd, 300_000);
    assert(s.getOption(fd, "SO_RCVBUF") >= 300_000);
    assertThrows(() => s.setOption(fd, "IP_TTL", 999), SyscallError, "setsockopt(IP_TTL): EINVAL");
    assertThrows(
      () => s.bindToDevice(fd, "no-such-dev"),
      SyscallError,
      "setsockopt(SO_BINDTODEVICE): ENODEV",
    );
    assertThrows(() => s.setsockopt(fd, 0, 2, 999), SyscallError, "setsockopt(0, 2): EINVAL");
  } finally {
    close(fd);
  }
});

Deno.test("addresses: octets as the kernel reads them", () => {
  assertEquals([...s.sockaddr(here4, 0x1234)], [2, 0, 0x12, 0x34, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  const six = s.sockaddr(here6, 80, 3);
  assertEquals([six.length, [...six.subarray(0, 8)], [...six.subarray(24)]], [
    28,
    [10, 0, 0, 80, 0, 0, 0, 0],
    [3, 0, 0, 0],
  ]);
  assertEquals([...s.sockaddrLl(7, 0x0806, Uint8Array.of(1, 2, 3, 4, 5, 6))], [
    ...[17, 0, 8, 6, 7, 0, 0, 0, 0, 0, 0, 6],
    ...[1, 2, 3, 4, 5, 6, 0, 0],
  ]);
  assertEquals([...s.sockaddrNl(258)], [16, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
  assertEquals([...s.sockaddrUn("@a")], [1, 0, 0, 97]);
  assertEquals([s.sockaddrUn("/run/x").length, [...s.sockaddrUn("/run/x").subarray(0, 9)]], [110, [
    ...[1, 0, 47, 114, 117, 110, 47, 120],
    0,
  ]]);
  assertThrows(() => s.sockaddrUn("x".repeat(108)), RangeError);
  assertThrows(() => s.sockaddr(new Uint8Array(5)), RangeError);
});

Deno.test("ifNameToIndex: of this thread's namespace", () => {
  using net = namespace();
  assertEquals(net.run(() => [s.ifNameToIndex("lo"), s.ifNameToIndex("nothing")]), [1, 0]);
});
