/** Every struct and constant of ffi/ against the C compiler and the system's headers. */

import { assert, assertEquals } from "@std/assert";
import * as clock from "../../ffi/clock.ts";
import * as epoll from "../../ffi/epoll.ts";
import * as errors from "../../ffi/errno.ts";
import * as fd from "../../ffi/fd.ts";
import * as genetlink from "../../ffi/genetlink.ts";
import * as ipvs from "../../ffi/ipvs.ts";
import * as inotify from "../../ffi/inotify.ts";
import * as netlink from "../../ffi/netlink.ts";
import { nlmsgerr } from "../../ffi/netlink_error.ts";
import * as process from "../../ffi/process.ts";
import * as receiver from "../../ffi/receiver.ts";
import * as rtnetlink from "../../ffi/rtnetlink.ts";
import * as sched from "../../ffi/sched.ts";
import * as socket from "../../ffi/socket.ts";
import { evaluateC } from "./c.ts";

interface Layout {
  readonly size: number;
  readonly offsets: Readonly<Record<string, number>>;
}

const structs: Readonly<Record<string, Layout>> = {
  timespec: clock.timespec,
  itimerspec: fd.itimerspec,
  epoll_event: epoll.epoll_event,
  pollfd: epoll.pollfd,
  inotify_event: inotify.inotify_event,
  sockaddr_in: socket.sockaddr_in,
  sockaddr_in6: socket.sockaddr_in6,
  sockaddr_ll: socket.sockaddr_ll,
  sockaddr_nl: socket.sockaddr_nl,
  sockaddr_un: socket.sockaddr_un,
  ip_mreqn: socket.ip_mreqn,
  ipv6_mreq: socket.ipv6_mreq,
  sock_filter: socket.sock_filter,
  sock_fprog: socket.sock_fprog,
  iovec: receiver.iovec,
  msghdr: receiver.msghdr,
  mmsghdr: receiver.mmsghdr,
  cmsghdr: receiver.cmsghdr,
  in_pktinfo: receiver.in_pktinfo,
  in6_pktinfo: receiver.in6_pktinfo,
  nlmsghdr: netlink.nlmsghdr,
  nlattr: netlink.nlattr,
  ifinfomsg: rtnetlink.ifinfomsg,
  ifaddrmsg: rtnetlink.ifaddrmsg,
  ifa_cacheinfo: rtnetlink.ifa_cacheinfo,
  rtmsg: rtnetlink.rtmsg,
  genlmsghdr: genetlink.genlmsghdr,
  ip_vs_flags: ipvs.ip_vs_flags,
  sched_param: sched.sched_param,
  timeval: sched.timeval,
  rusage: sched.rusage,
};

/** Exported numbers that no header names. */
const ours = new Set(["RTPROT_VIPD", "IPPROTO_VRRP"]);

const headers = [
  "errno.h",
  "fcntl.h",
  "netinet/in.h",
  "netinet/tcp.h",
  "poll.h",
  "sched.h",
  "signal.h",
  "sys/epoll.h",
  "sys/eventfd.h",
  "sys/inotify.h",
  "sys/mount.h",
  "sys/resource.h",
  "sys/socket.h",
  "sys/timerfd.h",
  "sys/un.h",
  "time.h",
  "net/if.h",
  "linux/filter.h",
  "linux/if_addr.h",
  "linux/if_link.h",
  "linux/if_packet.h",
  "linux/genetlink.h",
  "linux/ip_vs.h",
  "linux/netlink.h",
  "linux/rtnetlink.h",
];

Deno.test("structs: every size and offset is gcc's", async () => {
  const expected: Record<string, number> = {};
  for (const [name, { size, offsets }] of Object.entries(structs)) {
    expected[`sizeof(struct ${name})`] = size;
    for (const [member, offset] of Object.entries(offsets)) {
      expected[`offsetof(struct ${name}, ${member})`] = offset;
    }
  }
  const { error: errorAt, nlmsg_len: messageAt } = nlmsgerr.offsets;
  expected["sizeof(struct nlmsgerr)"] = nlmsgerr.size;
  expected["offsetof(struct nlmsgerr, error)"] = errorAt;
  expected["offsetof(struct nlmsgerr, msg)"] = messageAt;
  await assertSame(expected);
});

Deno.test("constants: every exported number with a C name is the headers'", async () => {
  const expected: Record<string, number> = {};
  const modules = [
    clock,
    epoll,
    errors,
    fd,
    genetlink,
    inotify,
    ipvs,
    netlink,
    process,
    rtnetlink,
    sched,
    socket,
  ];
  for (const module of modules) {
    for (const [name, value] of Object.entries(module)) {
      if (typeof value === "number" && !ours.has(name)) expected[name] = value;
    }
  }
  assert(Object.keys(expected).length > 80);
  await assertSame(expected);
});

Deno.test("constants: socket options by name", async () => {
  const expected: Record<string, number> = {};
  for (const [name, [, option]] of Object.entries(socket.socketOptions)) expected[name] = option;
  await assertSame(expected);
});

Deno.test("constants: route types", async () => {
  const entries = Object.entries(rtnetlink.routeTypes);
  await assertSame(Object.fromEntries(entries.map(([name, value]) => [`RTN_${name.toUpperCase()}`, value])));
});

Deno.test("errno: every name is the headers', none is missing", async () => {
  await assertSame(errors.errno);
  assertEquals(errors.errnoName(2), "ENOENT");
  assertEquals(errors.errnoName(133), "EHWPOISON");
  assertEquals(errors.errnoName(41), "errno 41");
  assertEquals(errors.errnoName(4242), "errno 4242");
});

async function assertSame(expected: Readonly<Record<string, number>>): Promise<void> {
  const expressions = Object.keys(expected);
  // IFF_LOWER_UP is an enum that net/if.h hides.
  const values = await evaluateC(
    headers,
    expressions.map((name) => name === "IFF_LOWER_UP" ? "1 << 16" : name),
  );
  assertEquals(Object.fromEntries(expressions.map((name, i) => [name, values[i]])), { ...expected });
}
