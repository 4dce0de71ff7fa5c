/** Throwaway network namespaces for tests, made without any tool. */

import { close } from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import { createNamespace, inNamespace } from "../../ffi/process.ts";
import { addLink, getLink, listLinks, openRtnetlink, setLink } from "../../ffi/rtnetlink.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

/** A network namespace that is gone with its last descriptor. */
export interface Namespace extends Disposable {
  readonly fd: number;
  /** Runs `action`, synchronously, inside. */
  run<T>(action: () => T): T;
}

/** A namespace whose loopback is up. */
export function namespace(): Namespace {
  const fd = createNamespace();
  const made: Namespace = {
    fd,
    run: (action) => inNamespace(fd, action),
    [Symbol.dispose]: () => close(fd),
  };
  made.run(() => up("lo"));
  return made;
}

/** A veth pair: `name` in `a`, `peer` in `b`, both up and ready to carry packets. */
export function connect(a: Namespace, name: string, b: Namespace, peer: string): void {
  a.run(() => {
    using nl = openRtnetlink();
    addLink(nl, { kind: "veth", name, peer: { name: peer, namespaceFd: b.fd } });
    up(name);
  });
  b.run(() => up(peer));
  // A carrier is there at once, but the queue that packets wait in is set up a moment later; until then they
  // are dropped.
  a.run(() => awaitRunning(name));
  b.run(() => awaitRunning(peer));
}

/** Waits, at most 5 s, until an interface of the current namespace carries packets. */
export function awaitRunning(name: string): void {
  using nl = openRtnetlink();
  const index = indexOf(name);
  for (const endMs = performance.now() + 5000; performance.now() < endMs; sleep(1)) {
    // Not `running`: that is true of a new interface too, whose state nobody has looked at yet.
    if (getLink(nl, index)?.operstate === "up") return;
  }
  throw new Error(`${name} does not carry packets`);
}

/** Blocks this thread. */
export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Index of an interface of the current namespace. */
export function indexOf(name: string): number {
  using nl = openRtnetlink();
  const link = listLinks(nl).find((link) => link.name === name);
  if (link === undefined) throw new Error(`no interface ${name}`);
  return link.index;
}

/** Sets an interface of the current namespace up. */
export function up(name: string): void {
  using nl = openRtnetlink();
  setLink(nl, indexOf(name), { up: true });
}
