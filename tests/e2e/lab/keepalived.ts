/** keepalived on a node: the independent implementation that vipd is tested and measured against. */
import type { Child } from "./child.ts";
import type { Host } from "../lab.ts";

/**
 * Starts keepalived with this configuration. It logs to the child's output, or, `quiet`, to a syslog that is
 * not there: it logs synchronously, so a slow reader would slow its failover down.
 */
export async function startKeepalived(
  node: Host,
  configuration: string,
  quiet = false,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const directory = `${node.directory}/keepalived`;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/keepalived.conf`, configuration);
  const argv = [
    "keepalived",
    "--dont-fork",
    ...(quiet ? [] : ["--log-console"]),
    "--vrrp",
    `--use-file=${directory}/keepalived.conf`,
    `--pid=${directory}/keepalived.pid`,
    `--vrrp_pid=${directory}/vrrp.pid`,
  ];
  return node.spawn("keepalived", argv, env);
}

/** Starts only the part of keepalived that checks real servers and fills the IPVS table; it logs nowhere. */
export function startCheckers(
  node: Host,
  configuration: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  return startUnlogged(node, configuration, ["--check"], env);
}

/** Starts all of keepalived; it logs nowhere. */
export function startWhole(node: Host, configuration: string): Promise<Child> {
  return startUnlogged(node, configuration, [], {});
}

async function startUnlogged(
  node: Host,
  configuration: string,
  parts: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Child> {
  const directory = `${node.directory}/keepalived`;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/keepalived.conf`, configuration);
  const argv = ["keepalived", "--dont-fork", ...parts];
  const files = {
    "use-file": "keepalived.conf",
    pid: "keepalived.pid",
    vrrp_pid: "vrrp.pid",
    checkers_pid: "checkers.pid",
  };
  const options = Object.entries(files).map(([option, file]) => `--${option}=${directory}/${file}`);
  return node.spawn("keepalived", [...argv, ...options], env);
}

/** Replaces its configuration file and tells it to reload it. */
export async function reloadKeepalived(node: Host, child: Child, configuration: string): Promise<void> {
  await Deno.writeTextFile(`${node.directory}/keepalived/keepalived.conf`, configuration);
  child.signal("SIGHUP");
}

/** Kills the child that speaks VRRP; the parent starts another after a second. */
export async function killVrrpChild(node: Host): Promise<void> {
  Deno.kill(Number(await Deno.readTextFile(`${node.directory}/keepalived/vrrp.pid`)), "SIGKILL");
}

/** Kills parent and VRRP child at once, as a crash of the whole daemon. */
export async function killKeepalived(node: Host, child: Child): Promise<void> {
  const vrrpPid = Number(await Deno.readTextFile(`${node.directory}/keepalived/vrrp.pid`));
  // The child first: when its parent dies it ends in good order. The parent would replace it, but only after
  // a second.
  Deno.kill(vrrpPid, "SIGKILL");
  child.signal("SIGKILL");
  await child.exited;
  // Where nobody reaps orphans the child stays as a zombie, and the next keepalived would believe that it is
  // running.
  await Deno.remove(`${node.directory}/keepalived/vrrp.pid`);
}
