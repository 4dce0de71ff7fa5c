/** Many datagrams with one call, through the real kernel: all, too many, some refused in the middle. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { waitReadable } from "../../ffi/epoll.ts";
import { ENOBUFS, errnoName, SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { addAddress, openRtnetlink, setLink } from "../../ffi/rtnetlink.ts";
import { prepare, SenderBatch } from "../../ffi/sender_batch.ts";
import { ReceiverBatch } from "../../ffi/receiver.ts";
import * as s from "../../ffi/socket.ts";
import { connect, indexOf, type Namespace, namespace } from "./namespace.ts";

const HERE = Uint8Array.of(192, 0, 2, 1);
const THERE = Uint8Array.of(192, 0, 2, 2);
/** On the link, but nobody answers for it: what is sent there waits for that. */
const NOBODY = Uint8Array.of(192, 0, 2, 99);
/** Broadcast, which is not for everybody to send. */
const EVERYBODY = Uint8Array.of(192, 0, 2, 255);
const HERE6 = Uint8Array.of(0xfe, 0x80, ...new Array(13).fill(0), 1);
const THERE6 = Uint8Array.of(0xfe, 0x80, ...new Array(13).fill(0), 2);
const GROUP6 = Uint8Array.of(0xff, 0x02, ...new Array(13).fill(0), 0x12);

interface Lab extends Disposable {
  readonly a: Namespace;
  readonly b: Namespace;
  /** A raw socket in each, of this family, bound to the cable. */
  readonly from: number;
  readonly to: number;
}

function lab(family: 4 | 6): Lab {
  const [a, b] = [namespace(), namespace()];
  connect(a, "a", b, "b");
  const from = a.run(() => open(family, "a", HERE, HERE6));
  const to = b.run(() => open(family, "b", THERE, THERE6));
  return {
    a,
    b,
    from,
    to,
    [Symbol.dispose](): void {
      for (const fd of [from, to]) close(fd);
      for (const space of [a, b]) space[Symbol.dispose]();
    },
  };
}

function open(family: 4 | 6, ifname: string, v4: Uint8Array, v6: Uint8Array): number {
  using nl = openRtnetlink();
  const ifindex = indexOf(ifname);
  addAddress(nl, { ifindex, address: v4, prefix: 24 });
  addAddress(nl, { ifindex, address: v6, prefix: 64, noDad: true });
  const fd = s.socket(family === 4 ? s.AF_INET : s.AF_INET6, s.SOCK_RAW, s.IPPROTO_VRRP);
  s.bindToDevice(fd, ifname);
  s.receivePacketInfo(fd, family);
  s.setMulticastInterface(fd, family, ifindex);
  if (family === 6) s.joinMulticast(fd, family, GROUP6, ifindex);
  return fd;
}

/** What `count` datagrams to `to` become, when sent together: octets or -errno. */
function send(fd: number, datagrams: readonly (readonly [packet: Uint8Array, to: Uint8Array])[]): number[] {
  const batch = new SenderBatch(datagrams.length);
  for (const [packet, to] of datagrams) batch.add(prepare(packet, s.sockaddr(to)));
  const results = [...batch.send(fd)];
  assertEquals(batch.count, 0);
  return results;
}

Deno.test("batches: more datagrams than places come in order, each with what belongs to it, IPv4", () => {
  using net = lab(4);
  const batch = new ReceiverBatch(3, 64);
  assertEquals(batch.receive(net.to), 0);
  const octets = [1, 2, 3, 4, 5];
  const sent = send(net.from, octets.map((octet) => [new Uint8Array(octet).fill(octet), THERE]));
  assertEquals(sent, octets);
  assert(waitReadable(net.to, 1000));
  const told = (count: number): unknown[] =>
    batch.places.slice(0, count).map(({ length, buffer, hopLimit, ...place }) => [
      [...buffer.subarray(20, length)],
      hopLimit > 0,
      place.ifindex,
    ]);
  const ifindex = net.b.run(() => indexOf("b"));
  const expected = octets.map((octet) => [new Array(octet).fill(octet), true, ifindex]);
  assertEquals(batch.receive(net.to), 3);
  assertEquals(batch.places.map((place) => place.source()), [HERE, HERE, HERE]);
  assertEquals(told(3), expected.slice(0, 3));
  assertEquals(batch.receive(net.to), 2);
  assertEquals(told(2), expected.slice(3));
  assertEquals(batch.places[1]!.destination(), THERE);
  assertEquals(batch.receive(net.to), 0);
});

Deno.test("batches: IPv6, and a packet that is longer than its place", () => {
  using net = lab(6);
  const ifindex = net.a.run(() => indexOf("a"));
  const batch = new SenderBatch(2);
  for (const length of [8, 100]) batch.add(prepare(new Uint8Array(length), s.sockaddr(GROUP6, 0, ifindex)));
  assertEquals([...batch.send(net.from)], [8, 100]);
  const received = new ReceiverBatch(4, 64);
  assert(waitReadable(net.to, 1000));
  assertEquals(received.receive(net.to), 2);
  const [first, second] = received.places;
  assertEquals([first!.length, first!.truncated, second!.length, second!.truncated], [8, false, 64, true]);
  assertEquals([second!.source(), second!.destination()], [HERE6, GROUP6]);
  assert(second!.hopLimit > 0);
});

Deno.test("batches: what the kernel refuses in the middle hinders nothing else, and says why", () => {
  using net = lab(4);
  const packet = new Uint8Array(8);
  const results = send(net.from, [[packet, THERE], [packet, EVERYBODY], [packet, EVERYBODY], [
    packet,
    THERE,
  ]]);
  const words = results.map((result) => result < 0 ? errnoName(-result) : result);
  assertEquals(words, [8, "EACCES", "EACCES", 8]);
  assert(waitReadable(net.to, 1000));
  assertEquals(new ReceiverBatch(8, 64).receive(net.to), 2);
});

Deno.test("batches: a send buffer that is full refuses the rest, and takes the next batch once it is empty", () => {
  using net = lab(4);
  s.setOption(net.from, "SO_SNDBUF", 1);
  const packet = new Uint8Array(1000);
  const results = send(net.from, Array.from({ length: 12 }, () => [packet, NOBODY]));
  const taken = results.filter((result) => result === packet.length).length;
  assert(taken > 0 && taken < results.length, `${taken} taken`);
  assertEquals(results.slice(taken), new Array(results.length - taken).fill(-ENOBUFS));
  // With the link goes what waited for an answer.
  net.a.run(() => {
    using nl = openRtnetlink();
    for (const up of [false, true]) setLink(nl, indexOf("a"), { up });
  });
  assertEquals(send(net.from, [[packet, THERE]]), [packet.length]);
});

Deno.test("batches: a socket that is gone is an error, not an empty one", () => {
  assertThrows(() => new ReceiverBatch(2, 64).receive(-1), SyscallError, "recvmmsg: EBADF");
  assertEquals(send(-1, [[new Uint8Array(8), THERE]]).map((result) => errnoName(-result)), ["EBADF"]);
});
