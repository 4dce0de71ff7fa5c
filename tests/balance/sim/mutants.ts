/** Wrong cores: each makes one mistake that a programmer could make, and breaks the promise beside it. */
import { endpointKey } from "../../../mod/balance/model.ts";
import type { Effect, Event, Step } from "../../../mod/balance/server.ts";
import type { Drain, RealServerState, State } from "../../../mod/balance/state.ts";
import type { VirtualServerConfig } from "../../../mod/config/virtual_server.ts";
import { type Core, REAL_CORE } from "./world.ts";

export interface Mutant {
  readonly mistake: string;
  readonly breaks: RegExp;
  readonly core: Core;
}

type StepRule = (config: VirtualServerConfig, before: State, event: Event, right: Step) => Step;
type Change = (server: RealServerState, name: string) => Partial<RealServerState>;

function ofStep(mistake: string, breaks: RegExp, rule: StepRule): Mutant {
  const step: Core["step"] = (config, state, event, nowMs) =>
    rule(config, state, event, REAL_CORE.step(config, state, event, nowMs));
  return { mistake, breaks, core: { ...REAL_CORE, step } };
}

function ofDestinations(mistake: string, breaks: RegExp, rule: Core["destinationsOf"]): Mutant {
  return { mistake, breaks, core: { ...REAL_CORE, destinationsOf: rule } };
}

function eachServer({ state, effects }: Step, change: Change): Step {
  const entries = Object.entries(state.realServers);
  const realServers = Object.fromEntries(
    entries.map(([name, server]) => [name, { ...server, ...change(server, name) }]),
  );
  return { state: { ...state, realServers }, effects };
}

const without = ({ state, effects }: Step, type: Effect["type"]): Step => ({
  state,
  effects: effects.filter((effect) => effect.type !== type),
});

const draining = (drain: Drain | null): boolean => drain?.state === "draining";

/** As if the configuration said something else. */
const believing = (change: (config: VirtualServerConfig) => Partial<VirtualServerConfig>): Core => ({
  ...REAL_CORE,
  begin: (config, ...rest) => REAL_CORE.begin({ ...config, ...change(config) }, ...rest),
  step: (config, ...rest) => REAL_CORE.step({ ...config, ...change(config) }, ...rest),
});

export const MUTANTS: readonly Mutant[] = [
  {
    mistake: "gains the quorum without the hysteresis",
    breaks: /the quorum rule/,
    core: believing(() => ({ hysteresis: 0 })),
  },
  {
    mistake: "asks for a quorum of one",
    breaks: /the quorum rule/,
    core: believing(() => ({ quorum: 1 })),
  },
  ofStep(
    "loses the quorum for good",
    /the quorum rule/,
    (_, before, __, right) =>
      before.hasQuorum ? right : { ...right, state: { ...right.state, hasQuorum: false } },
  ),
  ofStep(
    "lets the sorry server stay beside the real servers",
    /the sorry server stands in/,
    (_, before, __, right) =>
      before.sorry === "in" ? { ...right, state: { ...right.state, sorry: "in" } } : right,
  ),
  ofStep("does not tell of the quorum", /told/, (_, __, ___, right) => without(right, "quorum")),
  ofStep("does not tell the hooks", /told/, (_, __, ___, right) => without(right, "health")),
  ofStep("tells twice", /told|same again/, (_, __, ___, { state, effects }) => ({
    state,
    effects: [...effects, ...effects],
  })),
  ofStep(
    "keeps the rise of a server that fails",
    /a timer outlives a rise/,
    (_, before, __, right) =>
      eachServer(right, ({ ramp }, name) => ({ ramp: ramp ?? before.realServers[name]?.ramp ?? null })),
  ),
  ofStep(
    "takes one step of a rise, however late",
    /deadline comes true|never end/,
    (_, before, event, right) =>
      event.type !== "deadline" ? right : eachServer(right, (_, name) => {
        const ramp = before.realServers[name]?.ramp ?? null;
        return ramp === null ? {} : { ramp: { ...ramp, step: Math.min(9, ramp.step + 1) } };
      }),
  ),
  ofStep(
    "forgets the deadline of a drain",
    /told|deadline comes true|never end/,
    (_, before, event, right) =>
      event.type !== "deadline" ? right : eachServer(right, ({ drain }, name) => {
        const old = before.realServers[name]?.drain ?? null;
        return draining(old) && drain?.state === "drained" ? { drain: old } : {};
      }),
  ),
  ofStep(
    "waits for the connections of a server that is out",
    /a drain waits for nothing|has weight|told/,
    (config, _, event, right) =>
      event.type !== "drain" ? right : eachServer(right, ({ drain, checks }, name) => {
        const isQuiet = config.real_server.some((one) => one.name === name && one.on_failure === "quiesce");
        const isDown = checks.some(({ isUp }) => !isUp);
        const waiting: Drain = { state: "draining", deadlineMs: null, zeros: 0 };
        return name === event.realServer && isDown && !isQuiet && drain !== null ? { drain: waiting } : {};
      }),
  ),
  ofDestinations("sends new connections to a draining server", /draining/, (config, state) => {
    const undrained = eachServer(
      { state, effects: [] },
      ({ drain }) => draining(drain) ? { drain: null } : {},
    );
    return REAL_CORE.destinationsOf(config, undrained.state);
  }),
  ofDestinations("removes who should quiesce", /has weight undefined/, (config, state) => {
    const real_server = config.real_server.map((one) => ({ ...one, on_failure: "remove" as const }));
    return REAL_CORE.destinationsOf({ ...config, real_server }, state);
  }),
  ofDestinations(
    "leaves the real servers beside the sorry server",
    /the sorry server is in|stands in/,
    (config, state) => REAL_CORE.destinationsOf(config, { ...state, sorry: "out" }),
  ),
  ofDestinations(
    "starts a rise with nothing",
    /a rising server takes nothing/,
    (config, state) =>
      REAL_CORE.destinationsOf(config, state).map((one) => {
        const isRising = (state.realServers[endpointKey(one)]?.ramp ?? null) !== null;
        return isRising && one.weight === 1 ? { ...one, weight: 0 } : one;
      }),
  ),
  ofDestinations(
    "forgets the kernel's limit",
    /a weight of|has weight/,
    (config, state) =>
      REAL_CORE.destinationsOf(config, state).map((one) => ({ ...one, weight: one.weight * 2 })),
  ),
  {
    mistake: "forgets at a reload what the operator wants",
    breaks: /a reload/,
    core: {
      ...REAL_CORE,
      reconfigure: (before, config, arrivals, nowMs) =>
        eachServer(
          REAL_CORE.reconfigure(before, config, arrivals, nowMs),
          () => ({ weight: null, drain: null }),
        ),
    },
  },
  {
    mistake: "never looks at its timers",
    breaks: /a rise of|a drain never ends/,
    core: { ...REAL_CORE, deadlineMs: () => Infinity },
  },
];
