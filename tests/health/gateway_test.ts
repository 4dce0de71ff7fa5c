/** The witness: by ping, ARP, neighbour discovery and TCP, some of several, in a namespace of its own. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { CheckFailed } from "../../checks/check.ts";
import { gateway } from "../../checks/gateway.ts";
import { close } from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import { createNamespace, openNamespace, setns } from "../../ffi/process.ts";
import { LinuxHost } from "../../mod/health/host.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

function run(command: string): void {
  const [program = "", ...args] = command.split(" ");
  const { success, stderr } = new Deno.Command(program, { args }).outputSync();
  assert(success, `${command}: ${new TextDecoder().decode(stderr)}`);
}

/** This thread lives between both ends of a cable: what is asked on vt0 is answered on vt1. */
async function onCable(work: (host: LinuxHost) => Promise<void>): Promise<void> {
  const home = openNamespace();
  const namespace = createNamespace();
  setns(namespace);
  const host = new LinuxHost();
  try {
    run("ip link set lo up");
    run("ip link add vt0 type veth peer name vt1");
    for (const name of ["vt0", "vt1"]) run(`ip link set ${name} up`);
    run("ip address add 192.0.2.1/24 dev vt1");
    run("ip address add 2001:db8::1/64 dev vt1 nodad");
    await work(host);
  } finally {
    await host.idle();
    setns(home);
    close(home);
    close(namespace);
  }
}

async function verdict(
  host: LinuxHost,
  options: Record<string, unknown>,
  timeoutMs = 15_000,
): Promise<string> {
  const context = { name: "witness", host, timeoutMs };
  try {
    const pass = await gateway.probe(context, gateway.options.parse(options), new AbortController().signal);
    return `pass: ${pass}`;
  } catch (error) {
    return error instanceof CheckFailed ? error.message : `not CheckFailed: ${error}`;
  }
}

const silent = "192.0.2.99";

Deno.test("gateway: ARP and neighbour discovery, asked on the link itself", async () => {
  await onCable(async (host) => {
    const arp = { method: "arp", bind_interface: "vt0" };
    assertEquals(await verdict(host, { ...arp, addresses: ["192.0.2.1"] }), "pass: 192.0.2.1 answered");
    assertEquals(await verdict(host, { ...arp, addresses: ["2001:db8::1"] }), "pass: 2001:db8::1 answered");
    assertEquals(
      await verdict(host, { ...arp, addresses: [silent, "192.0.2.1"] }),
      "pass: 192.0.2.1 answered",
    );
    assertEquals(
      await verdict(host, { ...arp, addresses: [silent, "192.0.2.1"], need: 2 }, 400),
      `1 of 2 answered, 2 needed: ${silent}: no answer within 360 ms`,
    );
    run("ip link set vt0 down");
    assertEquals(
      await verdict(host, { ...arp, addresses: ["192.0.2.1"] }),
      "192.0.2.1: vt0 is administratively down",
    );
    assertEquals(
      await verdict(host, { method: "arp", bind_interface: "lo", addresses: ["192.0.2.1"] }, 200),
      "192.0.2.1: no answer within 180 ms",
    );
  });
});

Deno.test("gateway: ping and TCP, whoever answers first", async () => {
  await onCable(async (host) => {
    const addresses = ["203.0.113.1", "127.0.0.1"];
    assertEquals(await verdict(host, { addresses }), "pass: 127.0.0.1 answered");
    assertMatch(
      await verdict(host, { addresses, need: 2 }, 400),
      /^1 of 2 answered, 2 needed: 203\.0\.113\.1: .*network is unreachable$/,
    );
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const open = `127.0.0.1:${listener.addr.port}`;
    assertEquals(
      await verdict(host, { addresses: ["127.0.0.1:1", open], method: "tcp" }),
      `pass: ${open} answered`,
    );
    assertMatch(
      await verdict(host, { addresses: ["127.0.0.1"], method: "tcp", connect_port: 1 }),
      /^127\.0\.0\.1: cannot connect to 127\.0\.0\.1:1: connection refused$/i,
    );
  });
});

const refused: [options: Record<string, unknown>, path: string, message: RegExp][] = [
  [{ addresses: [] }, "addresses", /at least one address/],
  [{ addresses: ["192.0.2.1", "192.0.2.1"] }, "addresses", /each address once/],
  [{ addresses: ["192.0.2.1"], need: 2 }, "need", /more than there are addresses/],
  [{ addresses: ["192.0.2.1"], method: "tcp" }, "method", /needs connect_port/],
  [{ addresses: ["gw.example"], method: "arp", bind_interface: "eth0" }, "addresses", /IP addresses/],
  [{ addresses: ["192.0.2.1"], method: "arp" }, "bind_interface", /the link to ask on/],
];

Deno.test("gateway: options that make no sense are refused", () => {
  for (const [options, path, message] of refused) {
    const [issue] = gateway.options.safeParse(options).error?.issues ?? [];
    assertEquals(issue?.path[0], path);
    assertMatch(issue?.message ?? "", message);
  }
});
