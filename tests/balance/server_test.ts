/** One virtual server, event by event: the whole state and everything that is told. */
import { assertEquals } from "@std/assert";
import { type Arrivals, begin, type Event, step } from "../../mod/balance/server.ts";
import { type CheckView, deadlineMs, type State } from "../../mod/balance/state.ts";
import {
  A,
  B,
  both,
  cameUp,
  config,
  DOWN,
  down,
  draining,
  fails,
  gained,
  inService,
  judge,
  lost,
  noQuorum,
  passes,
  quiet,
  type Row,
  server,
  type Settings,
  SORRY,
  sorry,
  state,
  UP,
  W1,
  weighs,
  wentDown,
} from "./server_fixture.ts";

const ROWS: readonly Row[] = [
  ["a failure removes", {}, both, fails(A), state(down(100), server()), wentDown(A), "10.0.0.2 1"],
  [
    "a failure quiesces",
    { rs: { on_failure: "quiesce" } },
    both,
    fails(A),
    state(down(100), server()),
    wentDown(A),
    "10.0.0.1 0, 10.0.0.2 1",
  ],
  [
    "a return adds",
    {},
    state(down(50), server()),
    passes(A),
    state(server({ sinceMs: 100 }), server()),
    cameUp(A),
    "10.0.0.1 1, 10.0.0.2 1",
  ],
  ["the same again changes nothing", {}, both, passes(A), both, [], "10.0.0.1 1, 10.0.0.2 1"],
  [
    "what is not there any more changes nothing",
    {},
    both,
    fails("10.0.0.9:80"),
    both,
    [],
    "10.0.0.1 1, 10.0.0.2 1",
  ],
  [
    "the last failure loses the quorum; without a sorry server nothing is left",
    {},
    state(server(), down(50)),
    fails(A),
    state(down(100), down(50), { hasQuorum: false, sinceMs: 100 }),
    [...wentDown(A), lost("live weight 0, quorum 1")],
    "",
  ],
  [
    "the sorry server comes for the last",
    sorry,
    state(server(), down(50)),
    fails(A),
    state(down(100), down(50), { hasQuorum: false, sinceMs: 100, sorry: "in" }),
    [...wentDown(A), lost("live weight 0, quorum 1")],
    "127.0.0.1 1",
  ],
  [
    "the sorry server goes with the first",
    sorry,
    state(down(50), down(50), { ...noQuorum, sorry: "in" }),
    passes(B),
    state(down(50), server({ sinceMs: 100 }), { sinceMs: 100 }),
    [...cameUp(B), gained(W1)],
    "10.0.0.2 1",
  ],
  [
    "a sorry server that quiesces stays with what it has",
    quiet,
    state(down(50), down(50), { ...noQuorum, sorry: "in" }),
    passes(B),
    state(down(50), server({ sinceMs: 100 }), { sinceMs: 100, sorry: "quiesced" }),
    [...cameUp(B), gained(W1)],
    "10.0.0.2 1, 127.0.0.1 0",
  ],
  [
    "a quorum of two: the sorry server takes the place of the one that lives",
    { vs: { quorum: 2, sorry_server: SORRY } },
    both,
    fails(A),
    state(down(100), server(), { hasQuorum: false, sinceMs: 100, sorry: "in" }),
    [...wentDown(A), lost("live weight 1, quorum 2")],
    "127.0.0.1 1",
  ],
  [
    "a quorum of two that quiesces: the one that lives keeps what it has",
    { vs: { quorum: 2, sorry_server: SORRY }, rs: { on_failure: "quiesce" } },
    both,
    fails(A),
    state(down(100), server(), { hasQuorum: false, sinceMs: 100, sorry: "in" }),
    [...wentDown(A), lost("live weight 1, quorum 2")],
    "127.0.0.1 1, 10.0.0.1 0, 10.0.0.2 0",
  ],
  [
    "a sorry server that is a real server too has the weight of the sorry server",
    { vs: { sorry_server: { ...SORRY, address: "10.0.0.1", port: 80 } }, rs: { on_failure: "quiesce" } },
    state(server(), down(50)),
    fails(A),
    state(down(100), down(50), { hasQuorum: false, sinceMs: 100, sorry: "in" }),
    [...wentDown(A), lost("live weight 0, quorum 1")],
    "10.0.0.1 1, 10.0.0.1 0, 10.0.0.2 0",
  ],
  [
    "within the hysteresis a quorum is kept",
    { vs: { quorum: 2, hysteresis: 1 } },
    both,
    fails(A),
    state(down(100), server()),
    wentDown(A),
    "10.0.0.2 1",
  ],
  [
    "a check's weight",
    {},
    both,
    weighs(A, 40),
    state(server({ checks: [{ ...UP, weight: 40 }] }), server()),
    [{ type: "weight", realServer: A, from: 1, to: 40 }],
    "10.0.0.1 40, 10.0.0.2 1",
  ],
  [
    "a check's weight of nothing makes no quorum, but the server stays",
    {},
    state(server(), down(50)),
    weighs(A, 0),
    state(server({ checks: [{ ...UP, weight: 0 }] }), down(50), { hasQuorum: false, sinceMs: 100 }),
    [{ type: "weight", realServer: A, from: 1, to: 0 }, lost("live weight 0, quorum 1")],
    "10.0.0.1 0",
  ],
  [
    "the operator's weight goes before all others",
    {},
    state(server({ checks: [{ ...UP, weight: 40 }] }), server()),
    { type: "weight", realServer: A, weight: 7 },
    state(server({ checks: [{ ...UP, weight: 40 }], weight: 7 }), server()),
    [{ type: "weight", realServer: A, from: 40, to: 7 }],
    "10.0.0.1 7, 10.0.0.2 1",
  ],
  [
    "the operator lets go of the weight",
    {},
    state(server({ weight: 7 }), server()),
    { type: "weight", realServer: A, weight: null },
    both,
    [{ type: "weight", realServer: A, from: 7, to: 1 }],
    "10.0.0.1 1, 10.0.0.2 1",
  ],
];

