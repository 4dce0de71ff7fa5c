/** What engines have to say after each round: new problems are told once, and what was healed is counted. */
import type { EngineName } from "../../balance/engines.ts";
import type { Applied } from "../../balance/model.ts";
import { logger } from "../../log.ts";

const log = logger("balance");

export class EngineNews {
  /** What each said last. */
  readonly #problems = new Map<EngineName, string>();
  /** By engine and then by what was healed: a `serviceKey`, or something that is behind all services. */
  readonly #healed = new Map<EngineName, Map<string, number>>();
  /** Virtual servers that nothing carries, and why. */
  #homeless = new Map<string, string>();

  hear(engine: EngineName, { drift, problems }: Applied): void {
    for (const { key, what } of drift) {
      log.warn("healed {key}: {what}", { key, what, engine });
      const counts = this.#healed.get(engine) ?? new Map<string, number>();
      this.#healed.set(engine, counts.set(key, (counts.get(key) ?? 0) + 1));
    }
    const told = problems.join("; ");
    if (told === (this.#problems.get(engine) ?? "")) return;
    this.#problems.set(engine, told);
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

  problem(engine: EngineName): string | null {
    return this.#problems.get(engine) || null;
  }

  /** How often what is behind these services was healed; `others`: services that it was not about. */
  healed(engine: EngineName, own: readonly string[], others: ReadonlySet<string>): number {
    return [...this.#healed.get(engine) ?? []].reduce(
      (sum, [key, count]) => own.includes(key) || !others.has(key) ? sum + count : sum,
      0,
    );
  }
}
