/**
 * `vipd convert` beside the real keepalived: both read the same keepalived.conf alike, and a live pair moves
 * from one to the other.
 */
import { assertEquals } from "@std/assert";
import { loadConfig } from "../../mod/config/load.ts";
import type { VirtualRouterConfig } from "../../mod/config/schema.ts";
import { HITLESS_MS, longestOutage, probeUdp, startEcho } from "./lab/probe.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { inLab } from "./lab/scenario.ts";
import { startVipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { type Host, waitFor } from "./lab.ts";

/** What both sides say of a virtual router, under keepalived's names. */
interface Read {
  readonly version: string;
  readonly interface: string;
  readonly vrid: string;
  readonly priority: string;
  readonly intervalMs: number;
  readonly preempts: boolean;
  readonly password: string;
  readonly addresses: readonly string[];
  readonly excluded: readonly string[];
  readonly peers: readonly string[];
  readonly scripts: readonly string[];
  readonly garp: readonly number[];
}

const BASIC = "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.10/24\n}\n";
const SCRIPT = 'vrrp_script chk {\nscript "/bin/true"\nweight 3\n}\n';

/** keepalived.conf by what is odd about it. */
const CONFIGURATIONS: Readonly<Record<string, string>> = {
  "all defaults": `vrrp_instance V {\n${BASIC}}\n`,
  "MASTER without a priority": `vrrp_instance V {\nstate MASTER\n${BASIC}}\n`,
  "MASTER with nopreempt": `vrrp_instance V {\nstate MASTER\npriority 101\nnopreempt\n${BASIC}}\n`,
  "BACKUP with nopreempt": `vrrp_instance V {\nstate BACKUP\nnopreempt\n${BASIC}}\n`,
  "a password too long":
    `vrrp_instance V {\n${BASIC}authentication {\nauth_type PASS\nauth_pass d0cker2021\n}\n}\n`,
  "a password without a type": `vrrp_instance V {\n${BASIC}authentication {\nauth_pass d0cker\n}\n}\n`,
  "a password of version 3":
    `vrrp_instance V {\nversion 3\n${BASIC}authentication {\nauth_type PASS\nauth_pass d0cker\n}\n}\n`,
  "a fraction of a second, version 2": `vrrp_instance V {\nadvert_int 0.4\n${BASIC}}\n`,
  "a fraction of a second, version 3": `vrrp_instance V {\nversion 3\nadvert_int 0.25\n${BASIC}}\n`,
  "blocks on one line, glued together": `global_defs{router_id x\n}vrrp_instance V{${BASIC}}# end`,
  "braces on the next line": `vrrp_instance V\n{\n${BASIC}\n}\n`,
  "comments in the middle of words": `! one\nvrrp_instance V { # two {\npriority 80# three\n${BASIC}!}\n}\n`,
  "definitions": `$P=90\n$BODY=priority \${P} \\\n advert_int 2\nvrrp_instance V {\n$BODY\n${BASIC}}\n`,
  "a sequence of instances":
    "$BODY=interface eth0 \\\n virtual_router_id ${i} \\\n virtual_ipaddress { 192.0.2.${i} \\\n } \\\n }\n" +
    "~SEQ(i, 11, 13) vrrp_instance V${i} { $BODY\n",
  "a sequence of addresses":
    `vrrp_instance V {\n${BASIC}virtual_ipaddress_excluded {\n~SEQ(i, 20, 2, 26) 192.0.2.\${i}/24\n}\n}\n`,
  "a list":
    `vrrp_instance V {\n${BASIC}virtual_ipaddress_excluded {\n~LST({a,b},{30,24},{31,32}) 192.0.2.\${a}/\${b}\n}\n}\n`,
  "lines for another instance":
    `@other vrrp_instance X {\n@other }\nvrrp_instance V {\n@here priority 33\n@^here priority 44\n${BASIC}}\n`,
  "unicast":
    `vrrp_instance V {\n${BASIC}unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n192.0.2.3\n}\n}\n`,
  "scripts with weights": `${SCRIPT}${
    SCRIPT.replace("chk", "other").replace("3", "-7")
  }vrrp_instance V {\n${BASIC}track_script {\nchk weight 9\nother\n}\n}\n`,
  "IPv6":
    "vrrp_instance V {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {\nfe80::77/64\n2001:db8::77/64\n}\n}\n",
  "globals after what they count for":
    `vrrp_instance V {\n${BASIC}}\nglobal_defs {\nvrrp_version 3\nvrrp_garp_master_refresh 30\nvrrp_garp_master_repeat 2\nvrrp_garp_master_delay 1\n}\n`,
};

/** keepalived's dump of its configuration, by virtual router. */
async function readByKeepalived(node: Host, file: string): Promise<Record<string, Read>> {
  const directory = node.directory;
  const child = node.spawn("keepalived", [
    ...["keepalived", "--dont-fork", "--log-console", "--dump-conf", "--vrrp", "--config-id=here"],
    ...[`--use-file=${file}`, `--pid=${directory}/dump.pid`, `--vrrp_pid=${directory}/dump_vrrp.pid`],
  ]);
  await waitFor(
    "keepalived's dump",
    () => child.output.includes("------< Interfaces >------") || !child.running,
  );
  await child.stop("SIGTERM");
  const lines = child.output.split("\n").map((line) => line.replace(/^.{24}: ?/, ""));
  const parts = lines.join("\n").split(/^ *VRRP Instance = /m).slice(1);
  return Object.fromEntries(parts.map((part) => {
    const text = part.split(/^-+</m)[0] ?? "";
    return [text.split("\n")[0]!, dumped(text)];
  }));
}

function dumped(text: string): Read {
  const value = (name: string): string => new RegExp(`^ *${name} = (.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const [number, unit] = value("Advert interval").split(" ");
  const list = (title: string): string[] => {
    const [, body = ""] = new RegExp(`^ *${title}[^\\n]*:\\n((?: {5,}\\S.*\\n)*)`, "m").exec(text) ?? [];
    return body.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  };
  return {
    version: value("VRRP Version"),
    interface: value("Interface"),
    vrid: value("Virtual Router ID"),
    priority: value("Priority"),
    intervalMs: Number(number) * (unit === "sec" ? 1000 : 1),
    preempts: value("Preempt") === "enabled",
    password: value("Password"),
    addresses: list("Virtual IP \\(\\d+\\)").map((line) => line.split(" ")[0]!),
    excluded: list("Virtual IP Excluded").map((line) => line.split(" ")[0]!),
    peers: list("Unicast Peer").map((line) => line.split(" ")[0]!),
    scripts: list("Tracked scripts").map((line) => line.replace(/^(\S+) weight (\S+).*$/, "$1 $2")),
    garp: ["delay", "repeat", "refresh"].map((name) => Number(value(`Gratuitous ARP ${name}`))),
  };
}

/** The same of what has been converted. */
async function readByVipd(node: Host, file: string): Promise<Record<string, Read>> {
  const toml = await node.exec([...vipdCommand(), "convert", file, "--id", "here"]);
  const { virtual_router } = await loadConfig("vipd.toml", { readFile: () => toml });
  return Object.fromEntries(
    Object.entries(virtual_router).map(([name, router]) => [name, configured(router)]),
  );
}

function configured(router: VirtualRouterConfig): Read {
  const { garp, password = "", unicast_peers: peers = [] } = router;
  const texts = (vips: VirtualRouterConfig["addresses"]): string[] =>
    // keepalived leaves out the prefix of an address that stands alone.
    vips.map(({ address, prefix }) =>
      prefix === (address.includes(":") ? 128 : 32) ? address : `${address}/${prefix}`
    );
  return {
    version: String(router.version),
    interface: router.interface,
    vrid: String(router.vrid),
    priority: String(router.priority),
    intervalMs: router.advertisement_interval,
    preempts: router.preempt,
    password,
    addresses: texts(router.addresses),
    excluded: texts(router.excluded_addresses),
    peers,
    scripts: router.track.map(({ check, weight = 0 }) => `${check} ${weight}`),
    garp: [garp.delay / 1000, garp.repeat, garp.refresh / 1000],
  };
}

const READERS = ["n1", "n2", "n3", "n4"];

Deno.test("convert: vipd reads a keepalived.conf as keepalived does", async (t) => {
  const nodes = Object.fromEntries(READERS.map((name, i) => [name, [`192.0.2.${i + 1}/24`]]));
  const read = new Map<string, { theirs: Record<string, Read>; ours: Record<string, Read> }>();
  await inLab({ nodes, client: ["192.0.2.9/24"] }, async (lab) => {
    const waiting = Object.entries(CONFIGURATIONS);
    await Promise.all(READERS.map(async (reader) => {
      const node = lab.node(reader);
      const file = `${node.directory}/keepalived.conf`;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await Deno.writeTextFile(file, next[1]);
        const theirs = await readByKeepalived(node, file);
        read.set(next[0], { theirs, ours: await readByVipd(node, file) });
      }
    }));
  });
  for (const [name, { theirs, ours }] of read) {
    await t.step(name, () => {
      assertEquals(ours, theirs);
      assertEquals(Object.keys(theirs).length > 0, true);
    });
  }
  assertEquals(read.size, Object.keys(CONFIGURATIONS).length);
});

/** Of a pair whose better half is `priority` 100. */
function ofPair(priority: number): string {
  return `vrrp_instance VI_1 {\nstate ${
    priority === 100 ? "MASTER" : "BACKUP"
  }\ninterface eth0\nvirtual_router_id 51\n` +
    `priority ${priority}\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 1111\n}\n` +
    "virtual_ipaddress {\n192.0.2.10/24\n}\n}\n";
}

Deno.test("convert: a live pair moves from keepalived to vipd, and clients do not notice", async () => {
  const options = { nodes: { n1: ["192.0.2.1/24"], n2: ["192.0.2.2/24"] }, client: ["192.0.2.9/24"] };
  await inLab(options, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const convert = async (node: Host, text: string): Promise<string> => {
      await Deno.writeTextFile(`${node.directory}/keepalived.conf`, text);
      return await node.exec([...vipdCommand(), "convert", `${node.directory}/keepalived.conf`]);
    };
    await Promise.all([startEcho(n1), startEcho(n2)]);
    const [active, backup] = [await startKeepalived(n1, ofPair(100)), await startKeepalived(n2, ofPair(90))];
    const probe = await probeUdp(lab.client, "192.0.2.10");
    await probe.answeredBy("n1");

    // The backup first: nothing moves.
    await backup.stop("SIGTERM");
    const second = await startVipd(n2, await convert(n2, ofPair(90)));
    await waitForState(second, "VI_1", "BACKUP");
    // Then the address moves because the operator says so, and the old active router is free.
    await n2.exec([...vipdCommand(), "prefer", "VI_1", "--socket", second.socket]);
    await waitForState(second, "VI_1", "ACTIVE");
    await probe.answeredBy("n2");
    await active.stop("SIGTERM");
    const first = await startVipd(n1, await convert(n1, ofPair(100)));
    await waitForState(first, "VI_1", "BACKUP");
    await n2.exec([...vipdCommand(), "prefer", "VI_1", "--off", "--socket", second.socket]);
    await waitForState(first, "VI_1", "ACTIVE");
    await probe.answeredBy("n1");

    const outage = longestOutage(await probe.stop());
    assertEquals(outage < HITLESS_MS, true, `clients waited for ${outage} ms`);
  });
});