Deno.test("health, quorum, sorry server and weights, event by event", (t) => judge(t, ROWS));

Deno.test("all checks of a real server must pass", () => {
  const settings = {};
  const before = state(server({ checks: [UP, UP] }), server());
  const one = step(config(settings), before, fails(A, 1), 100);
  assertEquals(one.effects, wentDown(A));
  const back = step(config(settings), one.state, passes(A), 200);
  assertEquals(back.effects, []);
  const whole = step(config(settings), one.state, { ...passes(A), index: 1 } as Event, 300);
  assertEquals(whole.effects, cameUp(A));
});

Deno.test("the next deadline is the first of all", () => {
  assertEquals(deadlineMs(both), Infinity);
  const ramp = { step: 1, nextMs: 300 };
  assertEquals(deadlineMs(state(server({ drain: draining(400) }), server({ ramp }))), 300);
  assertEquals(deadlineMs(state(server({ drain: draining(200) }), server({ ramp }))), 200);
  assertEquals(deadlineMs(state(server({ drain: draining(null) }), server())), Infinity);
});

/** [what, settings, what the checks say, the state at the start, in the service] */
const STARTS: readonly [string, Settings, CheckView, Partial<State>, string][] = [
  ["up: all are there before any check", sorry, UP, {}, "10.0.0.1 1, 10.0.0.2 1"],
  ["down: none, and no quorum", {}, DOWN, { hasQuorum: false, sinceMs: 7 }, ""],
  [
    "down: the sorry server is there at once",
    sorry,
    DOWN,
    { hasQuorum: false, sinceMs: 7, sorry: "in" },
    "127.0.0.1 1",
  ],
  [
    "up: a sorry server that quiesces is there with weight 0",
    quiet,
    UP,
    { sorry: "quiesced" },
    "10.0.0.1 1, 10.0.0.2 1, 127.0.0.1 0",
  ],
  [
    "within the hysteresis a start has the quorum",
    { vs: { quorum: 2, hysteresis: 1 } },
    UP,
    {},
    "10.0.0.1 1, 10.0.0.2 1",
  ],
];

Deno.test("a start tells nothing, and is what the checks begin with", () => {
  for (const [what, settings, view, changes, destinations] of STARTS) {
    const arrivals: Arrivals = () => ({ checks: [view] });
    const one = server({ checks: [view], sinceMs: 7, reason: view.reason });
    const expected = state(one, one, { sinceMs: 7, ...changes });
    const begun = begin(config(settings), arrivals, 7);
    assertEquals(begun, expected, what);
    assertEquals(inService(settings, begun), destinations, what);
  }
});

Deno.test("what the operator has ordered to last is there at the start", () => {
  const orders: Record<string, Omit<ReturnType<Arrivals>, "checks">> = {
    [A]: { weight: 9 },
    [B]: { drain: { state: "drained" } },
  };
  const begun = begin(config({}), ({ name }) => ({ checks: [UP], ...orders[name] }), 0);
  assertEquals(inService({}, begun), "10.0.0.1 9");
});
