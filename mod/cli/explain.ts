/** `vipd explain NAME`: who is active and why, and who would be if checks failed. */
import { compareNodes } from "../config/compare.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { didYouMean } from "../config/suggest.ts";
import { ConfigError, formatProblem, UsageError } from "../errors.ts";
import { explain as explainSituation, type Explanation, type Situation } from "../explain/explain.ts";
import type { Assumed } from "../explain/party.ts";
import type { Snapshot, VirtualRouterStatus } from "../snapshot.ts";
import { bodyOf, parseSnapshot, TARGET_OPTIONS, withApi } from "./client.ts";
import {
  counterpart,
  type FileParty,
  type Identity,
  identityOf,
  identityOfStatus,
  merge,
  partiesHeard,
  partyOfFile,
  partyOfStatus,
} from "./explain_parties.ts";
import { renderExplanation } from "./explain_view.ts";
import { type Io, useColor } from "./io.ts";
import { parseLists } from "./options.ts";

/** A file and what it holds. */
interface File {
  readonly name: string;
  readonly config: Config;
}

interface Asked {
  readonly name: string;
  readonly assumed: Assumed;
  readonly peers: readonly File[];
  readonly json: boolean;
}

/**
 * `explain NAME [--fail CHECK]... [--pass CHECK]... [--peer FILE]... [--config FILE] [--json]`; 0 explained,
 * 1 not reached, 2 wrong usage or a file that cannot be used.
 */
export async function explain(args: string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name.startsWith("-")) throw new UsageError("Name the virtual router first");
  const { options, lists } = parseLists(rest, {
    boolean: ["json"],
    string: ["config", ...TARGET_OPTIONS],
    list: ["fail", "pass", "peer"],
  });
  const assumed = { failing: lists["fail"] ?? [], passing: lists["pass"] ?? [] };
  const both = assumed.failing.find((check) => assumed.passing.includes(check));
  if (both !== undefined) throw new UsageError(`${both} cannot both --fail and --pass`);
  const { config: file } = options;
  if (typeof file === "string" && TARGET_OPTIONS.some((option) => options[option] !== undefined)) {
    throw new UsageError("--config explains a file: it needs no daemon");
  }
  const paths = [...(typeof file === "string" ? [file] : []), ...lists["peer"] ?? []];
  const files = await load(paths, io);
  if (files === null) return 2;
  const asked: Asked = { name, assumed, peers: [], json: options["json"] === true };
  if (typeof file === "string") {
    const [own, ...peers] = files;
    return tell(offline(own!, { ...asked, peers }), asked, io);
  }
  return await withApi(options, io, async (client) => {
    const snapshot = parseSnapshot(await bodyOf(await client.request("GET", "/status")));
    return tell(online(snapshot, { ...asked, peers: files }), asked, io);
  });
}

/** Null when one of them cannot be used, which is said. */
async function load(paths: readonly string[], io: Io): Promise<File[] | null> {
  const results = await Promise.all(paths.map(async (name): Promise<File | ConfigError> => {
    try {
      return { name, config: await loadConfig(name) };
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
  }));
  const bad = results.filter((result) => result instanceof ConfigError);
  for (const { problems } of bad) for (const problem of problems) io.err(formatProblem(problem));
  return bad.length > 0 ? null : results.filter((result) => !(result instanceof ConfigError)) as File[];
}

function offline(own: File, asked: Asked): Explanation[] {
  const { virtual_router } = own.config;
  return resolve(asked.name, Object.keys(virtual_router), own.config).map((name) => {
    const config = virtual_router[name]!;
    const identity = identityOf(name, config);
    const files = filesOf(identity, asked.peers);
    const here = partyOfFile(own.name, config).party;
    const explanation = explained({
      virtualRouter: name,
      here,
      others: files.map(({ party }) => party),
      live: null,
      assumed: asked.assumed,
    });
    return { ...explanation, findings: [...explanation.findings, ...mismatches(own, identity, asked.peers)] };
  });
}

function online(snapshot: Snapshot, asked: Asked): Explanation[] {
  const { node, virtual_routers } = snapshot;
  const names = resolve(asked.name, virtual_routers.map(({ name }) => name));
  return names.map((name) => {
    const router = virtual_routers.find((one) => one.name === name)!;
    const { others, nameOf } = merge(filesOf(identityOfStatus(router), asked.peers), partiesHeard(router));
    const { state, since, reason } = router;
    return explained({
      virtualRouter: name,
      here: partyOfStatus(node.name, router),
      others,
      live: { state, since, reason, active: activeOf(node.name, router, nameOf) },
      assumed: asked.assumed,
    });
  });
}

function activeOf(
  node: string,
  { state, active_router }: VirtualRouterStatus,
  nameOf: (address: string) => string | null,
): string | null {
  if (state === "ACTIVE") return node;
  return active_router === null ? null : nameOf(active_router);
}

function explained(situation: Situation): Explanation {
  const { here, assumed } = situation;
  const known = here.track.map(({ check }) => check);
  for (const check of [...assumed.failing, ...assumed.passing]) {
    if (known.includes(check)) continue;
    const which = known.length === 0 ? "it tracks none" : `it tracks ${known.join(", ")}`;
    const hint = didYouMean(check, known);
    throw new UsageError(
      `${situation.virtualRouter} does not track ${JSON.stringify(check)}${hint}: ${which}`,
    );
  }
  return explainSituation(situation);
}

/** A virtual router of this name, or those of both families of one, or the members of a group. */
function resolve(name: string, known: readonly string[], config?: Config): string[] {
  if (known.includes(name)) return [name];
  const group = config !== undefined && Object.hasOwn(config.sync_group, name)
    ? config.sync_group[name]
    : undefined;
  if (group !== undefined) return [...group.members];
  const families = known.filter((one) => one === `${name}/ipv4` || one === `${name}/ipv6`);
  if (families.length > 0) return families;
  const hint = didYouMean(name, known);
  throw new UsageError(
    `There is no virtual router ${JSON.stringify(name)}${hint}: ${known.join(", ") || "none"}`,
  );
}

function filesOf(identity: Identity, peers: readonly File[]): FileParty[] {
  return peers.map(({ name, config }) => {
    const router = counterpart(config, identity);
    if (router !== undefined) return partyOfFile(name, router);
    throw new UsageError(
      `${name} has no virtual router with VRID ${identity.vrid} that shares an address or the name with ${identity.name}`,
    );
  });
}

/** What would keep them from understanding each other, as `vipd validate` says it. */
function mismatches(own: File, { name }: Identity, peers: readonly File[]): string[] {
  const nodes = [own, ...peers].map((file) => ({ file: file.name, config: file.config }));
  return compareNodes(nodes).filter(({ finding: { path } }) =>
    path[0] === "virtual_router" && path[1] === name && path[2] !== "track"
  ).map(({ node, finding }) =>
    `${nodes[node]!.file}: ${finding.path.slice(2).join(".")}: ${finding.message}`
  );
}

function tell(explanations: readonly Explanation[], { json }: Asked, io: Io): number {
  if (json) {
    io.out(JSON.stringify({ explanations }, null, 2));
    return 0;
  }
  const width = io.isTerminal ? Deno.consoleSize().columns : Infinity;
  const view = { width, color: useColor(io), at: new Date().toISOString() };
  io.out(explanations.map((explanation) => renderExplanation(explanation, view)).join("\n\n"));
  return 0;
}
