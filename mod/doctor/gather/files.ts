/** Files of the configuration, and names that its checks need. */
import { lookup } from "node:dns/promises";
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { parseEndpoint } from "../../../checks/connection.ts";
import type { CheckConfig } from "../../config/check.ts";
import type { Config } from "../../config/schema.ts";
import { parseAddress } from "../../wire/address.ts";
import type { Facts, FileFacts } from "../facts.ts";

const LOOKUP_MS = 3_000;
const MAX_NAMES = 16;
/** Options of checks that name a host. */
const HOST_KEYS = ["url", "address", "addresses"];

export function gatherFiles(config: Config | null, configFiles: readonly string[]): FileFacts[] {
  const secret = Object.values(config?.virtual_router ?? {}).some(({ password }) => password !== undefined);
  const token = config?.api.token_file;
  return [
    ...configFiles.map((path) => fileAt(path, "configuration", secret)),
    ...(token === undefined ? [] : [fileAt(token, "token", true)]),
    ...(config === null ? [] : [fileAt(config.node.state_file, "state", false)]),
  ];
}

function fileAt(path: string, what: FileFacts["what"], secret: boolean): FileFacts {
  const info = stat(path);
  return {
    path,
    what,
    exists: info !== null,
    mode: info?.mode ?? 0,
    uid: info?.uid ?? 0,
    free: freeAt(path),
    secret,
  };
}

function stat(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return null;
  }
}

/** Bytes free for others than root where the file is, or would be. */
function freeAt(path: string): number | null {
  if (stat(path) === null) return path === "/" ? null : freeAt(dirname(path));
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

export async function gatherNames(config: Config | null): Promise<Facts["unresolved"]> {
  const names = [...new Set(Object.values(config?.check ?? {}).flatMap(hostsIn))];
  const found = await Promise.all(
    names.slice(0, MAX_NAMES).map(async (name) => {
      const problem = await resolve(name);
      return problem === null ? [] : [{ name, problem }];
    }),
  );
  return found.flat();
}

function hostsIn({ options }: CheckConfig): string[] {
  return HOST_KEYS.flatMap((key) => [options[key]].flat()).flatMap((value) => {
    if (typeof value !== "string") return [];
    const host = URL.canParse(value) && value.includes("://")
      ? new URL(value).hostname
      : parseEndpoint(value, 1)?.host ?? "";
    const isName = /^[a-z0-9._-]+$/i.test(host) && parseAddress(host) === null;
    return isName && host !== "localhost" ? [host] : [];
  });
}

async function resolve(name: string): Promise<string | null> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(`no answer within ${LOOKUP_MS} ms`), LOOKUP_MS);
  const asked = lookup(name).then(() => null, (error: Error) => error.message);
  return await Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
}
