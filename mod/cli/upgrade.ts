/** `vipd upgrade`: another program takes the running one's place without a failover. */
import * as z from "zod";
import { sleep } from "../sleep.ts";
import { type ApiClient, bodyOf, ClientError, TARGET_OPTIONS, withApi } from "./client.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

/** A program that has not answered by then does not come any more. */
const PATIENCE_MS = 15_000;
const LOOK_AGAIN_MS = 20;
/** Two runs of the new program, each of which the daemon gives ten seconds. */
const EXAMINATION_MS = 30_000;

const Accepted = z.object({ from: z.string(), to: z.string(), program: z.string() });

/** As much of the status as this needs: the two programs may be of different versions. */
const Status = z.object({
  node: z.object({
    started: z.string(),
    last_upgrade: z.object({ at: z.string(), pause_ms: z.number() }).nullish(),
    last_upgrade_error: z.string().nullish(),
  }),
  virtual_routers: z.array(z.object({ name: z.string(), state: z.string(), since: z.string() })),
});
type Status = z.infer<typeof Status>;

/**
 * `upgrade [--binary PATH] [--socket PATH | --url URL --token-file FILE]`; 0 upgraded and every virtual
 * router in its state, 1 otherwise.
 */
export async function upgrade(args: string[], io: Io): Promise<number> {
  const options = parseOptions(args, { string: ["binary", ...TARGET_OPTIONS] });
  const { binary } = options;
  const body = typeof binary === "string" ? { binary: absolute(binary) } : {};
  return await withApi(options, io, (client) => requestUpgrade(client, io, body), { write: true });
}

async function requestUpgrade(client: ApiClient, io: Io, body: { binary?: string }): Promise<number> {
  const before = await statusOf(client);
  const response = await client.request("POST", "/upgrade", {
    body: JSON.stringify(body),
    timeoutMs: EXAMINATION_MS,
  });
  const { from, to, program } = Accepted.parse(JSON.parse(await bodyOf(response)));
  const after = await successor(client, before);
  const { last_upgrade } = after.node;
  // Who has not taken over what the other left has begun anew; how that went is in the states.
  const pause = last_upgrade === null || last_upgrade === undefined
    ? ""
    : ` in ${Math.round(last_upgrade.pause_ms)} ms`;
  io.out(`upgraded ${from} -> ${to}${pause} (${program})`);
  const moved = before.virtual_routers.filter((router) => !hasStayed(router, after));
  const active = before.virtual_routers.filter(({ state }) => state === "ACTIVE").length;
  if (moved.length === 0) {
    const count = before.virtual_routers.length;
    io.out(`${count} virtual ${count === 1 ? "router" : "routers"} stayed as they were, ${active} ACTIVE`);
    return 0;
  }
  for (const { name, state } of moved) {
    const now = after.virtual_routers.find((router) => router.name === name);
    io.err(`${name} was ${state} and ${now === undefined ? "is gone" : `has begun anew: ${now.state}`}`);
  }
  return 1;
}

function hasStayed({ name, state, since }: Status["virtual_routers"][number], after: Status): boolean {
  return after.virtual_routers.some((now) => now.name === name && now.state === state && now.since === since);
}

/** The status as the new program tells it. */
async function successor(client: ApiClient, before: Status): Promise<Status> {
  const endMs = performance.now() + PATIENCE_MS;
  while (performance.now() < endMs) {
    const now = await statusIfAny(client);
    if (now !== null && now.node.started !== before.node.started) return now;
    const error = now?.node.last_upgrade_error ?? null;
    if (error !== null && error !== before.node.last_upgrade_error) {
      throw new ClientError(`Nothing was upgraded: ${error}`);
    }
    await sleep(LOOK_AGAIN_MS);
  }
  throw new ClientError(
    `The new vipd has not answered within ${PATIENCE_MS / 1000} s: see its log and "vipd status"`,
  );
}

async function statusOf(client: ApiClient): Promise<Status> {
  return Status.parse(JSON.parse(await bodyOf(await client.request("GET", "/status"))));
}

/** Null while nobody answers, as in the moment between the two programs. */
async function statusIfAny(client: ApiClient): Promise<Status | null> {
  try {
    return await statusOf(client);
  } catch (error) {
    if (error instanceof ClientError) return null;
    throw error;
  }
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}
