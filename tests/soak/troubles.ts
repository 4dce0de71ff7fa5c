/** Everything that happens to the hosts, as a table: each breaks something, waits, and mends it again. */
import { type Host, sleep } from "../e2e/lab.ts";
import { helperProgram } from "../e2e/lab/compile.ts";
import type { Random } from "../sim/random.ts";
import {
  restartKeepalived,
  restartNginx,
  restartVipd,
  restartWorker,
  type Site,
  type Station,
} from "./site.ts";
import { LAB_OPTIONS, PLANS } from "./topology.ts";

export interface Trouble {
  readonly name: string;
  /** One of these is drawn as often as its share says. */
  readonly share: number;
  run(site: Site, station: Station, random: Random): Promise<void>;
}

const PACKETS_OF_EACH_KIND = 20;

/** How long something stays broken. */
function pause(random: Random): Promise<void> {
  return sleep(random.between(300, 1800));
}

export const TROUBLES: readonly Trouble[] = [
  {
    name: "nginx dies",
    share: 3,
    async run(_, station, random): Promise<void> {
      await station.nginx.kill();
      await pause(random);
      await restartNginx(station);
    },
  },
  {
    name: "the worker process dies",
    share: 3,
    async run(_, station, random): Promise<void> {
      await station.worker.stop("SIGKILL");
      await pause(random);
      restartWorker(station);
    },
  },
  {
    name: "the file is gone",
    share: 3,
    async run(_, { watched: { file } }, random): Promise<void> {
      await Deno.remove(file);
      await pause(random);
      await Deno.writeTextFile(file, "");
    },
  },
  {
    name: "the interface goes down",
    share: 2,
    async run(_, { name, host }, random): Promise<void> {
      await host.ip("link", "set", host.iface, "down");
      await pause(random);
      await host.ip("link", "set", host.iface, "up");
      await restoreAddresses(host, LAB_OPTIONS.nodes[name]);
    },
  },
  {
    name: "the cable is pulled",
    share: 2,
    async run({ lab }, { host }, random): Promise<void> {
      await lab.pullCable(host);
      await pause(random);
      await lab.plugCable(host);
    },
  },
  {
    name: "the interface is replaced",
    share: 1,
    async run({ lab }, { name, host }, random): Promise<void> {
      await lab.removeInterface(host);
      await pause(random);
      await lab.addInterface(host, LAB_OPTIONS.nodes[name]);
    },
  },
  {
    name: "the host is cut off",
    share: 2,
    async run({ lab }, { host }, random): Promise<void> {
      await lab.cut(host);
      await pause(random);
      await lab.healAll();
    },
  },
  {
    name: "nobody hears the host",
    share: 1,
    async run({ lab, stations }, { host }, random): Promise<void> {
      for (const other of stations) if (other.host !== host) await lab.cutOneWay(host, other.host);
      await pause(random);
      await lab.healAll();
    },
  },
  {
    name: "vipd sleeps",
    share: 2,
    async run(_, { vipd }, random): Promise<void> {
      vipd.child.signal("SIGSTOP");
      await sleep(random.between(50, 900));
      vipd.child.signal("SIGCONT");
    },
  },
  {
    name: "the third vipd is restarted",
    share: 2,
    run({ stations }, _, random): Promise<void> {
      return restartVipd(stations.at(-1)!, random.pick(["SIGTERM", "SIGKILL"]));
    },
  },
  {
    name: "keepalived is restarted",
    share: 1,
    async run(site, _, random): Promise<void> {
      await site.keepalived.stop();
      await pause(random);
      await restartKeepalived(site);
    },
  },
  {
    name: "somebody removes a virtual address, or adds it",
    share: 2,
    async run(_, { host }, random): Promise<void> {
      // Where a virtual router has an interface of its own, the host's is nobody's business.
      const address = random.pick(random.pick(PLANS.filter((plan) => !plan.virtualMac)).addresses);
      const prefix = address.includes(":") ? 128 : 32;
      const place = [`${address}/${prefix}`, "dev", host.iface];
      const action = await host.holds(address) ? "delete" : "add";
      await host.exec(["ip", "address", action, ...place], { mayFail: true });
    },
  },
  {
    name: "malformed and foreign packets",
    share: 2,
    async run({ lab }): Promise<void> {
      const flood = await helperProgram("flood");
      const [source = ""] = LAB_OPTIONS.client[0]!.split("/");
      // The VRID after it is of version 2: no packet of this counts anywhere.
      const { vrid, addresses } = PLANS[7]!;
      await lab.client.exec([flood, source, `${vrid}`, addresses[0]!, `${PACKETS_OF_EACH_KIND}`]);
    },
  },
  {
    name: "hundreds of addresses come and go",
    share: 1,
    async run(_, { host }): Promise<void> {
      for (const action of ["add", "delete"]) {
        const lines = Array.from(
          { length: 500 },
          (_, i) => `address ${action} 10.9.${i >> 8}.${i & 255}/32 dev lo`,
        );
        await host.exec(["ip", "-batch", "-"], { stdin: lines.join("\n") });
      }
    },
  },
];

/** With an interface that goes down the kernel throws its global IPv6 addresses away. */
async function restoreAddresses(host: Host, addresses: readonly string[]): Promise<void> {
  for (const address of addresses.filter((one) => one.includes(":"))) {
    await host.exec(["ip", "address", "replace", address, "dev", host.iface, "nodad"]);
  }
}

/** One of them, as often as its share says. */
export function draw(random: Random): Trouble {
  const hat = TROUBLES.flatMap((trouble) => Array.from({ length: trouble.share }, () => trouble));
  return random.pick(hat);
}
