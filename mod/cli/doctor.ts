/** `vipd doctor`: what is wrong with this node, with the evidence and the way to mend it. */
import type { Listen } from "../config/schema.ts";
import { type Loaded, loadWithWarnings } from "../config/load.ts";
import type { Diagnosis } from "../doctor/doctor.ts";
import { ConfigError, formatProblem } from "../errors.ts";
import type { Snapshot } from "../snapshot.ts";
import { bodyOf, ClientError, connectApi, parseSnapshot } from "./client.ts";
import { renderDiagnosis } from "./doctor_view.ts";
import type { Hooks } from "./hooks.ts";
import { type Io, useColor, widthOf } from "./io.ts";
import { parseLists } from "./options.ts";

const DEFAULT_CONFIG = "/etc/vipd/vipd.toml";

interface Asked {
  readonly config: string | undefined;
  readonly peers: readonly string[];
  readonly tokenFile: string | undefined;
  readonly socket: string | undefined;
  readonly json: boolean;
}

/** `doctor [--config FILE] [--peer FILE|URL]... [--json]`; 0 no problem, 1 problems found, 2 wrong usage. */
export async function doctor(args: string[], io: Io, _hooks?: Pick<Hooks, never>): Promise<number> {
  const asked = parse(args);
  const told = asked.config === undefined ? await snapshot(asked, io, []) : null;
  const configFile = asked.config ?? told?.status?.node.config_file ?? DEFAULT_CONFIG;
  const read = await load(configFile, io);
  const loaded = "config" in read ? read : null;
  const { status, problem } = told ?? await snapshot(asked, io, loaded?.config.api.listen ?? []);
  const { examine } = await import("../doctor/doctor.ts");
  const diagnosis = await examine({
    config: loaded?.config ?? null,
    configFile,
    configFiles: loaded?.files ?? [],
    configProblem: "problem" in read ? read.problem : null,
    commandProblems: loaded?.commands.map(formatProblem) ?? [],
    status,
    statusProblem: problem,
    peers: asked.peers,
    token: asked.tokenFile === undefined ? null : (await io.readTextFile(asked.tokenFile)).trim(),
  });
  print(diagnosis, { configFile, runs: status !== null, json: asked.json }, io);
  return diagnosis.findings.some(({ severity }) => severity === "problem") ? 1 : 0;
}

function parse(args: string[]): Asked {
  const { options: { config, "token-file": tokenFile, socket, json }, lists } = parseLists(args, {
    boolean: ["json"],
    string: ["config", "token-file", "socket"],
    list: ["peer"],
    alias: { c: "config" },
  });
  return {
    config: textOf(config),
    peers: lists["peer"] ?? [],
    tokenFile: textOf(tokenFile),
    socket: textOf(socket),
    json: json === true,
  };
}

function textOf(option: string | true | undefined): string | undefined {
  return typeof option === "string" ? option : undefined;
}

/** A configuration that cannot be used is a finding, not the end. */
async function load(file: string, io: Io): Promise<Loaded | { readonly problem: string }> {
  try {
    return await loadWithWarnings(file, {
      env: (name: string) => io.env(name),
      readFile: (path: string) => io.readTextFile(path),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problem: error.problems.map(formatProblem).join("\n") };
  }
}

interface Asking {
  /** Null: none answers. */
  readonly status: Snapshot | null;
  /** Somebody may be there, and cannot be asked. */
  readonly problem: string | null;
}

/** Of the daemon that listens where the configuration says, or at the default places. */
async function snapshot({ socket }: Asked, io: Io, listen: readonly Listen[]): Promise<Asking> {
  const places = socket !== undefined ? [{ socket }] : listen.length === 0 ? [{}] : listen.flatMap(targetOf);
  let problem: string | null = null;
  for (const place of places) {
    try {
      const client = await connectApi(place, io);
      try {
        return { status: parseSnapshot(await bodyOf(await client.request("GET", "/status"))), problem: null };
      } finally {
        client.close();
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // Nobody there is an answer as well.
      if (!/No such file|Connection refused/.test(error.message)) problem ??= error.message;
    }
  }
  return { status: null, problem };
}

function targetOf(place: Listen): Record<string, string>[] {
  if (place.kind === "unix") return [{ socket: place.path }];
  // Elsewhere it needs a token.
  const isLoopback = place.hostname === "127.0.0.1" || place.hostname === "::1";
  const host = place.hostname.includes(":") ? `[${place.hostname}]` : place.hostname;
  return isLoopback ? [{ url: `http://${host}:${place.port}` }] : [];
}

function print(
  diagnosis: Diagnosis,
  context: { readonly configFile: string; readonly runs: boolean; readonly json: boolean },
  io: Io,
): void {
  if (context.json) return io.out(JSON.stringify(diagnosis, null, 2));
  const width = widthOf(io);
  io.out(renderDiagnosis(diagnosis, context, { width, color: useColor(io) }));
}
