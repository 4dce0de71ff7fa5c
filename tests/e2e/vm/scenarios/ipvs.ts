/**
 * IPVS itself: what is sent is what was recorded, thousands of destinations, and all that belongs to a
 * director.
 */
import { assert, assertEquals } from "@std/assert";
import { findIpvs } from "../../../../ffi/ipvs.ts";
import {
  type Datagram,
  NETLINK_GENERIC,
  NetlinkConversation,
  SocketTransport,
} from "../../../../ffi/netlink.ts";
import { openRtnetlink } from "../../../../ffi/rtnetlink.ts";
import type { EngineContext } from "../../../../mod/balance/engines.ts";
import { ipvs, IpvsEngine } from "../../../../mod/balance/ipvs/engine.ts";
import type { Engine, Service } from "../../../../mod/balance/model.ts";
import { DirectRouting } from "../../../../mod/kernel/direct_routing.ts";
import { PROC_SYS } from "../../../../mod/kernel/sysctl.ts";
import { at, destination, DR, service } from "../../../balance/ipvs/fixture.ts";
import { outcome, SESSION, SYNC_INTERFACE } from "../../../ffi/ipvs_session.ts";
import { EXCHANGES } from "../../../golden/ipvs.ts";
import { run } from "../../lab/command.ts";
import type { Steps } from "../scenarios.ts";

const NOTHING = { drift: [], problems: [] };
/** On an emulated processor that others want too; idle it takes a fraction of it. */
const LIMIT_MS = 60_000;

/** An engine of the guest itself. */
function engine(balance: Record<string, unknown> = { tune_kernel: true }): Engine {
  const context = { config: () => ({ balance }), note: () => {} } as unknown as EngineContext;
  return new IpvsEngine(context);
}

/** Of the guest itself, as commands, sorted. */
async function table(): Promise<string[]> {
  const text = await run(["ipvsadm", "-Sn"]);
  return text.split("\n").filter((line) => line !== "").sort();
}

/** Names itself as in the recording; the kernel does not care. */
class Recorded extends SocketTransport {
  readonly sent: string[] = [];
  override readonly portId = 4242;

  override send(bytes: Uint8Array): void {
    this.sent.push(bytes.toHex());
    super.send(bytes);
  }

  override receive(waitMs: number): Datagram | null {
    return super.receive(waitMs);
  }
}

async function makeSyncInterface(): Promise<void> {
  const commands = [
    `ip link add ${SYNC_INTERFACE} type dummy`,
    `ip address add 10.9.0.1/24 dev ${SYNC_INTERFACE}`,
    `ip address add 2001:db8:9::1/64 dev ${SYNC_INTERFACE} nodad`,
    `ip link set ${SYNC_INTERFACE} up`,
  ];
  await run(["sh", "-c", commands.join(" && ")]);
}

/** 100 services with 50 destinations each. */
function many(change: (service: number, destination: number) => number = () => 1): Service[] {
  return Array.from(
    { length: 100 },
    (_, i) =>
      at(
        1000 + i,
        Array.from({ length: 50 }, (_, j) => destination(`10.1.${i}.${j + 1}:80`, { weight: change(i, j) })),
      ),
  );
}

/** Runs it, says how long it took, and returns what it came to. */
async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  const beginMs = performance.now();
  const result = await run();
  const tookMs = performance.now() - beginMs;
  Deno.stdout.writeSync(new TextEncoder().encode(`${what}: ${tookMs.toFixed(tookMs < 20 ? 1 : 0)} ms\n`));
  assert(tookMs < LIMIT_MS, `${what} took ${tookMs} ms`);
  return result;
}

