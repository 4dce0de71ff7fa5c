/**
 * A node as a machine of its own: its own processes, /run, /usr/local and /etc/keepalived, a systemctl(1) and
 * a service(8) that know nginx and keepalived. So what is written for real machines runs as it is.
 */
import { Host, type Lab } from "../lab.ts";
import { Child } from "./child.ts";
import { PROGRAM_MS, waitFor } from "./wait.ts";

/** Path on the machine -> text; what begins with `#!` is executable. */
export type MachineFiles = Readonly<Record<string, string>>;

const NGINX = "/usr/local/nginx/sbin/nginx";

/** A process behind nsenter(1), which does not pass signals on. */
class Inner extends Child {
  override signal(signal: Deno.Signal): void {
    if (!this.running) return;
    for (const pid of childrenOf(this.pid)) Deno.kill(pid, signal);
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
    return text.trim().split(" ").filter((word) => word !== "").map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

export class Machine extends Host {
  /** Of its first process; 0 until that runs. */
  #init = 0;

  /** Makes a machine of this node. */
  static async of(lab: Lab, name: string, files: MachineFiles): Promise<Machine> {
    const { namespace, iface, directory } = lab.node(name);
    const machine = new Machine(name, namespace, iface, directory);
    await machine.#boot(lab.node(name), files);
    return machine;
  }

  protected override inside(argv: readonly string[]): string[] {
    return ["nsenter", `--target=${this.#init}`, "--net", "--mount", "--pid", "--", ...argv];
  }

  protected override launch(
    name: string,
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Child {
    return new Inner(name, argv, env);
  }

  async #boot(node: Host, files: MachineFiles): Promise<void> {
    const script = `${this.directory}/boot`;
    await Deno.writeTextFile(script, bootScript(this, files));
    const unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "bash", script];
    const boot = node.spawn("machine", unshare);
    await waitFor(`${this.name} to boot`, () => {
      if (!boot.running) throw new Error(boot.output);
      return boot.output.includes("booted");
    }, PROGRAM_MS);
    this.#init = childrenOf(boot.pid)[0] ?? 0;
  }

  /** Starts nginx as its unit would, and waits until it serves its name. */
  async startNginx(): Promise<void> {
    await this.exec(["systemctl", "start", "nginx"]);
    const serves = (): Promise<boolean> =>
      this.exec(["curl", "-sf", "-m", "1", "http://127.0.0.1/"]).then((page) => page.trim() === this.name);
    await waitFor(`nginx of ${this.name}`, serves, PROGRAM_MS);
  }

  async stopNginx(): Promise<void> {
    await this.exec(["systemctl", "stop", "nginx"]);
  }

  /** Master and workers die on the spot. */
  async killNginx(): Promise<void> {
    await this.exec(["killall", "-9", "nginx"]);
  }

  /** From now on nginx cannot be started. */
  async breakNginx(): Promise<void> {
    await this.exec(["sh", "-c", `rm ${NGINX}`]);
  }

  async mendNginx(): Promise<void> {
    await this.exec(["cp", "/usr/sbin/nginx", NGINX]);
  }

  /** What its systemctl and service were told, in order. */
  async unitCommands(): Promise<string[]> {
    return (await this.exec(["cat", "/run/units.log"])).split("\n").filter((line) => line !== "");
  }
}

/** What an operator's machine has, in namespaces that end with this process. */
function bootScript({ name, directory }: Machine, files: MachineFiles): string {
  const written = Object.entries(files).map(([path, text]) => {
    const mode = text.startsWith("#!") ? "755" : "644";
    return `mkdir -p "$(dirname ${path})"; cat >${path} <<'END_OF_FILE'\n${text}END_OF_FILE\nchmod ${mode} ${path}`;
  });
  return `set -e
mount --make-rprivate /
for place in /run /usr/local /etc/keepalived; do
  if [ -d $place ]; then mount -t tmpfs -o mode=755 tmpfs $place; fi
done
mkdir -p ${NGINX.replace(/\/nginx$/, "")} /run/haproxy /run/vipd
cp /usr/sbin/nginx ${NGINX}
: >/run/units.log
cat >/run/nginx.conf <<'END'
${nginxConf(name)}END
cat >/run/units <<'END'
${unitScript(directory)}END
chmod 755 /run/units
for program in systemctl service; do mount --bind /run/units "$(command -v $program)"; done
${written.join("\n")}
echo booted
# The first process of a machine has to take in orphans.
trap : TERM
while :; do sleep 3600 & wait $!; done
`;
}

/** systemctl VERB UNIT and service UNIT VERB. */
function unitScript(directory: string): string {
  return `#!/bin/sh
echo "$(basename "$0") $*" >>/run/units.log
case "$*" in
*is-active*) pidof nginx >/dev/null ;;
*start*nginx* | *nginx*start*) pidof nginx >/dev/null || ${NGINX} -c /run/nginx.conf ;;
*stop*nginx* | *nginx*stop*) /usr/sbin/nginx -c /run/nginx.conf -s stop ;;
*stop*keepalived* | *keepalived*stop*) kill "$(cat ${directory}/keepalived/keepalived.pid)" ;;
*) exit 1 ;;
esac
`;
}

function nginxConf(name: string): string {
  return `user root;
worker_processes 1;
pid /run/nginx.pid;
error_log /run/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path /run/nginx_body;
  proxy_temp_path /run/nginx_proxy;
  fastcgi_temp_path /run/nginx_fastcgi;
  uwsgi_temp_path /run/nginx_uwsgi;
  scgi_temp_path /run/nginx_scgi;
  server {
    listen 80 backlog=1024;
    location / { return 200 "${name}\\n"; }
  }
}
`;
}
