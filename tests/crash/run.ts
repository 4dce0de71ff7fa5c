/** Plays many rounds in several labs at the same time. */
import { makePlan, type Plan } from "./plan.ts";
import type { Failure } from "./report.ts";
import { type Outcome, playRound } from "./round.ts";
import { Stage } from "./stage.ts";

const LOG_CHARACTERS_MAX = 2000;

export interface Result {
  readonly outcomes: readonly Outcome[];
  readonly failures: readonly Failure[];
}

export interface Listener {
  played(outcome: Outcome): void;
  failed(failure: Failure): void;
}

/** A stage is used until something breaks on it. */
export async function playAll(plans: readonly Plan[], labs: number, listener: Listener): Promise<Result> {
  const waiting = [...plans];
  const outcomes: Outcome[] = [];
  const failures: Failure[] = [];
  const play = async (): Promise<void> => {
    let stage: Stage | null = null;
    try {
      for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
        stage ??= await Stage.create();
        const result = await tryRound(stage, plan);
        if ("seed" in result) {
          failures.push(result);
          listener.failed(result);
        } else {
          outcomes.push(result);
          listener.played(result);
        }
        if ("findings" in result && result.findings.length === 0) continue;
        await stage[Symbol.asyncDispose]();
        stage = null;
      }
    } finally {
      await stage?.[Symbol.asyncDispose]();
    }
  };
  await Promise.all(Array.from({ length: Math.min(labs, plans.length) }, play));
  return { outcomes, failures };
}

async function tryRound(stage: Stage, plan: Plan): Promise<Outcome | Failure> {
  try {
    return await playRound(stage, plan);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const logs = Object.values(stage.lab.nodes).map((node) => node.logs().slice(-LOG_CHARACTERS_MAX));
    return { seed: plan.seed, message: `${message}\n${logs.join("\n")}` };
  }
}

/** Consecutive seeds. */
export function plansFrom(seed: number, rounds: number, only: Parameters<typeof makePlan>[1] = {}): Plan[] {
  return Array.from({ length: rounds }, (_, i) => makePlan(seed + i, only));
}
