/** `vipd explain NAME`: who is active and why, and who would be if checks failed. */
import { compareNodes } from "../config/compare.ts";
import { movingWith, type Named } from "../config/dual_stack.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { didYouMean } from "../config/suggest.ts";
import { ConfigError, formatProblem, UsageError } from "../errors.ts";
import { assumedOfTracked, type Checks, dependenciesOf } from "../explain/composites.ts";
import { explain as explainSituation, type Explanation, type Situation } from "../explain/explain.ts";
import { type Assumed, inGroup } from "../explain/party.ts";
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
import { type Io, useColor, widthOf } from "./io.ts";
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
  return resolve(asked.name, own.config).map((name) => {
    const config = virtual_router[name]!;
    const identity = identityOf(name, config);
    const group = groupOf(name, own.config);
    const members = (group?.others ?? []).map((other) => partyOfFile(own.name, virtual_router[other]!).party);
    const explanation = explained({
      virtualRouter: name,
      here: inGroup(partyOfFile(own.name, config).party, members),
      others: filesOf(identity, asked.peers).map(({ party }) => party),
      group,
      live: null,
      assumed: asked.assumed,
    }, checksOfFile(own.config));
    return { ...explanation, findings: [...explanation.findings, ...mismatches(own, identity, asked.peers)] };
  });
}

function online(snapshot: Snapshot, asked: Asked): Explanation[] {
  const { node, virtual_routers, sync_groups } = snapshot;
  const routers = new Map(virtual_routers.map((router) => [router.name, router]));
  const named = {
    virtual_router: Object.fromEntries(routers),
    sync_group: Object.fromEntries(sync_groups.map((group) => [group.name, group])),
  };
  return resolve(asked.name, named).map((name) => {
    const router = routers.get(name)!;
    const { others, nameOf } = merge(filesOf(identityOfStatus(router), asked.peers), partiesHeard(router));
    const { state, since, reason } = router;
    const group = groupOf(name, named);
    const members = (group?.others ?? []).flatMap((other) => routers.get(other) ?? []);
    return explained({
      virtualRouter: name,
      here: inGroup(partyOfStatus(node.name, router), members.map((one) => partyOfStatus(node.name, one))),
      others,
      group,
      live: { state, since, reason, active: activeOf(node.name, router, nameOf) },
      assumed: asked.assumed,
    }, checksOfStatus(snapshot));
  });
}

function groupOf(name: string, { sync_group }: Named): Situation["group"] {
  const found = Object.entries(sync_group).find(([, { members }]) => members.includes(name));
  if (found === undefined) return null;
  const [group, { members }] = found;
  return { name: group, others: members.filter((member) => member !== name) };
}

function activeOf(
  node: string,
  { state, active_router }: VirtualRouterStatus,
  nameOf: (address: string) => string | null,
): string | null {
  if (state === "ACTIVE") return node;
  return active_router === null ? null : nameOf(active_router);
}

/** All of them are taken for passing. */
function checksOfFile({ check }: Config): Checks {
  const following = Object.entries(check).flatMap(([name, { follows }]) =>
    follows === undefined ? [] : [[name, follows] as const]
  );
  return { following: new Map(following), stateOf: () => "up" };
}

function checksOfStatus({ checks }: Snapshot): Checks {
  const following = checks.flatMap(({ name, follows }) =>
    follows === undefined ? [] : [[name, follows] as const]
  );
  const states = new Map(checks.map(({ name, state }) => [name, state]));
  return { following: new Map(following), stateOf: (name) => states.get(name) ?? "unknown" };
}

function explained(situation: Situation, checks: Checks): Explanation {
  const { here, assumed } = situation;
  const tracked = here.track.map(({ check }) => check);
  const known = dependenciesOf(tracked, checks);
  for (const check of [...assumed.failing, ...assumed.passing]) {
    if (known.includes(check)) continue;
    const which = known.length === 0 ? "it tracks none" : `it tracks ${known.join(", ")}`;
    const hint = didYouMean(check, known);
    throw new UsageError(
      `${situation.virtualRouter} does not track ${JSON.stringify(check)}${hint}: ${which}`,
    );
  }
  return explainSituation({ ...situation, assumed: assumedOfTracked(tracked, assumed, checks) });
}

/** A virtual router of this name alone, the members of a group, or the parts of one of both families. */
function resolve(name: string, named: Named): readonly string[] {
  const known = Object.keys(named.virtual_router);
  if (known.includes(name)) return [name];
  const members = movingWith(name, named);
  if (members.length > 0) return members;
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
  const width = widthOf(io);
  const view = { width, color: useColor(io), at: new Date().toISOString() };
  io.out(explanations.map((explanation) => renderExplanation(explanation, view)).join("\n\n"));
  return 0;
}
