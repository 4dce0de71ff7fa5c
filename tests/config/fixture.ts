/**
 * What the configuration tests share: a registry of check types of their own, an environment, a way to load
 * text.
 */
import * as z from "zod";
import { quorum } from "../../checks/composite.ts";
import type { CheckType } from "../../mod/config/check.ts";
import { loadConfig, type Loaded, type LoadOptions, loadWithWarnings } from "../../mod/config/load.ts";
import type { Config } from "../../mod/config/schema.ts";
import { ConfigError } from "../../mod/errors.ts";

/** Not the real ones: what these tests expect must not change when a check gets another option. */
export const CHECK_TYPES: readonly CheckType[] = [
  quorum,
  {
    type: "web",
    summary: "Passes when a page answers.",
    options: z.strictObject({
      url: z.url({ protocol: /^https?$/, error: "expected an http:// or https:// URL" }),
      path: z.string().optional(),
      port: z.int().min(1).max(65535).optional(),
      password: z.string().optional(),
    }).refine(({ path }) => path === undefined, { error: "give url or path, not both", path: ["path"] }),
    defaults: { interval: "10s", timeout: "3s", rise: 3, fall: 2 },
  },
  {
    type: "run",
    summary: "Passes when a program succeeds.",
    options: z.strictObject({ command: z.array(z.string()).min(1) }),
    commands: ["command"],
  },
  {
    type: "look",
    summary: "Passes when something is there.",
    options: z.strictObject({
      address: z.string({ error: "expected host:port" }).optional(),
      connect_port: z.int().optional(),
    }),
    target: "address",
    needsPort: true,
  },
  {
    type: "echo",
    summary: "Complains by repeating what it was given, as a careless check would.",
    options: z.strictObject({
      say: z.string().refine((text) => text === "", {
        error: (issue) => `do not say ${String(issue.input)}`,
      }),
    }),
  },
];

export const SECRET = "hunter2-from-the-environment";

export const OPTIONS: LoadOptions = {
  checkTypes: CHECK_TYPES,
  hostName: "testhost",
  inspectCommand: () => undefined,
  inspectAccount: () => undefined,
  env: (name) => name === "VIPD_TEST_SECRET" ? SECRET : undefined,
};

/** Options under which files are these texts and nothing else. */
export function inMemory(files: Readonly<Record<string, string>>): LoadOptions {
  return {
    ...OPTIONS,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
    listDirectory: (directory) => {
      const inside = Object.keys(files).filter((path) => path.startsWith(`${directory}/`));
      return [...new Set(inside.map((path) => path.slice(directory.length + 1).split("/", 1)[0] ?? ""))];
    },
  };
}

/** The `ConfigError` that this ends in. */
export async function errorOf(loading: Promise<unknown>): Promise<ConfigError> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("expected a ConfigError, but the configuration was loaded");
}

export function load(text: string): Promise<Config> {
  return loadConfig("vipd.toml", inMemory({ "vipd.toml": text }));
}

export function loadLoud(text: string): Promise<Loaded> {
  return loadWithWarnings("vipd.toml", inMemory({ "vipd.toml": text }));
}
