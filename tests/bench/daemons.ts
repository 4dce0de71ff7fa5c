/** vipd and keepalived behind one face, so that every measurement treats them alike. */
import type { Child } from "../e2e/lab/child.ts";
import { run } from "../e2e/lab/command.ts";
import { helperLibrary } from "../e2e/lab/compile.ts";
import { killKeepalived, killVrrpChild, reloadKeepalived, startKeepalived } from "../e2e/lab/keepalived.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "../e2e/lab/routers.ts";
import { launchVipd, reload, vipdCommand } from "../e2e/lab/vipd.ts";
import { type Host, sleep } from "../e2e/lab.ts";

/** A supervisor, keepalived's own or systemd as it is usually told, starts a dead daemon after so long. */
const RESTART_MS = 1_000;

/** A virtual router to run; `nginx` says what the death of nginx does to it. */
export interface BenchRouter extends RouterSpec {
  readonly nginx?: Tracked;
}

interface Tracked {
  readonly pidFile: string;
  readonly processName: string;
  /** Without a weight the virtual router is in fault while nginx is dead. */
  readonly weight?: number;
}

export interface Running {
  readonly child: Child;
  /** Processes that belong to the daemon, itself included. */
  pids(): Promise<number[]>;
  /** SIGTERM, and wait for the end. */
  stop(): Promise<void>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
  /** Another configuration, without a restart. */
  reload(routers: readonly BenchRouter[]): Promise<void>;
}

export interface Daemon {
  readonly name: "vipd" | "keepalived" | "keepalived, process tracking";
  readonly binary: string;
  start(node: Host, routers: readonly BenchRouter[]): Promise<Running>;
  /** The process that speaks VRRP dies, and whoever watches it starts it again a second later. */
  crash(running: Running, node: Host, routers: readonly BenchRouter[]): Promise<Running>;
  /** Another program takes the running one's place, in the way that disturbs least. */
  upgrade(running: Running, node: Host, routers: readonly BenchRouter[]): Promise<Running>;
}

export const vipd: Daemon = {
  name: "vipd",
  binary: vipdCommand()[0] ?? "",
  async start(node, routers): Promise<Running> {
    const instance = await launchVipd(node, vipdConfig(routers));
    const { child } = instance;
    return {
      child,
      pids: () => Promise.resolve([child.pid]),
      stop: async () => void await child.stop("SIGTERM"),
      async kill(): Promise<void> {
        child.signal("SIGKILL");
        await child.exited;
      },
      reload: (others) => reload(instance, vipdConfig(others)),
    };
  },
  async crash(running, node, routers): Promise<Running> {
    await running.kill();
    await sleep(RESTART_MS);
    return await vipd.start(node, routers);
  },
  async upgrade(running, node): Promise<Running> {
    await run([vipd.binary, "upgrade", "--socket", `${node.directory}/vipd/vipd.sock`]);
    return running;
  },
};

/** As operators configure it: a script that asks every 2 s whether the process of the pid file lives. */
export const keepalived: Daemon = keepalivedThat("keepalived", scriptConfig);

/** With its own process tracking, for which the kernel tells it every birth and death on the host. */
export const trackingKeepalived: Daemon = keepalivedThat("keepalived, process tracking", trackingConfig);

function keepalivedThat(
  name: Daemon["name"],
  configure: (routers: readonly BenchRouter[], script: string) => string,
): Daemon {
  return {
    name,
    binary: "/usr/sbin/keepalived",
    async start(node, routers): Promise<Running> {
      const script = await writeScript(node, routers);
      const env = configure === trackingConfig ? await connectorEnv() : {};
      const child = await startKeepalived(node, configure(routers, script), true, env);
      return {
        child,
        pids: async () => [child.pid, ...await childrenOf(child.pid)],
        stop: async () => void await child.stop("SIGTERM"),
        kill: () => killKeepalived(node, child),
        reload: (others) => reloadKeepalived(node, child, configure(others, script)),
      };
    },
    async crash(running, node): Promise<Running> {
      await killVrrpChild(node);
      return running;
    },
    async upgrade(running, node, routers): Promise<Running> {
      await running.stop();
      return await this.start(node, routers);
    },
  };
}

/** The kernel's process connector speaks in the initial network namespace only, where this process is. */
async function connectorEnv(): Promise<Readonly<{ [name: string]: string }>> {
  return { LD_PRELOAD: await helperLibrary("connector"), CONNECTOR_NETNS: `/proc/${Deno.pid}/ns/net` };
}

function vipdConfig(routers: readonly BenchRouter[]): string {
  const nginx = trackedBy(routers);
  const check = nginx === undefined
    ? ""
    : `[check.nginx]\ntype = "nginx"\npid_file = "${nginx.pidFile}"\nname = "${nginx.processName}"\n` +
      `interval = "2s"\nfall = 1\nrise = 1\n`;
  const track = ({ nginx }: BenchRouter): string => {
    if (nginx === undefined) return "";
    const { weight } = nginx;
    return weight === undefined ? 'track = ["nginx"]' : `track = [{ check = "nginx", weight = ${weight} }]`;
  };
  const extended = (router: BenchRouter): RouterSpec => ({
    ...router,
    vipdExtra: (router.vipdExtra ?? "") + track(router),
  });
  return check + routers.map((router) => vipdRouter(extended(router))).join("\n");
}

function trackedBy(routers: readonly BenchRouter[]): Tracked | undefined {
  return routers.find(({ nginx }) => nginx !== undefined)?.nginx;
}

const GLOBAL = "global_defs {\nscript_user root\n}\n";

function scriptConfig(routers: readonly BenchRouter[], script: string): string {
  const definition = `vrrp_script nginx {\nscript "${script}"\ninterval 2\nfall 1\nrise 1\nuser root\n}\n`;
  return keepalivedConfig(routers, definition, "track_script");
}

function trackingConfig(routers: readonly BenchRouter[]): string {
  const processName = trackedBy(routers)?.processName ?? "nginx";
  return keepalivedConfig(
    routers,
    `vrrp_track_process nginx {\nprocess ${processName}\n}\n`,
    "track_process",
  );
}

function keepalivedConfig(routers: readonly BenchRouter[], definition: string, use: string): string {
  // Without a weight the virtual router is in fault.
  const track = ({ nginx }: BenchRouter): string =>
    nginx === undefined ? "" : `${use} {\nnginx weight ${nginx.weight ?? 0}\n}`;
  const extended = (router: BenchRouter): RouterSpec => ({
    ...router,
    keepalivedExtra: (router.keepalivedExtra ?? "") + track(router),
  });
  const definitions = trackedBy(routers) === undefined ? [] : [definition];
  return [GLOBAL, ...definitions, ...routers.map((router) => keepalivedRouter(extended(router)))].join("\n");
}

async function writeScript(node: Host, routers: readonly BenchRouter[]): Promise<string> {
  const path = `${node.directory}/check_nginx.sh`;
  const pidFile = trackedBy(routers)?.pidFile ?? "";
  await Deno.writeTextFile(path, `#!/bin/sh\nkill -0 "$(cat ${pidFile})"\n`, { mode: 0o755 });
  return path;
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return text.split(" ").filter((word) => word !== "").map(Number);
}
