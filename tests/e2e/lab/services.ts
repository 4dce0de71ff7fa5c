/** Real servers of every kind that a check logs in to or asks, on a node's loopback interface. */
import { makeCertificates } from "../../checks/certificates.ts";
import type { Host } from "../lab.ts";
import type { Child } from "./child.ts";
import { run } from "./command.ts";
import { exists } from "./files.ts";

/** A server, and the check of it. */
export interface Service {
  readonly name: string;
  /** Keys of its check; `%` stands for the directory of its own. */
  readonly check: string;
  /** Run as this user; root where the server changes its user itself, or does not mind. */
  readonly user?: string;
  /** Its program must be on this host. */
  readonly program: string;
  /** The server in the foreground. */
  readonly argv: (directory: string) => readonly string[];
  /** Makes its data and configuration, once. */
  readonly prepare?: (directory: string) => Promise<unknown>;
  /** It has a password, which the check reads from the file `password`: what is said of a wrong one. */
  readonly refuses?: RegExp;
  /** What is said when it hangs; absent where nothing can tell. */
  readonly hung?: RegExp;
}

export const PASSWORD = "secret";

const within = /^no (answer|TLS connection) within /;

/** All of them, by name. */
export const SERVICES: readonly Service[] = [
  {
    name: "mysql",
    check:
      'type = "mysql"\naddress = "%/socket"\nusername = "probe"\npassword_file = "%/password"\nrole = "primary"',
    user: "mysql",
    program: "/usr/sbin/mariadbd",
    prepare: async (directory) => {
      await Deno.writeTextFile(
        `${directory}/init.sql`,
        `CREATE OR REPLACE USER probe@localhost IDENTIFIED BY '${PASSWORD}';\n`,
      );
      await as(
        "mysql",
        "mariadb-install-db",
        "--no-defaults",
        `--datadir=${directory}/data`,
        "--skip-test-db",
      );
    },
    argv: (directory) => [
      ...[
        "/usr/sbin/mariadbd",
        "--no-defaults",
        `--datadir=${directory}/data`,
        `--socket=${directory}/socket`,
      ],
      ...[`--pid-file=${directory}/pid`, `--init-file=${directory}/init.sql`, "--skip-networking"],
      ...["--skip-log-bin", "--innodb-buffer-pool-size=8M", "--innodb-flush-log-at-trx-commit=0"],
    ],
    refuses: /^access denied for user 'probe'@'localhost' \(using password: YES\)$/,
    hung: within,
  },
  {
    name: "postgres",
    check: 'type = "postgres"\naddress = "127.0.0.1"\nusername = "probe"\npassword_file = "%/password"\n' +
      'query = "SELECT 6 * 7"\nexpect = 42',
    user: "postgres",
    program: postgres("postgres"),
    prepare: async (directory) => {
      const auth = ["-A", "scram-sha-256", "-U", "probe", `--pwfile=${directory}/password`];
      await as("postgres", postgres("initdb"), "-D", `${directory}/data`, ...auth, "--no-sync");
    },
    argv: (directory) => [
      ...[postgres("postgres"), "-D", `${directory}/data`, "-k", directory, "-h", "127.0.0.1"],
      ...["-c", "fsync=off", "-c", "shared_buffers=4MB"],
    ],
    refuses: /^password authentication failed for user "probe"$/,
    hung: within,
  },
  {
    name: "redis",
    check: 'type = "redis"\naddress = "127.0.0.1"\npassword_file = "%/password"\nrole = "primary"',
    user: "redis",
    program: "redis-server",
    argv: (directory) => [
      ...["redis-server", "--port", "6379", "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
      ...["--requirepass", PASSWORD],
    ],
    refuses: /^AUTH: WRONGPASS /,
    hung: within,
  },
  {
    name: "nginx",
    check: 'type = "nginx"\npid_file = "%/pid"\nurl = "http://127.0.0.1:80/"',
    ...webServer(80),
  },
  { name: "http", check: 'type = "http"\nurl = "http://127.0.0.1:81/"', ...webServer(81) },
  {
    name: "tls",
    check: 'type = "tls"\naddress = "127.0.0.1:443"\nca = "%/ca.pem"\nmin_validity = "14d"',
    ...webServer(443),
  },
  {
    name: "haproxy",
    check: 'type = "haproxy"\naddress = "%/socket"\nfrontends = ["web"]\nbackend = "app"\nmin_up = 1',
    program: "haproxy",
    prepare: (directory) => Deno.writeTextFile(`${directory}/cfg`, haproxy(directory)),
    argv: (directory) => ["haproxy", "-db", "-f", `${directory}/cfg`],
    hung: within,
  },
  {
    name: "smtp",
    check: 'type = "smtp"\naddress = "127.0.0.1"',
    program: "smtpd",
    prepare: (directory) =>
      Deno.writeTextFile(
        `${directory}/conf`,
        'listen on 127.0.0.1\naction "local" mbox\nmatch from local for local action "local"\n',
      ),
    argv: (directory) => ["smtpd", "-d", "-f", `${directory}/conf`],
    hung: within,
  },
  {
    name: "dns",
    check:
      'type = "dns"\naddress = "127.0.0.1"\nname = "www.example.com"\nquery = "A"\nexpect = { answer = "192.0.2.10" }',
    program: "dnsmasq",
    argv: () => [
      ...[
        "dnsmasq",
        "-k",
        "-C",
        "/dev/null",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--user=root",
      ],
      ...["--no-resolv", "--no-hosts", "--pid-file", "--address=/www.example.com/192.0.2.10"],
    ],
    hung: within,
  },
  {
    // There is no systemd in a namespace: the stand-in says what systemctl would of such a process.
    name: "systemd",
    check: `type = "systemd"\nunit = "app.service"\nsystemctl = ["sh", "-c", '''pid=$(cat %/pid)
if kill -0 $pid; then echo ActiveState=active; echo SubState=running; echo MainPID=$pid; echo Result=success
else echo ActiveState=failed; echo SubState=failed; echo MainPID=0; echo Result=signal; fi 2>&-''']`,
    program: "sleep",
    argv: (directory) => ["sh", "-c", `echo $$ >${directory}/pid; exec sleep 3600`],
  },
];

/** One that runs, or not, with a group of processes of its own. */
export class RunningService {
  readonly name: string;
  readonly directory: string;
  readonly #node: Host;
  readonly #service: Service;
  #child: Child | undefined;

  private constructor(node: Host, service: Service, directory: string) {
    this.name = service.name;
    this.#node = node;
    this.#service = service;
    this.directory = directory;
  }

  /** Makes its data; it does not run yet. */
  static async create(node: Host, service: Service): Promise<RunningService> {
    const directory = `${node.directory}/${service.name}`;
    await Deno.mkdir(directory);
    const running = new RunningService(node, service, directory);
    await running.setPassword(PASSWORD);
    if (service.user !== undefined) await run(["chown", "-R", service.user, directory]);
    await service.prepare?.(directory);
    return running;
  }

  /** Keys of the check in vipd.toml. */
  get check(): string {
    return this.#service.check.replaceAll("%", this.directory);
  }

  /** Starts it, and again should it end by itself: what the one before leaves may be in its way. */
  start(): void {
    const { user, argv } = this.#service;
    const own = user === undefined ? [] : ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"];
    const child = this.#node.spawn(this.name, ["setsid", ...own, ...argv(this.directory)]);
    this.#child = child;
    child.exited.then(({ signal }) => {
      if (this.#child === child && signal === null) setTimeout(() => this.#startAgain(child), 200);
    });
  }

  #startAgain(child: Child): void {
    if (this.#child === child) this.start();
  }

  /** The whole group of its processes; returns the moment, ms since the epoch. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): number {
    const child = this.#child;
    const at = performance.timeOrigin + performance.now();
    if (child?.running === true) Deno.kill(-child.pid, signal);
    return at;
  }

  /** Ends it at once, and for good. */
  async kill(): Promise<number> {
    const child = this.#child;
    const at = this.signal("SIGKILL");
    this.#child = undefined;
    await child?.exited;
    return at;
  }

  async setPassword(password: string): Promise<void> {
    await Deno.writeTextFile(`${this.directory}/password.new`, `${password}\n`);
    await Deno.rename(`${this.directory}/password.new`, `${this.directory}/password`);
  }
}

function as(user: string, ...argv: readonly string[]): Promise<string> {
  return run(["setpriv", "--reuid", user, "--regid", user, "--clear-groups", ...argv]);
}

/** Debian keeps versions side by side; the programs are in none of the usual directories. */
export function postgres(program: string): string {
  const root = "/usr/lib/postgresql";
  const versions = exists(root) ? [...Deno.readDirSync(root)].map(({ name }) => name) : [];
  const newest = versions.filter((name) => /^\d+$/.test(name)).toSorted((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? `/usr/bin/${program}` : `${root}/${newest}/bin/${program}`;
}

function webServer(port: number): Pick<Service, "program" | "prepare" | "argv" | "hung"> {
  return {
    program: "nginx",
    prepare: async (directory) => {
      makeCertificates(directory);
      await Deno.writeTextFile(`${directory}/conf`, nginx(directory, port));
    },
    argv: (directory) => ["nginx", "-e", `${directory}/log`, "-c", `${directory}/conf`],
    hung: within,
  };
}

function nginx(directory: string, port: number): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`);
  const tls = port === 443 ? "ssl" : "";
  return `daemon off;
user root;
pid ${directory}/pid;
events {}
http {
  access_log off;
  ${paths.join("\n  ")}
  ssl_certificate ${directory}/cert.pem;
  ssl_certificate_key ${directory}/key.pem;
  server { listen 127.0.0.1:${port} ${tls}; location / { return 200 "hello\\n"; } }
}
`;
}

/** Its backend has a server that is up, itself, and one that is not. */
function haproxy(directory: string): string {
  return `global
  stats socket ${directory}/socket level user
defaults
  mode tcp
  timeout connect 2s
  timeout client 2s
  timeout server 2s
frontend web
  bind 127.0.0.1:8080
  default_backend app
backend app
  server itself 127.0.0.1:8080 check inter 500ms
  server nobody 127.0.0.1:1 check inter 500ms
`;
}
