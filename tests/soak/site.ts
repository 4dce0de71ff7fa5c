/** The running lab of the soak: daemons, what their checks watch, and how each is broken and mended again. */
import { createLab, type Host, type Lab, waitFor } from "../e2e/lab.ts";
import type { Child } from "../e2e/lab/child.ts";
import { startKeepalived } from "../e2e/lab/keepalived.ts";
import { type Nginx, startNginx } from "../e2e/lab/nginx.ts";
import { reload, startVipd, status, type Vipd } from "../e2e/lab/vipd.ts";
import {
  CALM,
  type HostName,
  HOSTS,
  KEEPALIVED,
  keepalivedConfig,
  LAB_OPTIONS,
  type Mood,
  PLANS,
  vipdConfig,
  type Watched,
} from "./topology.ts";

/** One host with vipd. */
export interface Station {
  readonly name: HostName;
  readonly host: Host;
  readonly watched: Watched;
  nginx: Nginx;
  worker: Child;
  vipd: Vipd;
}

export interface Site {
  readonly lab: Lab;
  readonly stations: readonly Station[];
  keepalived: Child;
}

/** Builds everything and waits until it runs; whoever calls it disposes of `lab`. */
export async function openSite(): Promise<Site> {
  const lab = await createLab(LAB_OPTIONS);
  try {
    const stations = await Promise.all(HOSTS.map((name, i) => openStation(lab.node(name), name, i)));
    return { lab, stations, keepalived: await startKeepalived(lab.node(KEEPALIVED), keepalivedConfig()) };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

async function openStation(host: Host, name: HostName, index: number): Promise<Station> {
  await host.ip("link", "add", "flap0", "type", "veth", "peer", "name", "flap1");
  for (const link of ["flap0", "flap1"]) await host.ip("link", "set", link, "up");
  const nginx = await startNginx(host);
  const watched: Watched = {
    nginxPidFile: nginx.pidFile,
    file: `${host.directory}/present`,
    // Nobody else sleeps for exactly so long.
    worker: `sleep 9${Deno.pid}.${index}`,
  };
  await Deno.writeTextFile(watched.file, "");
  const worker = host.spawn("worker", watched.worker.split(" "));
  return { name, host, watched, nginx, worker, vipd: await startVipd(host, vipdConfig(name, watched, CALM)) };
}

/** Takes the mood in, by SIGHUP. */
export function setMood({ name, vipd, watched }: Station, mood: Mood): Promise<void> {
  return reload(vipd, vipdConfig(name, watched, mood));
}

export async function restartVipd(station: Station, signal: Deno.Signal): Promise<void> {
  await station.vipd.child.stop(signal);
  station.vipd = await startVipd(station.host, vipdConfig(station.name, station.watched, CALM));
}

export async function restartNginx(station: Station): Promise<void> {
  if (station.nginx.child.running) return;
  station.nginx = await startNginx(station.host);
}

export function restartWorker(station: Station): void {
  if (!station.worker.running) {
    station.worker = station.host.spawn("worker", station.watched.worker.split(" "));
  }
}

export async function restartKeepalived(site: Site): Promise<void> {
  if (!site.keepalived.running) {
    site.keepalived = await startKeepalived(site.lab.node(KEEPALIVED), keepalivedConfig());
  }
}

/** What is not as it should be while nothing is wrong: addresses that are nowhere, twice or not at home. */
async function misplaced({ lab, stations }: Site): Promise<string[]> {
  const hosts = [...stations.map(({ host }) => host), lab.node(KEEPALIVED)];
  const held = await Promise.all(hosts.map(async (host) => new Set(await host.addresses())));
  return PLANS.flatMap(({ name, addresses, home }) =>
    addresses.flatMap((address) => {
      const holders = hosts.filter((_, i) => held[i]!.has(address)).map((host) => host.name);
      return holders.join() === HOSTS[home]
        ? []
        : [`${name} ${address} on ${holders.join(" and ") || "nobody"}`];
    })
  );
}

/** Routers that neither serve nor stand by: `r3 of n1 FAULT`. */
async function idle({ stations }: Site): Promise<string[]> {
  const snapshots = await Promise.all(stations.map(({ vipd }) => status(vipd)));
  return snapshots.flatMap(({ virtual_routers }, i) =>
    virtual_routers.filter(({ state }) => state !== "ACTIVE" && state !== "BACKUP").map(({ name, state }) =>
      `${name} of ${stations[i]!.name} ${state}`
    )
  );
}

/** Waits until every address is exactly where it belongs; throws with those that are not. */
export async function settled(site: Site, timeoutMs: number): Promise<void> {
  let last: string[] = [];
  const calm = async (): Promise<boolean> => {
    last = [...await misplaced(site), ...await idle(site)];
    return last.length === 0;
  };
  await waitFor("every address to be at home", calm, timeoutMs, 200).catch((error) => {
    throw new Error(`${error.message}: ${last.join("; ")}`);
  });
}
