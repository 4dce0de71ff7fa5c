/**
 * A real nginx on a node: port 80 of every address, a page that is the node's name, and `/download`, which
 * takes some seconds. Its process may bear another name.
 */
import type { Child } from "./child.ts";
import type { Host } from "../lab.ts";
import { PROGRAM_MS, waitFor } from "./wait.ts";

/** At 200 KB a second. */
export const DOWNLOAD_BYTES = 2_000_000;

export interface Nginx {
  readonly child: Child;
  readonly pidFile: string;
  /** `nginx -s stop`: an orderly end. */
  stop(): Promise<void>;
  /** Master and workers die on the spot; resolves with the moment, ms since the epoch. */
  kill(): Promise<number>;
}

export async function startNginx(node: Host, processName = "nginx"): Promise<Nginx> {
  const prefix = `${node.directory}/nginx`;
  await Deno.mkdir(prefix, { recursive: true });
  const program = await programNamed(processName, prefix);
  await Deno.writeTextFile(`${prefix}/nginx.conf`, configuration(node.name, prefix));
  await Deno.writeFile(`${prefix}/download`, new Uint8Array(DOWNLOAD_BYTES));
  const pidFile = `${prefix}/nginx.pid`;
  const child = node.spawn("nginx", [
    program,
    "-p",
    prefix,
    "-e",
    `${prefix}/error.log`,
    "-c",
    `${prefix}/nginx.conf`,
  ]);
  const url = "http://127.0.0.1/";
  const serving = (): Promise<boolean> =>
    node.exec(["curl", "-sf", "-m", "1", url]).then((page) => page.trim() === node.name);
  await waitFor(`nginx of ${node.name}`, serving, PROGRAM_MS);
  return {
    child,
    pidFile,
    stop: async () => {
      await child.stop("SIGTERM");
    },
    kill: async () => {
      const workers = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
      const killedMs = performance.timeOrigin + performance.now();
      // The master first: it would replace its workers.
      child.signal("SIGKILL");
      for (const pid of workers.trim().split(" ")) Deno.kill(Number(pid), "SIGKILL");
      await child.exited;
      return killedMs;
    },
  };
}

/** A process is called what its program file is called, so a link of that name will do. */
async function programNamed(processName: string, directory: string): Promise<string> {
  if (processName === "nginx") return processName;
  const path = `${directory}/${processName}`;
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.symlink("/usr/sbin/nginx", path);
  return path;
}

function configuration(name: string, prefix: string): string {
  return `
daemon off;
user root;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  server {
    listen 80 backlog=1024;
    listen [::]:80 ipv6only=on backlog=1024;
    location / { return 200 "${name}\\n"; }
    location = /download { alias ${prefix}/download; limit_rate 200k; add_header X-Node "${name}"; }
  }
}
`;
}
