/**
 * The table of subcommands: how each is called, what its help says, and where its code is (loaded only when
 * called).
 */
import type { Hooks } from "./hooks.ts";
import type { Io } from "./io.ts";

/** A subcommand's code: arguments after its name, surroundings, hooks; resolves with the exit code. */
export type Run = (args: string[], io: Io, hooks: Hooks) => Promise<number>;

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly description?: string;
  readonly options: readonly (readonly [flags: string, meaning: string])[];
  readonly examples?: readonly string[];
  readonly load: () => Promise<Run>;
}

const HELP_OPTION = ["-h, --help", "show this help"] as const;

/** Of every subcommand that tells a running daemon to do something. */
const CONTROL_OPTIONS = [
  ["--socket PATH", "unix socket of the daemon (default /run/vipd/vipd.sock)"],
  ["--url URL", "address of the daemon's API"],
  ["--token-file FILE", "bearer token, needed with --url"],
  HELP_OPTION,
] as const;

/** In the order of `vipd help`. */
export const COMMANDS: readonly Command[] = [
  {
    name: "run",
    summary: "run the daemon in the foreground",
    usage: "vipd [run] --config FILE",
    description:
      "SIGHUP or `vipd reload` loads the file anew; a bad file changes nothing. SIGTERM hands the addresses\n" +
      "over to another router and stops; a second SIGTERM stops at once.",
    options: [["-c, --config FILE", "configuration (default /etc/vipd/vipd.toml)"], HELP_OPTION],
    examples: ["vipd --config /etc/vipd/vipd.toml"],
    load: async () => (await import("./run.ts")).run,
  },
  {
    name: "validate",
    summary: "check configuration files and say everything that is wrong",
    usage: "vipd validate [--json] [--any-host] FILE...",
    description:
      "Errors and warnings with file, line and column. Several files are also compared with each other, as the\n" +
      "nodes of one cluster. Nothing is started or changed.",
    options: [
      ["--json", "findings as JSON"],
      ["--any-host", "say nothing about this host: its programs, its token, its engines"],
      HELP_OPTION,
    ],
    examples: [
      "vipd validate /etc/vipd/vipd.toml",
      "vipd validate lb1.toml lb2.toml",
      "vipd validate --json lb1.toml lb2.toml | jq '.files[].warnings'",
    ],
    load: async () => (await import("./validate.ts")).validate,
  },
  {
    name: "convert",
    summary: "turn a keepalived.conf into a vipd.toml",
    usage: "vipd convert FILE [-o vipd.toml] [--id ID] [--partial] [--mend] [--force] [--json]",
    description:
      "Reads includes, conditionals, definitions and sequences as keepalived does. Each keyword is converted, told as\n" +
      "obsolete or without effect, or refused with the reason and the line, on standard error. What is written can be\n" +
      "used as it stands; if something essential cannot be converted, nothing is written. Exit code 2 then.",
    options: [
      ["-o, --output FILE", "where to write it (default: standard output)"],
      ["--id ID", "name of this instance for @ID lines (default: the host name up to its first dot)"],
      ["--partial", "leave out what cannot be converted, with a comment in its place"],
      ["--mend", "first put back line breaks that a web page or a chat has lost"],
      ["--force", "replace FILE if it is there"],
      ["--json", "the report as JSON, with the result in it unless it goes to a file"],
      HELP_OPTION,
    ],
    examples: [
      "vipd convert /etc/keepalived/keepalived.conf -o /etc/vipd/vipd.toml",
      "vipd convert keepalived.conf --json | jq '.rows[] | select(.blocks)'",
    ],
    load: async () => (await import("./convert.ts")).convert,
  },
  {
    name: "schema",
    summary: "print the JSON Schema of the configuration or of the status",
    usage: "vipd schema [--status]",
    options: [["--status", "the schema of /status instead of vipd.toml"], HELP_OPTION],
    load: async () => (await import("./schema.ts")).schema,
  },
  {
    name: "status",
    summary: "show what the running daemon knows, and why",
    usage: "vipd status [--json | --watch] [--socket PATH | --url URL [--token-file FILE]]",
    description: "Without --socket or --url: unix:/run/vipd/vipd.sock, then http://127.0.0.1:8112.",
    options: [
      ["--json", "the snapshot as JSON"],
      ["-w, --watch", "stay and redraw on every change; q quits"],
      ["--socket PATH", "unix socket of the daemon"],
      ["--url URL", "address of the daemon's API, such as http://10.0.0.1:8112"],
      ["--token-file FILE", "bearer token for an API beyond this machine"],
      HELP_OPTION,
    ],
    examples: ["vipd status", "vipd status --watch", "vipd status --json | jq '.virtual_routers[].state'"],
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "doctor",
    summary: "look over this node and say what is wrong, and how to mend it",
    usage: "vipd doctor [--config FILE] [--peer FILE|URL]... [--json]",
    description:
      "Looks at the interfaces, firewall, kernel parameters, other routers, addresses, permissions, clock and\n" +
      "more, of the running daemon or of a configuration that is not running yet. Changes nothing; listens for\n" +
      "a few seconds and asks for each address once or twice. Exit code 1 when there is a problem.",
    options: [
      ["-c, --config FILE", "configuration (default: the running daemon's, or /etc/vipd/vipd.toml)"],
      ["--peer FILE|URL", "another node's configuration or API, to compare with; more than once for more"],
      ["--token-file FILE", "bearer token for the peers' APIs"],
      ["--socket PATH", "unix socket of the daemon (default: the configuration's)"],
      ["--json", "what was found as JSON"],
      HELP_OPTION,
    ],
    examples: [
      "vipd doctor",
      "vipd doctor --config new.toml --peer http://192.0.2.12:8112 --token-file /etc/vipd/token",
    ],
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "reload",
    summary: "load the configuration anew and say what changed or what is wrong",
    usage: "vipd reload [--socket PATH | --url URL --token-file FILE]",
    options: [
      ...CONTROL_OPTIONS,
    ],
    load: async () => (await import("./reload.ts")).reload,
  },
  {
    name: "handover",
    summary: "move a virtual router to another node",
    usage: "vipd handover NAME [--persist | --back] [--socket PATH | --url URL --token-file FILE]",
    description:
      "The best other node takes over before this one lets go. Then this one does not take it back by itself,\n" +
      "whatever its priority, until the other one fails or leaves, or --back. If nobody takes over, it stays.",
    options: [
      ["--back", "let it take over again when its priority is the highest"],
      ["--persist", "do not take it back after a restart of the daemon either"],
      ...CONTROL_OPTIONS,
    ],
    load: async () => (await import("./handover.ts")).handover,
  },
  {
    name: "prefer",
    summary: "make this node the ACTIVE one of a virtual router while it is healthy",
    usage: "vipd prefer NAME [--for DURATION] [--persist] | --off\n" +
      "       [--socket PATH | --url URL --token-file FILE]",
    description:
      "Its priority is 254 while every check that it tracks passes, and it takes over at once, also with\n" +
      "preempt = false: make before break. While one fails, the configured priority counts again. Only the\n" +
      "owner of the addresses (255) is above it. Afterwards it goes where the priorities say.",
    options: [
      ["--for DURATION", "only for this time, such as 30m (default: until --off)"],
      ["--persist", "also when the daemon is restarted"],
      ["--off", "the configured priority counts again"],
      ...CONTROL_OPTIONS,
    ],
    examples: ["vipd prefer VI_1 --for 30m", "vipd prefer VI_1 --persist", "vipd prefer VI_1 --off"],
    load: async () => (await import("./override.ts")).prefer,
  },
  {
    name: "priority",
    summary: "give a virtual router another base priority than the configured one",
    usage: "vipd priority NAME N|auto [--for DURATION] [--persist]\n" +
      "       [--socket PATH | --url URL --token-file FILE]",
    description:
      "1..254, to which the tracked checks add as ever, until `auto`. Everything else stays as it is\n" +
      "configured: with preempt = false a higher priority alone takes nothing over (`vipd prefer` does).",
    options: [
      ["--for DURATION", "only for this time, such as 30m (default: until auto)"],
      ["--persist", "also when the daemon is restarted"],
      ...CONTROL_OPTIONS,
    ],
    examples: ["vipd priority VI_1 90 --for 1h", "vipd priority VI_1 auto"],
    load: async () => (await import("./override.ts")).priority,
  },
  {
    name: "maintenance",
    summary: "take this node out of everything, for a while or until told otherwise",
    usage: "vipd maintenance on [--for DURATION] [--persist] [--force] | off\n" +
      "       [--socket PATH | --url URL --token-file FILE]",
    description:
      "Every virtual router is handed over to another node and stays out (INIT). One that nobody takes over\n" +
      "stays ACTIVE, and goes as soon as somebody does. Lasts over a reload and an upgrade, and with --persist\n" +
      "over a restart: the node is out before anything of it takes part.",
    options: [
      ["--for DURATION", "take part again after this time, such as 10m"],
      ["--persist", "stay out when the daemon or the host is restarted"],
      ["--force", "let go of the addresses even if nobody takes over"],
      ...CONTROL_OPTIONS,
    ],
    examples: ["vipd maintenance on --for 10m", "vipd maintenance on --persist", "vipd maintenance off"],
    load: async () => (await import("./maintenance.ts")).maintenance,
  },
  {
    name: "explain",
    summary: "say why a virtual router is where it is, and where it would be if checks failed",
    usage:
      "vipd explain NAME [--fail CHECK]... [--pass CHECK]... [--peer FILE]... [--config FILE] [--json]\n" +
      "       [--socket PATH | --url URL [--token-file FILE]]",
    description:
      "Asks the running daemon, or with --config only files, and lets the state machine itself run with everybody\n" +
      "who is known: the routers that were heard, and the hosts whose files are given (their checks are taken for\n" +
      "passing). Says what each check adds, what its failing alone or with another would do, and which weights\n" +
      "can never move the addresses. Nothing is changed.",
    options: [
      ["--fail CHECK", "this check of this host shall fail; may be given several times"],
      ["--pass CHECK", "this one shall pass, whatever it does now"],
      ["--peer FILE", "vipd.toml of another host: a backup is silent, so it may not be known otherwise"],
      ["--config FILE", "explain this file instead of the running daemon"],
      ["--json", "the explanation as JSON"],
      ["--socket PATH", "unix socket of the daemon (default /run/vipd/vipd.sock)"],
      ["--url URL", "address of the daemon's API (default http://127.0.0.1:8112)"],
      ["--token-file FILE", "bearer token, if the API wants one for reading"],
      HELP_OPTION,
    ],
    examples: [
      "vipd explain VI_1 --fail nginx --peer lb2.toml",
      "vipd explain VI_1 --fail nginx --fail uplink",
      "vipd explain VI_1 --config lb1.toml --peer lb2.toml --json | jq -r '.explanations[].findings[]'",
    ],
    load: async () => (await import("./explain.ts")).explain,
  },
  {
    name: "drain",
    summary: "give a real server no new connections, and take it out when it has none any more",
    usage: "vipd drain VIRTUAL_SERVER REAL_SERVER [--timeout DURATION] [--persist]\n" +
      "       [--socket PATH | --url URL --token-file FILE]",
    description:
      "Those that it has go on until they end or the timeout is over (0s: without limit; default: drain_timeout of\n" +
      "the configuration). It stays out until `vipd undrain`. `vipd status` shows its connections.",
    options: [
      ["--timeout DURATION", "take it out after this time at the latest, such as 5m"],
      ["--persist", "also when the daemon is restarted"],
      ...CONTROL_OPTIONS,
    ],
    examples: ["vipd drain web 192.0.2.21:80", "vipd drain web rs1 --timeout 5m --persist"],
    load: async () => (await import("./real_server.ts")).drain,
  },
  {
    name: "undrain",
    summary: "let a drained real server serve again",
    usage:
      "vipd undrain VIRTUAL_SERVER REAL_SERVER [--persist] [--socket PATH | --url URL --token-file FILE]",
    description: "A drain that was ordered with --persist has ended for good too.",
    options: [
      ["--persist", "do nothing where it cannot be made to last"],
      ...CONTROL_OPTIONS,
    ],
    load: async () => (await import("./real_server.ts")).undrain,
  },
  {
    name: "weight",
    summary: "give a real server another weight than the configured one",
    usage: "vipd weight VIRTUAL_SERVER REAL_SERVER N|auto [--persist]\n" +
      "       [--socket PATH | --url URL --token-file FILE]",
    description: "0..65535, until `auto` gives it back what the configuration or its check says.",
    options: [
      ["--persist", "also when the daemon is restarted"],
      ...CONTROL_OPTIONS,
    ],
    examples: ["vipd weight web 192.0.2.21:80 10", "vipd weight web 192.0.2.21:80 auto"],
    load: async () => (await import("./real_server.ts")).weight,
  },
  {
    name: "upgrade",
    summary: "replace the running daemon by another version without a failover",
    usage: "vipd upgrade [--binary PATH] [--socket PATH | --url URL --token-file FILE]",
    description:
      "First installs nothing and changes nothing: the new program must run and accept the configuration. Then\n" +
      "the daemon tells its peers that it will be silent for a moment and becomes the new program, in the same\n" +
      "process; addresses, states and counters stay. SIGUSR2 does the same. Also the way to restart in place.",
    options: [
      ["--binary PATH", "the program (default: what stands where the running one was started from)"],
      ...CONTROL_OPTIONS,
    ],
    examples: ["./install.sh && vipd upgrade", "vipd upgrade --binary /opt/vipd-0.2.0/vipd"],
    load: async () => (await import("./upgrade.ts")).upgrade,
  },
  {
    name: "digest",
    summary: "print the digest of a page, for `expect.digest` of an http check",
    usage: "vipd digest URL [--connect-to ADDRESS] [--method METHOD] [--host NAME] [--follow] [--insecure]",
    description:
      "Asks as the http check does and prints one line for each algorithm. Status and size go to standard error.",
    options: [
      ["--connect-to ADDRESS", "address or address:port to connect to, such as a real server's"],
      ["--host NAME", "virtual host to ask for (default: the URL's host)"],
      ["--method METHOD", "HTTP method (default GET)"],
      ["--follow", "follow redirects"],
      ["--insecure", "do not verify the certificate"],
      ["--timeout DURATION", "time for all of it (default 10s)"],
      HELP_OPTION,
    ],
    examples: [
      "vipd digest http://192.0.2.21/health",
      "vipd digest https://www.example.com/ --connect-to 192.0.2.21:443",
    ],
    load: async () => (await import("./digest.ts")).digest,
  },
  {
    name: "demo",
    summary: "see a failover: two nodes and a client in network namespaces of this machine",
    usage: "vipd demo [--interval DURATION] [--json]",
    description:
      "Runs two real vipd with a web server behind one address, kills, stops and cuts off one of them in every\n" +
      "way there is, and measures what the client notices. Takes half a minute. Needs root and nothing else;\n" +
      "makes its own network namespaces, touches nothing of this host's network, and leaves nothing behind.",
    options: [
      ["--interval DURATION", "advertisement interval, 10ms to 1s (default 100ms)"],
      ["--json", "only the results, as JSON"],
      HELP_OPTION,
    ],
    examples: [
      "vipd demo",
      "vipd demo --interval 1s",
      "vipd demo --json | jq '.events[] | {event, outage_ms}'",
    ],
    load: async () => (await import("./demo.ts")).demo,
  },
  {
    name: "version",
    summary: "print the version",
    usage: "vipd version [--json]",
    options: [["--json", "version, runtime and target as JSON"], HELP_OPTION],
    load: async () => (await import("./version.ts")).version,
  },
  {
    name: "help",
    summary: "explain a subcommand",
    usage: "vipd help [COMMAND]",
    options: [HELP_OPTION],
    load: async () => (await import("./help.ts")).help,
  },
];

export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
