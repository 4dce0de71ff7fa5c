/** haproxy.cfg as text: everything in it comes from vipd.toml and from what is known of the servers. PURE. */
import { endpointKey } from "../model.ts";
import type { Proxy, Slot } from "./proxy.ts";
import { digest, oneGlobalLine, oneLine, word } from "./words.ts";

/** What all proxies share. */
export interface Surroundings {
  /** Files of the running haproxy, all in a directory of vipd's own. */
  readonly paths: Paths;
  /** Whom the workers become; null: they stay what the master is. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Further lines of these sections. */
  readonly global: readonly string[];
  readonly defaults: readonly string[];
  /** What else a new configuration is due for: when the certificates changed. */
  readonly stamp: string;
}

export interface Paths {
  readonly configuration: string;
  /** The worker's commands. */
  readonly commands: string;
  /** The master's commands. */
  readonly master: string;
  readonly pid: string;
  readonly log: string;
  /** All that the workers see of the file system. */
  readonly jail: string;
}

export function pathsIn(directory: string): Paths {
  return {
    configuration: `${directory}/haproxy.cfg`,
    commands: `${directory}/commands.sock`,
    master: `${directory}/master.sock`,
    pid: `${directory}/haproxy.pid`,
    log: `${directory}/haproxy.log`,
    jail: `${directory}/jail`,
  };
}

/** The peers section; no virtual server can be called so. */
const PEERS = "vipd:peers";
const TABLE_ENTRIES = "1m";

/** What a mode needs of timeouts. Without traffic a TCP connection lives as long as in IPVS. */
const TIMEOUTS = {
  tcp: ["timeout client 15m", "timeout server 15m"],
  http: [
    "timeout http-request 10s",
    "timeout http-keep-alive 10s",
    "timeout client 1m",
    "timeout server 1m",
    "timeout tunnel 1h",
  ],
} as const;

/** A configuration, and the mark by which a running haproxy tells that it has it. */
export interface Composed {
  readonly text: string;
  /** Equal for equal structure: which server may serve, and how much, is no part of it. */
  readonly mark: string;
}

/** The whole file. In it every server is as it shall be, so that a worker that starts is right at once. */
export function compose(proxies: readonly Proxy[], surroundings: Surroundings): Composed {
  const body = (withStates: boolean): string =>
    [
      ...peersSection(proxies, surroundings),
      ...(["tcp", "http"] as const).flatMap((mode) => modeSections(mode, proxies, surroundings, withStates)),
    ].join("\n");
  const global = globalSection(surroundings);
  const mark = digest([...global, surroundings.stamp, body(false)].join("\n"));
  const head = [
    "# vipd writes this file from vipd.toml: what is changed here is lost.",
    "",
    "global",
    `  description "vipd ${mark}"`,
    ...global,
  ];
  return { mark, text: `${head.join("\n")}\n${body(true)}\n` };
}

/** Of a text that `compose` has made; null of any other. */
export function markOf(text: string): string | null {
  return /^ {2}description "vipd ([0-9a-f]{16})"$/m.exec(text)?.[1] ?? null;
}

/** Where the proxies of such a text listen: `192.0.2.10:80`, `[2001:db8::1]:80`. */
export function bindingsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^ {2}bind (\S+) transparent\b/gm)].map(([, place = ""]) => place));
}

function globalSection({ paths, user, global }: Surroundings): string[] {
  return [
    `stats socket ${word(paths.commands)} mode 600 level admin expose-fd listeners`,
    "stats timeout 1m",
    ...(user === null ? [] : [`uid ${user.uid}`, `gid ${user.gid}`, `chroot ${word(paths.jail)}`]),
    "localpeer vipd",
    ...global.map(oneGlobalLine),
  ].map(indent);
}

/**
 * The worker that ends on a reload tells the next one which client belongs to which server, over a socket in
 * the jail: see `jailOf` in process.ts for how both find it.
 */
function peersSection(proxies: readonly Proxy[], { paths, user }: Surroundings): string[] {
  if (!proxies.some(({ persistence }) => persistence !== null)) return [];
  const owner = user === null ? "" : ` uid ${user.uid} gid ${user.gid}`;
  return [
    "",
    `peers ${PEERS}`,
    `  bind ${word(`unix@${paths.jail}/peers.sock`)} mode 600${owner}`,
    "  server vipd",
  ];
}

