/** What engines have to say after each round: new problems are told once, and what was healed is counted. */
import type { EngineName } from "../../balance/engines.ts";
import type { Applied } from "../../balance/model.ts";
import { logger } from "../../log.ts";

const log = logger("balance");

/** A change of somebody else that was undone; `at` is RFC 3339. */
interface Healed {
  readonly at: string;
  readonly what: string;
}

export class EngineNews {
  /** What each said last. */
  readonly #problems = new Map<EngineName, readonly string[]>();
  readonly #advice = new Map<EngineName, readonly string[]>();
  /** By engine and then by what was healed: a `serviceKey`, or something that is behind all services. */
  readonly #healed = new Map<EngineName, Map<string, number>>();
  /** The last of these. */
  readonly #lastHealed = new Map<EngineName, Map<string, Healed>>();
  /** Virtual servers that nothing carries, and why. */
  #homeless = new Map<string, string>();

  hear(engine: EngineName, { drift, problems, advice = [] }: Applied): void {
    this.#advice.set(engine, advice);
    for (const { key, what } of drift) {
      log.warn("healed {key}: {what}", { key, what, engine });
      const counts = this.#healed.get(engine) ?? new Map<string, number>();
      this.#healed.set(engine, counts.set(key, (counts.get(key) ?? 0) + 1));
      const last = this.#lastHealed.get(engine) ?? new Map<string, Healed>();
      this.#lastHealed.set(engine, last.set(key, { at: new Date().toISOString(), what }));
    }
    const [told, before] = [problems, this.#problems.get(engine) ?? []].map((all) => all.join("; "));
    this.#problems.set(engine, problems);
    if (told === before) return;
    if (told === "") log.info("applied {engine}", { engine });
    else log.error("not_applied {engine}: {problems}", { engine, problems: told });
  }

  /** Every virtual server that nothing carries now. */
  hearHomeless(homeless: ReadonlyMap<string, string>): void {
    for (const [name, problem] of homeless) {
      if (this.#homeless.get(name) !== problem) log.error("not_carried {name}: {problem}", { name, problem });
    }
    this.#homeless = new Map(homeless);
  }

  /**
   * What the engine said last that is in the way of these services; null: nothing. A problem that names no
   * service at all is in everybody's way.
   */
  problem(engine: EngineName, own: readonly string[], all: ReadonlySet<string>): string | null {
    const problems = (this.#problems.get(engine) ?? []).filter((problem) => {
      const named = [...all].filter((key) => names(problem, key));
      return named.length === 0 || named.some((key) => own.includes(key));
    });
    return problems.length === 0 ? null : problems.join("; ");
  }

  /** What the engine does not need in order to work, but to work well. */
  advice(engine: EngineName): readonly string[] {
    return this.#advice.get(engine) ?? [];
  }

  /** How often what is behind these services was healed. */
  healed(engine: EngineName, own: readonly string[], all: ReadonlySet<string>): number {
    return [...this.#healed.get(engine) ?? []].reduce(
      (sum, [key, count]) => own.includes(key) || !all.has(key) ? sum + count : sum,
      0,
    );
  }

  /** What was healed last behind these services; null: nothing was. */
  lastHealed(engine: EngineName, own: readonly string[], all: ReadonlySet<string>): Healed | null {
    const about = [...this.#lastHealed.get(engine) ?? []]
      .filter(([key]) => own.includes(key) || !all.has(key)).map(([, last]) => last);
    return about.toSorted((a, b) => b.at.localeCompare(a.at))[0] ?? null;
  }
}

/** Not as the beginning of another one: of port 80 in 8080. */
function names(text: string, key: string): boolean {
  return text.split(key).slice(1).some((rest) => !/^\d/.test(rest));
}
