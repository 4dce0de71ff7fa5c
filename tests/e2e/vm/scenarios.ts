/** Every scenario that runs in a guest: each in a guest of its own, its steps one after the other. */
import { besideKeepalived } from "./scenarios/beside_keepalived.ts";
import { directors } from "./scenarios/directors.ts";
import { many, reaction } from "./scenarios/figures.ts";
import { forwarding } from "./scenarios/forwarding.ts";
import { ipvsItself } from "./scenarios/ipvs.ts";

/** Name -> what it does; a step that fails throws. */
export type Steps = Readonly<Record<string, () => Promise<void>>>;

/** What every test run plays; the longest first, since two play at a time. */
export const SCENARIOS: Readonly<Record<string, Steps>> = {
  directors,
  besideKeepalived,
  forwarding,
  ipvs: ipvsItself,
};

/** What measures instead, on demand. */
const ON_DEMAND: Readonly<Record<string, Steps>> = { many, reaction };

export function stepsOf(scenario: string): Steps | undefined {
  return SCENARIOS[scenario] ?? ON_DEMAND[scenario];
}