function modeSections(
  mode: Proxy["mode"],
  proxies: readonly Proxy[],
  { defaults }: Surroundings,
  withStates: boolean,
): string[] {
  const ours = proxies.filter((proxy) => proxy.mode === mode);
  if (ours.length === 0) return [];
  const lines = [
    `mode ${mode}`,
    "timeout connect 5s",
    "timeout queue 30s",
    ...TIMEOUTS[mode],
    // A server that refuses costs nobody a request: the next attempt goes to another one.
    "retries 3",
    "option redispatch 1",
    ...defaults.map(oneLine),
  ];
  return ["", "defaults", ...lines.map(indent), ...ours.flatMap((proxy) => sectionsOf(proxy, withStates))];
}

function sectionsOf(proxy: Proxy, withStates: boolean): string[] {
  return [
    "",
    `frontend ${proxy.name}`,
    ...frontendLines(proxy).map(indent),
    "",
    `backend ${proxy.name}`,
    ...backendLines(proxy).map(indent),
    ...proxy.slots.map((slot) => indent(serverLine(slot, proxy, withStates))),
  ];
}

function frontendLines(proxy: Proxy): string[] {
  const { mode, name, options } = proxy;
  const { certificate, frontend = [], redirect_https = false, forwarded = true } = options;
  const alpn = mode === "http" ? " alpn h2,http/1.1" : "";
  const tls = certificate === undefined ? "" : ` ssl crt ${word(certificate)}${alpn}`;
  const redirect = "http-request redirect scheme https code 301 unless { ssl_fc }";
  return [
    // The address is here only while this node is ACTIVE; the socket is there before.
    `bind ${endpointKey(proxy)} transparent${tls}`,
    ...(mode === "http" && redirect_https ? [redirect] : []),
    // In place of what the client says of itself, which anybody can make up.
    ...(mode === "http" && forwarded
      ? [
        "http-request set-header X-Forwarded-For %[src]",
        "http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]",
      ]
      : []),
    ...frontend.map(oneLine),
    `default_backend ${name}`,
  ];
}

function backendLines({ mode, family, algorithm, persistence, options }: Proxy): string[] {
  const { cookie, certificate, backend = [] } = options;
  const secure = certificate === undefined ? "" : " secure";
  return [
    `balance ${oneLine(algorithm.words)}`,
    ...(algorithm.isHash ? ["hash-type consistent"] : []),
    ...(mode === "http" && cookie !== undefined
      ? [`cookie ${word(cookie)} insert indirect nocache httponly${secure}`]
      : []),
    ...(persistence === null ? [] : stickLines(family, persistence.seconds, persistence.prefix)),
    ...backend.map(oneLine),
  ];
}

function stickLines(family: Proxy["family"], seconds: number, prefix: number): string[] {
  const type = family === 4 ? "ip" : "ipv6";
  const isWhole = prefix === (family === 4 ? 32 : 128);
  // For an IPv6 address the second number counts, and the first must be there.
  const mask = isWhole ? "" : family === 4 ? `,ipmask(${prefix})` : `,ipmask(32,${prefix})`;
  return [
    `stick-table type ${type} size ${TABLE_ENTRIES} expire ${seconds}s peers ${PEERS}`,
    `stick on src${mask}`,
  ];
}

/** Without states: what a change of needs a reload for. */
function serverLine(slot: Slot, { mode, options }: Proxy, withStates: boolean): string {
  const { proxy_protocol, cookie } = options;
  const protocol = proxy_protocol === undefined
    ? []
    : [proxy_protocol === "v1" ? "send-proxy" : "send-proxy-v2"];
  return [
    `server ${slot.name} ${endpointKey(slot)}`,
    ...(withStates ? [`weight ${slot.state === "drain" ? 0 : slot.weight}`] : []),
    ...(withStates && slot.state === "maint" ? ["disabled"] : []),
    ...(slot.isSorry ? ["backup"] : []),
    ...(slot.connectionsMax > 0 ? [`maxconn ${slot.connectionsMax}`] : []),
    ...(mode === "http" && cookie !== undefined ? [`cookie ${slot.cookie}`] : []),
    ...protocol,
  ].join(" ");
}

function indent(line: string): string {
  return `  ${line}`;
}
