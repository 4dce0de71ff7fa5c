/** A real nginx with its own directory, configuration and loopback port, for tests. */

export class NginxLab implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "vipd-nginx-" });
  readonly pidFile = `${this.directory}/nginx.pid`;
  readonly configFile = `${this.directory}/nginx.conf`;
  readonly port = freePort();
  readonly url = `http://127.0.0.1:${this.port}/`;
  readonly #masters = new Set<number>();

  constructor() {
    this.write("hello");
  }

  /**
   * Writes the configuration; the server answers every request with `body`, over TLS where directives for it
   * are given.
   */
  write(body: string, tls: readonly string[] = []): void {
    const listen = `listen 127.0.0.1:${this.port} reuseport${tls.length > 0 ? " ssl" : ""};`;
    const server = [
      listen,
      ...tls.map((directive) => `${directive};`),
      `location / { return 200 "${body}"; }`,
    ];
    Deno.writeTextFileSync(
      this.configFile,
      `pid ${this.pidFile};
error_log ${this.directory}/error.log;
worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${this.directory}/body;
  proxy_temp_path ${this.directory}/proxy;
  fastcgi_temp_path ${this.directory}/fastcgi;
  uwsgi_temp_path ${this.directory}/uwsgi;
  scgi_temp_path ${this.directory}/scgi;
  server {
    ${server.join("\n    ")}
  }
}
`,
    );
  }

  get command(): [string, ...string[]] {
    return ["/usr/sbin/nginx", "-c", this.configFile];
  }

  /** Starts nginx and resolves with the pid of its master, as its pid file has it. */
  async start(): Promise<number> {
    const [program, ...args] = this.command;
    const { success, stderr } = await new Deno.Command(program, { args, stdout: "null", stderr: "piped" })
      .output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return await this.master();
  }

  async master(): Promise<number> {
    for (let tries = 0; tries < 200; tries++) {
      const pid = this.pid();
      // The file is written a moment before the process has its title.
      if (pid !== undefined && isAlive(pid) && commandLine(pid).includes("master process")) {
        this.#masters.add(pid);
        return pid;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("nginx has not written its pid file");
  }

  /** Kills the master; its workers, which would keep the port, follow. */
  kill(pid: number): void {
    const workers = children(pid);
    Deno.kill(pid, "SIGKILL");
    for (const worker of workers) Deno.kill(worker, "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const suffix of ["", ".oldbin"]) {
      const pid = this.pid(suffix);
      if (pid !== undefined) this.#masters.add(pid);
    }
    for (const pid of this.#masters) {
      if (isAlive(pid) && commandLine(pid).includes(this.configFile)) this.kill(pid);
    }
    await Deno.remove(this.directory, { recursive: true });
  }

  /** What the pid file says, or the one of an upgrade (".oldbin"). */
  pid(suffix = ""): number | undefined {
    try {
      return Number(Deno.readTextFileSync(this.pidFile + suffix)) || undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
}

export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function isAlive(pid: number): boolean {
  return readText(`/proc/${pid}/stat`) !== "" && !/\) Z /.test(readText(`/proc/${pid}/stat`));
}

function commandLine(pid: number): string {
  return readText(`/proc/${pid}/cmdline`);
}

function children(pid: number): number[] {
  return readText(`/proc/${pid}/task/${pid}/children`).split(" ").map(Number).filter((child) => child > 0);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
