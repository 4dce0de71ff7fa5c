/** Every scenario that runs in a guest: each in a guest of its own, its steps one after the other. */
import { ipvsItself } from "./scenarios/ipvs.ts";
import { kernel } from "./scenarios/kernel.ts";

/** Name -> what it does; a step that fails throws. */
export type Steps = Readonly<Record<string, () => Promise<void>>>;

export const SCENARIOS: Readonly<Record<string, Steps>> = { ipvs: ipvsItself, kernel };
