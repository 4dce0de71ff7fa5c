/**
 * A real server's virtual addresses on a real kernel: added, kept, silent in ARP, and everything put back.
 */
import { assert, assertEquals } from "@std/assert";
import { addAddress, listAddresses, openRtnetlink, removeAddress, setLink } from "../../ffi/rtnetlink.ts";
import { type DirectAddress, type DirectMemory, DirectRouting } from "../../mod/kernel/direct_routing.ts";
import { PROTOCOL_TAG } from "../../mod/kernel/plan.ts";
import { PROC_SYS } from "../../mod/kernel/sysctl.ts";
import { formatAddress } from "../../mod/wire/address.ts";
import { indexOf, type Namespace, namespace } from "../ffi/namespace.ts";
import { bytes } from "../vrrp/fixture.ts";

const VIP: DirectAddress = { address: "192.0.2.10", interface: "lo" };
const SECOND: DirectAddress = { address: "192.0.2.11", interface: "lo" };
const VIP6: DirectAddress = { address: "2001:db8::10", interface: "lo" };
const ARP = ["all/arp_ignore", "all/arp_announce", "lo/arp_ignore", "lo/arp_announce"];

/** What is done to the kernel, inside a namespace of its own. */
function inside(body: (routing: (memory?: DirectMemory) => DirectRouting, net: Namespace) => void): void {
  using net = namespace();
  net.run(() => {
    using netlink = openRtnetlink();
    body((memory) => new DirectRouting(netlink, PROC_SYS, memory), net);
  });
}

/** `192.0.2.10/32 scope 254 proto 18`, without the loopback's own. */
function onLoopback(): string[] {
  using netlink = openRtnetlink();
  const index = indexOf("lo");
  return listAddresses(netlink).filter(({ ifindex }) => ifindex === index)
    .map(({ address, prefix, scope, proto }) =>
      `${formatAddress(address)}/${prefix} scope ${scope} proto ${proto}`
    )
    .filter((text) => !text.startsWith("127.") && !text.startsWith("::1/"));
}

function parameters(): string {
  return ARP.map((name) => PROC_SYS.read(`net/ipv4/conf/${name}`)).join(" ");
}

Deno.test("addresses come, both families, ARP falls silent, and in the end all is as before", () =>
  inside((make) => {
    const before = parameters();
    const routing = make();
    const wanted = [VIP, VIP6];
    assertEquals(routing.reconcile(wanted), { problems: [], present: wanted, restored: [] });
    assertEquals(onLoopback(), ["192.0.2.10/32 scope 254 proto 18", "2001:db8::10/128 scope 0 proto 18"]);
    assertEquals(parameters(), "1 2 1 2");
    assertEquals(routing.reconcile(wanted), { problems: [], present: wanted, restored: [] });
    assertEquals(routing.reconcile([]), { problems: [], present: [], restored: [] });
    assertEquals([onLoopback(), parameters()], [[], before]);
  }));

Deno.test("what somebody removes comes back, and what is not wanted any more goes", () =>
  inside((make) => {
    const routing = make();
    routing.reconcile([VIP, SECOND]);
    using netlink = openRtnetlink();
    removeAddress(netlink, { ifindex: indexOf("lo"), address: bytes(VIP.address), prefix: 32 });
    PROC_SYS.write("net/ipv4/conf/lo/arp_ignore", "0");
    assertEquals(routing.reconcile([VIP, SECOND]).restored, [VIP]);
    assertEquals([onLoopback().length, parameters()], [2, "1 2 1 2"]);
    routing.reconcile([SECOND]);
    assertEquals(onLoopback(), ["192.0.2.11/32 scope 254 proto 18"]);
  }));

Deno.test("what somebody else has configured stays his, and there", () =>
  inside((make) => {
    using netlink = openRtnetlink();
    addAddress(netlink, { ifindex: indexOf("lo"), address: bytes(VIP.address), prefix: 32 });
    const routing = make();
    assertEquals(routing.reconcile([VIP]), { problems: [], present: [VIP], restored: [] });
    routing.reconcile([]);
    assertEquals(onLoopback().map((text) => text.split(" ")[0]), ["192.0.2.10/32"]);
  }));

Deno.test("the next program goes on: it takes over what it finds and puts back what was before the first", () =>
  inside((make) => {
    const before = parameters();
    const first = make();
    first.reconcile([VIP, SECOND]);
    const next = make(JSON.parse(JSON.stringify(first.memory)));
    assertEquals(next.reconcile([VIP, SECOND]), { problems: [], present: [VIP, SECOND], restored: [] });
    next.reconcile([]);
    assertEquals([onLoopback(), parameters()], [[], before]);
  }));

Deno.test("parameters that are stricter already stay as they are", () =>
  inside((make) => {
    for (const name of ["all", "lo"]) PROC_SYS.write(`net/ipv4/conf/${name}/arp_ignore`, "2");
    const routing = make();
    routing.reconcile([VIP]);
    assertEquals(parameters(), "2 2 2 2");
    routing.reconcile([]);
    assertEquals(parameters(), "2 0 2 0");
  }));

Deno.test("an interface that is down is set up, and in the end down again", () =>
  inside((make) => {
    using netlink = openRtnetlink();
    setLink(netlink, indexOf("lo"), { up: false });
    const routing = make();
    assertEquals(routing.reconcile([VIP]).problems, []);
    assertEquals(routing.memory.raised, ["lo"]);
    const isUp = (): boolean => onLoopback().length > 0;
    assert(isUp());
    routing.reconcile([]);
    assertEquals(routing.memory, { parameters: [], raised: [] });
  }));

Deno.test("an interface that is missing is a problem, until it is there", () =>
  inside((make) => {
    const routing = make();
    const wanted = [{ ...VIP, interface: "nowhere" }, SECOND];
    assertEquals(routing.reconcile(wanted), {
      problems: ["nowhere: there is no such interface"],
      present: [SECOND],
      restored: [],
    });
    assertEquals(PROTOCOL_TAG, 18);
  }));
