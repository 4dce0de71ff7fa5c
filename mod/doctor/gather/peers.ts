/** The other nodes: a configuration file, or the address of a running daemon's API. */
import { compareNodes } from "../../config/compare.ts";
import { formatPath } from "../../config/document.ts";
import { loadConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { directRoute } from "../../direct_route.ts";
import { ConfigError, formatProblem } from "../../errors.ts";
import { Snapshot } from "../../snapshot.ts";
import type { PeerFacts } from "../facts.ts";

const TIMEOUT_MS = 4_000;
const NOTHING = { config: null, status: null, problem: null, clockAheadMs: null, comparison: [] } as const;

export interface PeerOptions {
  readonly configFile: string;
  readonly config: Config | null;
  /** Bearer token for their APIs; null: none. */
  readonly token: string | null;
}

export function gatherPeer(name: string, options: PeerOptions): Promise<PeerFacts> {
  return /^https?:\/\//.test(name) ? fromApi(name, options) : fromFile(name, options);
}

async function fromFile(name: string, { configFile, config }: PeerOptions): Promise<PeerFacts> {
  try {
    const peer = await loadConfig(name);
    if (config === null) return { ...NOTHING, name, config: peer };
    const findings = compareNodes([{ file: configFile, config }, { file: name, config: peer }]);
    const files = [configFile, name];
    const comparison = findings.map(({ node, finding: { path, message } }) =>
      `${files[node]}: ${formatPath(path)}: ${message}`
    );
    return { ...NOTHING, name, config: peer, comparison };
  } catch (error) {
    if (error instanceof ConfigError) {
      return { ...NOTHING, name, problem: error.problems.map(formatProblem).join("; ") };
    }
    throw error;
  }
}

async function fromApi(name: string, { token }: PeerOptions): Promise<PeerFacts> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const url = `${name.replace(/\/+$/, "")}/status`;
  try {
    using client = Deno.createHttpClient({ proxy: directRoute(name) });
    const response = await fetch(url, { headers, client, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = await response.text();
    const date = Date.parse(response.headers.get("date") ?? "");
    // Whole seconds: half of one is meant.
    const clockAheadMs = Number.isNaN(date) ? null : date + 500 - Date.now();
    if (!response.ok) return { ...NOTHING, name, clockAheadMs, problem: `${url} answers ${response.status}` };
    const parsed = Snapshot.safeParse(JSON.parse(body));
    if (parsed.success) return { ...NOTHING, name, clockAheadMs, status: parsed.data };
    return { ...NOTHING, name, clockAheadMs, problem: `the status of ${name} is not of this version` };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ...NOTHING, name, problem: `${url}: ${error.message}` };
  }
}
