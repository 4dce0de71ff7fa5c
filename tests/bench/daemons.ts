/** vipd and keepalived behind one face, so that every measurement treats them alike. */
import type { Host } from "../e2e/lab.ts";
import { killKeepalived, startKeepalived } from "../e2e/lab/keepalived.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "../e2e/lab/routers.ts";
import { launchVipd, vipdCommand } from "../e2e/lab/vipd.ts";
import type { Child } from "../e2e/lab/child.ts";

/** A virtual router to run; `nginx` says what the death of nginx does to it. */
export interface BenchRouter extends RouterSpec {
  readonly nginx?: { readonly pidFile: string; readonly weight?: number };
}

export interface Running {
  readonly child: Child;
  /** Processes that belong to the daemon, itself included. */
  pids(): Promise<number[]>;
  /** SIGTERM, and wait for the end. */
  stop(): Promise<void>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
}

export interface Daemon {
  readonly name: "vipd" | "keepalived";
  readonly binary: string;
  start(node: Host, routers: readonly BenchRouter[]): Promise<Running>;
}

export const vipd: Daemon = {
  name: "vipd",
  binary: vipdCommand()[0] ?? "",
  async start(node, routers): Promise<Running> {
    const { child } = await launchVipd(node, vipdConfig(routers));
    return {
      child,
      pids: () => Promise.resolve([child.pid]),
      stop: async () => void await child.stop("SIGTERM"),
      kill: async () => void await child.stop("SIGKILL"),
    };
  },
};

export const keepalived: Daemon = {
  name: "keepalived",
  binary: "/usr/sbin/keepalived",
  async start(node, routers): Promise<Running> {
    const script = await writeScript(node, routers);
    const child = await startKeepalived(node, keepalivedConfig(routers, script), true);
    return {
      child,
      pids: async () => [child.pid, ...await childrenOf(child.pid)],
      stop: async () => void await child.stop("SIGTERM"),
      kill: () => killKeepalived(node, child),
    };
  },
};

function vipdConfig(routers: readonly BenchRouter[]): string {
  const pidFile = routers.find(({ nginx }) => nginx !== undefined)?.nginx?.pidFile;
  const check = pidFile === undefined
    ? ""
    : `[check.nginx]\ntype = "nginx"\npid_file = "${pidFile}"\ninterval = "2s"\nfall = 1\nrise = 1\n`;
  const track = ({ nginx }: BenchRouter): string => {
    if (nginx === undefined) return "";
    const { weight } = nginx;
    return weight === undefined ? 'track = ["nginx"]' : `track = [{ check = "nginx", weight = ${weight} }]`;
  };
  return check + routers.map((router) => vipdRouter({ ...router, vipdExtra: track(router) })).join("\n");
}

/**
 * What operators write for keepalived: a script that asks whether the process of the pid file lives, every 2
 * s.
 */
function keepalivedConfig(routers: readonly BenchRouter[], script: string): string {
  const checks = routers.filter(({ nginx }) => nginx !== undefined).map(({ name, nginx }) => {
    const weight = nginx?.weight === undefined ? "" : `weight ${nginx.weight}`;
    return `vrrp_script nginx_${name} {\nscript "${script}"\ninterval 2\nfall 1\nrise 1\n${weight}\nuser root\n}\n`;
  });
  const track = ({ name, nginx }: BenchRouter): string =>
    nginx === undefined ? "" : `track_script {\nnginx_${name}\n}`;
  const instances = routers.map((router) => keepalivedRouter({ ...router, keepalivedExtra: track(router) }));
  return ["global_defs {\nscript_user root\n}\n", ...checks, ...instances].join("\n");
}

async function writeScript(node: Host, routers: readonly BenchRouter[]): Promise<string> {
  const path = `${node.directory}/check_nginx.sh`;
  const pidFile = routers.find(({ nginx }) => nginx !== undefined)?.nginx?.pidFile ?? "";
  await Deno.writeTextFile(path, `#!/bin/sh\nkill -0 "$(cat ${pidFile})"\n`, { mode: 0o755 });
  return path;
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return text.split(" ").filter((word) => word !== "").map(Number);
}
