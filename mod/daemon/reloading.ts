/** What a reload does: the file is read, held against the configuration that runs, and applied or refused. */
import type { ReloadResult } from "../api/mod.ts";
import { changesOf, refusal, summaryOf } from "../config/changes.ts";
import { ConfigError, documentProblem, formatProblem } from "../errors.ts";
import { logger } from "../log.ts";
import { load, type Loading } from "./loading.ts";

const log = logger("config");

export interface ReloadingParts {
  readonly configFile: string;
  /** What runs now. */
  loading(): Loading;
  /** Makes it what runs. */
  apply(loading: Loading): Promise<void>;
  /** Whether a stop has begun: what it takes away must not come back. */
  isStopping(): boolean;
  begun(): void;
  ended(result: ReloadResult, reason: string): void;
}

export class Reloading {
  readonly #parts: ReloadingParts;
  #error: string | null = null;

  constructor(parts: ReloadingParts) {
    this.#parts = parts;
  }

  /** Why the last reload came to nothing; null: it did not. */
  get error(): string | null {
    return this.#error;
  }

  async run(): Promise<ReloadResult> {
    this.#parts.begun();
    const result = await this.#try();
    this.#error = result.ok ? null : result.problems.map(formatProblem).join("\n");
    if (result.ok) log.info("reloaded {summary}", { summary: result.summary });
    else log.error("reload_refused {problems}", { problems: this.#error });
    this.#parts.ended(result, result.ok ? result.summary : this.#error!);
    return result;
  }

  async #try(): Promise<ReloadResult> {
    const { configFile, isStopping } = this.#parts;
    try {
      const loading = await load(configFile);
      const { config } = this.#parts.loading();
      const problem = isStopping() ? "vipd is stopping" : refusal(config, loading.config);
      if (problem !== null) throw new ConfigError([documentProblem(configFile, problem)]);
      const changes = changesOf(config, loading.config);
      warnOf(loading);
      await this.#parts.apply(loading);
      return { ok: true, summary: summaryOf(changes) };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { ok: false, problems: error.problems };
    }
  }
}

export function warnOf({ warnings }: Loading): void {
  for (const warning of warnings) log.warn("warning {problem}", { problem: formatProblem(warning) });
}
