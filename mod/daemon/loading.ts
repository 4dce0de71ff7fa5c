/** What came out of the configuration file, as far as a reload replaces it. */
import { type Loaded, loadToRun } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { readToken } from "../config/token.ts";

export interface Loading {
  readonly config: Config;
  readonly token: string | null;
  readonly warnings: Loaded["warnings"];
  /** RFC 3339. */
  readonly at: string;
}

/** Rejects with a ConfigError when the file cannot be used. */
export async function load(configFile: string): Promise<Loading> {
  const { config, warnings } = await loadToRun(configFile);
  return { config, warnings, token: readToken(config.api.token_file), at: new Date().toISOString() };
}