export const ipvsItself: Steps = {
  "the kernel accepts what was recorded, octet by octet, and answers so": async () => {
    await makeSyncInterface();
    const transport = new Recorded(NETLINK_GENERIC, []);
    const found = findIpvs(new NetlinkConversation(transport))!;
    for (const [name, ask, expected] of SESSION) assertEquals(outcome(ask, found), expected, name);
    assertEquals(transport.sent, EXCHANGES.filter(([, way]) => way === "sent").map(([, , bytes]) => bytes));
  },

  "every way to forward, and every change of it, is what ipvsadm shows": async () => {
    const one = engine();
    assertEquals(await ipvs.missing({} as EngineContext), null);
    const rows: readonly (readonly [service: Service, lines: readonly string[]])[] = [
      [service(["192.0.2.21"]), [
        "-A -t 192.0.2.10:80 -s rr",
        "-a -t 192.0.2.10:80 -r 192.0.2.21:80 -m -w 1",
      ]],
      [
        service([destination("192.0.2.21:80", { forward: DR, weight: 7 })], {
          scheduler: "mh",
          flags: ["mh-port", "mh-fallback"],
          persistence: { seconds: 60, prefix: 24, engine: null },
        }),
        [
          "-A -t 192.0.2.10:80 -s mh -p 60 -M 255.255.255.0 -b mh-fallback,mh-port",
          "-a -t 192.0.2.10:80 -r 192.0.2.21:80 -g -w 7",
        ],
      ],
      [
        service([
          destination("192.0.2.21:80", {
            forward: { method: "tunnel", type: "gue", port: 6080, checksum: "remote" },
          }),
        ]),
        [
          "-A -t 192.0.2.10:80 -s rr",
          "-a -t 192.0.2.10:80 -r 192.0.2.21:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
        ],
      ],
    ];
    for (const [wanted, lines] of rows) {
      assertEquals(await one.apply([wanted]), NOTHING);
      assertEquals(await table(), lines as string[]);
      assertEquals(await one.apply([wanted]), NOTHING);
    }
    await run(["ipvsadm", "-e", "-t", "192.0.2.10:80", "-r", "192.0.2.21:80", "-m", "-w", "3"]);
    const what = ["forward nat instead of tunnel", "weight 3 instead of 1"];
    const { drift } = await one.apply([rows.at(-1)![0]]);
    assertEquals(
      drift.slice(0, 2).map((one) => one.what),
      what.map((words) => `destination 192.0.2.21:80 had ${words}`),
    );
    await one.stop(false);
    assertEquals(await table(), []);
  },

  "5,000 destinations": async () => {
    const one = engine();
    const services = many();
    assertEquals(await timed("apply 100 services x 50 destinations", () => one.apply(services)), NOTHING);
    assertEquals((await table()).length, 5_100);
    assertEquals(await timed("look at them again", () => one.apply(services)), NOTHING);
    const changed = many((i, j) => i === 50 && j === 7 ? 9 : 1);
    assertEquals(await timed("change one weight", () => one.apply(changed)), NOTHING);
    assert((await table()).includes("-a -t 192.0.2.10:1050 -r 10.1.50.8:80 -m -w 9"));
    assertEquals((await timed("read all counters", () => one.read())).length, 100);
    await run(["ipvsadm", "-C"]);
    const { drift } = await timed("heal after ipvsadm -C", () => one.apply(changed));
    assertEquals([drift.length, (await table()).length], [100, 5_100]);
    await timed("remove all", () => one.stop(false));
    const few = engine();
    const ten = services.slice(0, 10);
    await few.apply(ten);
    await run(["ipvsadm", "-C"]);
    await timed("heal 10 services x 50 after ipvsadm -C", () => few.apply(ten));
    await few.stop(false);
    assertEquals(await table(), []);
  },

  "the sync daemon changes its role, and stops": async () => {
    const one = engine();
    const daemon = { interface: SYNC_INTERFACE, id: 51 };
    assertEquals(await one.sync!({ ...daemon, role: "backup" }), NOTHING);
    assertEquals(
      await timed("backup becomes master", () => one.sync!({ ...daemon, role: "master" })),
      NOTHING,
    );
    const words = `master sync daemon (mcast=${SYNC_INTERFACE}, syncid=51`;
    assert((await run(["ipvsadm", "-L", "--daemon"])).startsWith(words));
    assertEquals(await one.apply([]), NOTHING);
    assertEquals(
      await one.sync!({ ...daemon, role: "master", port: 9000, ttl: 3, group: "224.0.0.82" }),
      NOTHING,
    );
    assert((await run(["ipvsadm", "-L", "--daemon"])).includes("group=224.0.0.82, port=9000, ttl=3)"));
    await one.stop(false);
    assertEquals(await run(["ipvsadm", "-L", "--daemon"]), "");
  },

  "timeouts and kernel parameters are set, and put back": async () => {
    const paths = ["ipv4/vs/expire_nodest_conn", "ipv4/vs/conn_reuse_mode", "ipv4/ip_forward"];
    const values = (): string => paths.map((path) => PROC_SYS.read(`net/${path}`)).join(" ");
    const before = values();
    const one = engine({ tune_kernel: true, timeouts: { tcp: 600_000, udp: 60_000 } });
    const both = [destination("192.0.2.21:80"), destination("192.0.2.22:80", { forward: DR })];
    assertEquals(await one.apply([service(both)]), NOTHING);
    assertEquals(values(), "1 3 1");
    const timeouts = async (): Promise<string> => (await run(["ipvsadm", "-L", "--timeout"])).trim();
    assertEquals(await timeouts(), "Timeout (tcp tcpfin udp): 600 120 60");
    await one.stop(false);
    assertEquals([values(), await timeouts()], [before, "Timeout (tcp tcpfin udp): 900 120 300"]);
  },

  "a real server behind a tunnel has its address on tunl0": () => {
    using netlink = openRtnetlink();
    const routing = new DirectRouting(netlink, PROC_SYS);
    const wanted = [{ address: "192.0.2.10", interface: "tunl0" }];
    assertEquals(routing.reconcile(wanted), { problems: [], present: wanted, restored: [] });
    assertEquals(routing.memory.raised, ["tunl0"]);
    assertEquals(routing.reconcile([]), { problems: [], present: [], restored: [] });
    return Promise.resolve();
  },
};
