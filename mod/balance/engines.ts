/** The registry of engines: by which of them a virtual server is carried, and whether this host has it. */
import type { Config } from "../config/schema.ts";
import { haproxy } from "./haproxy/engine.ts";
import { ipvs } from "./ipvs/engine.ts";
import type { Engine } from "./model.ts";
import { nftables } from "./nftables/engine.ts";

export type EngineName = Engine["name"];

/** What an engine may know beyond the services that it is told. */
export interface EngineContext {
  /** The configuration as it is at the moment of the call: a reload changes it. */
  config(): Config;
  /** Something worth a line in the log that no call can answer with: a process that has ended by itself. */
  note(level: "info" | "warn" | "error", message: string): void;
}

export interface EngineType {
  /** Why this host cannot do it, as the end of a sentence ("the kernel has no IPVS"); null where it can. */
  missing(context: EngineContext): Promise<string | null>;
  /** `memory`: what the engine before it, perhaps of another version's process image, has left. */
  create(context: EngineContext, memory?: unknown): Engine;
}

export type EngineTypes = Readonly<Partial<Record<EngineName, EngineType>>>;

/** One line an engine. */
export const ENGINES: EngineTypes = { ipvs, nftables, haproxy };

/** What `engine = "auto"` tries, in this order. */
const AUTOMATIC: readonly EngineName[] = ["ipvs", "nftables"];

/** The engine for each of these wishes, or a sentence that says why there is none. Each is asked once. */
export async function chooseEngines(
  wishes: Iterable<EngineName | "auto">,
  types: EngineTypes,
  context: EngineContext,
): Promise<ReadonlyMap<EngineName | "auto", EngineName | { readonly problem: string }>> {
  const asked = new Map<EngineName, Promise<string | null>>();
  const missing = (name: EngineName): Promise<string | null> => {
    const answer = asked.get(name) ?? ask(types[name], context);
    asked.set(name, answer);
    return answer;
  };
  const chosen = new Map<EngineName | "auto", EngineName | { readonly problem: string }>();
  for (const wish of new Set(wishes)) chosen.set(wish, await choose(wish, missing));
  return chosen;
}

/** An engine that cannot even be asked is missing. */
async function ask(type: EngineType | undefined, context: EngineContext): Promise<string | null> {
  try {
    return type === undefined ? "it is not built in" : await type.missing(context);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
}

async function choose(
  wish: EngineName | "auto",
  missing: (name: EngineName) => Promise<string | null>,
): Promise<EngineName | { readonly problem: string }> {
  const problems: string[] = [];
  for (const name of wish === "auto" ? AUTOMATIC : [wish]) {
    const problem = await missing(name);
    if (problem === null) return name;
    problems.push(`${name}: ${problem}`);
  }
  return { problem: `no engine can carry it (${problems.join("; ")})` };
}
