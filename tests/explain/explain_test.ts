/** Explanations: the sentence for every kind of reason, and what is found in weights. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { explain, type Live, type Situation } from "../../mod/explain/explain.ts";
import { type Assumed, inGroup, type Party } from "../../mod/explain/party.ts";
import { party } from "./fixture.ts";

const NOTHING: Assumed = { failing: [], passing: [] };
const NGINX = [{ check: "nginx", weight: -10 }];
const ACTIVE: Live = { state: "ACTIVE", since: "2026-11-20T06:00:00.000Z", reason: "alone", active: "lb1" };

function situation(
  here: Partial<Party>,
  others: readonly Partial<Party>[] = [],
  failing: readonly string[] = [],
  more: Partial<Situation> = {},
): Situation {
  return {
    virtualRouter: "VI_1",
    here: party("lb1", { priority: 110, ...here }),
    others: others.map((other, i) => party(other.name ?? `lb${i + 2}`, other)),
    group: null,
    live: null,
    assumed: { ...NOTHING, failing },
    ...more,
  };
}

const down = (...checks: string[]): Party["states"] =>
  new Map(checks.map((check) => [check, { state: "down", reason: "no answer" }]));

/** [what, the situation, its answer] */
const ANSWERS: readonly [string, Situation, RegExp][] = [
  [
    "a tie",
    situation({ track: NGINX }, [{}], ["nginx"]),
    /^With nginx failing VI_1 stays on lb1: the priority falls from 110 to 100, equal to lb2's 100, and a tie does not move$/,
  ],
  [
    "too small a weight",
    situation({ track: [{ check: "nginx", weight: -2 }] }, [{}], ["nginx"]),
    /stays on lb1: the priority falls from 110 to 108, still above lb2's 100$/,
  ],
  [
    "enough",
    situation({ track: [{ check: "nginx", weight: -11 }] }, [{}], ["nginx"]),
    /moves to lb2 after \d+ ms, make before break: the priority falls from 110 to 99, lb2 has 100$/,
  ],
  [
    "FAULT",
    situation({ track: [{ check: "nginx" }] }, [{}], ["nginx"]),
    /moves to lb2 after \d+ ms, make before break: FAULT, lb2 has 100$/,
  ],
  [
    "FAULT where a handover is off",
    situation({ track: [{ check: "nginx" }], handover: { enabled: false, timeoutMs: 0 } }, [{}], ["nginx"]),
    /moves to lb2 after \d+ ms, \d+ ms without service: FAULT, lb2 has 100$/,
  ],
  [
    "nobody preempts",
    situation({ track: [{ check: "nginx", weight: -50 }] }, [{ preempt: false }], ["nginx"]),
    /stays on lb1: .* to 60, below lb2's 100, but lb2 never takes over from a living router \(preempt = false\)$/,
  ],
  [
    "held back there",
    situation({ track: [{ check: "nginx", weight: -50 }] }, [{ heldBack: true }], ["nginx"], {
      live: ACTIVE,
    }),
    /moves to lb2 after/,
  ],
  [
    "nobody known",
    situation({ track: NGINX }, [], ["nginx"]),
    /stays on lb1: the priority falls from 110 to 100, and no other router is known$/,
  ],
  [
    "nobody known, FAULT",
    situation({ track: [{ check: "nginx" }] }, [], ["nginx"]),
    /goes from lb1 and nobody takes over: FAULT, and no other router is known$/,
  ],
  [
    "nobody able",
    situation({ track: [{ check: "nginx" }] }, [{ obstacles: ["eth0 is down"] }], ["nginx"]),
    /nobody takes over: FAULT, and no other router can serve \(lb2: eth0 is down\)$/,
  ],
  [
    "a weight that counts while passing",
    situation({ track: [{ check: "nginx", weight: 20 }] }, [{ priority: 115 }], ["nginx"]),
    /moves to lb2 .*: the priority falls from 130 to 110, lb2 has 115$/,
  ],
  [
    "on the backup",
    situation({ priority: 90, track: NGINX }, [{}], ["nginx"]),
    /^With nginx failing VI_1 stays on lb2: the priority falls from 90 to 80$/,
  ],
  [
    "the owner of the addresses",
    situation({ priority: 255, track: NGINX }, [{}], ["nginx"]),
    /stays on lb1: the priority stays 255, still above lb2's 100$/,
  ],
  [
    "heard only: of any make",
    situation({ track: [{ check: "nginx", weight: -11 }] }, [{
      name: "192.0.2.2",
      knownBy: "advertisements",
    }], [
      "nginx",
    ], { live: ACTIVE }),
    /moves to 192\.0\.2\.2 within 361 ms, served here until then: the priority falls from 110 to 99, 192\.0\.2\.2 has 100$/,
  ],
  [
    "back again",
    situation({ track: [{ check: "nginx", weight: -20 }], states: down("nginx") }, [{}], [], {
      assumed: { failing: [], passing: ["nginx"] },
      live: { ...ACTIVE, state: "BACKUP", active: "lb2" },
    }),
    /^With nginx passing VI_1 comes to lb1 from lb2: the priority rises from 90 to 110$/,
  ],
  [
    "preferred here, and a check fails",
    situation(
      {
        priority: 90,
        track: NGINX,
        override: { by: "prefer", priority: 254, since: "", until: null, persisted: false },
      },
      [{}],
      ["nginx"],
      { live: ACTIVE },
    ),
    /moves to lb2 .*: the priority falls from 254 to 80, lb2 has 100$/,
  ],
  [
    "another base priority by the operator",
    situation(
      {
        track: NGINX,
        override: { by: "priority", priority: 150, since: "", until: null, persisted: false },
      },
      [{}],
      ["nginx"],
      { live: ACTIVE },
    ),
    /stays on lb1: the priority falls from 150 to 140, still above lb2's 100$/,
  ],
];

for (const [what, asked, answer] of ANSWERS) {
  Deno.test(`explain() answers: ${what}`, () => assertMatch(explain(asked).answer, answer));
}

/** [what, the situation, who is active and why] */
const NOW: readonly [string, Situation, string][] = [
  ["the highest", situation({}, [{}]), "VI_1 is ACTIVE on lb1: priority 110 is the highest, lb2 has 100"],
  ["alone", situation({}), "VI_1 is ACTIVE on lb1: no other router is known that could serve"],
  [
    "equal",
    situation({}, [{ priority: 110 }]),
    "VI_1 is ACTIVE on lb2: lb1 has 110 as well, and the higher address wins where both begin together",
  ],
  [
    "equal, live",
    situation({}, [{ priority: 110 }], [], { live: ACTIVE }),
    "VI_1 is ACTIVE on lb1: lb2 has 110 as well, and a tie does not move",
  ],
  [
    "a better one does not preempt",
    situation({}, [{ priority: 120, preempt: false }], [], { live: ACTIVE }),
    "VI_1 is ACTIVE on lb1: lb2 would be better (120, here 110), but lb2 never takes over from a living router " +
    "(preempt = false)",
  ],
  [
    "this one is held back",
    situation({ heldBack: true }, [{}], [], { live: { ...ACTIVE, state: "BACKUP", active: "lb2" } }),
    "VI_1 is ACTIVE on lb2: lb1 would be better (110, here 100), but lb1 is held back by its operator",
  ],
  [
    "a delay runs",
    situation({ preemptDelayMs: 60_000 }, [{}], [], { live: { ...ACTIVE, state: "BACKUP", active: "lb2" } }),
    "VI_1 is ACTIVE on lb2: lb1 would be better (110, here 100), but lb1 waits 60 s before it does",
  ],
  [
    "preferred",
    situation({ override: { by: "prefer", priority: 254, since: "", until: null, persisted: false } }, [{}]),
    "VI_1 is ACTIVE on lb1: priority 254 (preferred by the operator) is the highest, lb2 has 100",
  ],
  [
    "nobody",
    situation({ obstacles: ["eth0 is down"] }),
    "nobody that is known is active for VI_1: lb1 cannot serve (eth0 is down)",
  ],
];

for (const [what, asked, why] of NOW) {
  Deno.test(`explain() says who is active: ${what}`, () => {
    const { answer, now } = explain(asked);
    assertEquals([answer, now.why], [why, why]);
  });
}

Deno.test("explain() tells of each check alone, and of two together that alone leave it where it is", () => {
  const track = [{ check: "a", weight: -5 }, { check: "b", weight: -6 }, { check: "c", weight: -30 }, {
    check: "d",
  }];
  const { what_if, routers } = explain(situation({ track }, [{}]));
  assertEquals(
    what_if.map((
      { failing, priority, active_before, active_after },
    ) => [failing.join("+"), priority, active_before, active_after]),
    [
      ["a", 105, "lb1", "lb1"],
      ["b", 104, "lb1", "lb1"],
      ["c", 80, "lb1", "lb2"],
      ["d", null, "lb1", "lb2"],
      ["a+b", 99, "lb1", "lb2"],
    ],
  );
  assertEquals(routers.map(({ name, effective_priority }) => [name, effective_priority]), [["lb1", 110], [
    "lb2",
    100,
  ]]);
  assertEquals(routers[0]!.checks.map(({ unwell_priority }) => unwell_priority), [105, 104, 80, null]);
});

Deno.test("explain() takes a reversed check for what it is: passing is what should not be", () => {
  const track = [{ check: "drained", weight: 20, reverse: true }, { check: "stop", reverse: true }];
  const { what_if, findings, routers, answer } = explain(
    situation({ track }, [{ track: [{ check: "stop", reverse: true }] }], ["drained"]),
  );
  assertEquals(
    answer,
    "With drained failing VI_1 stays on lb1: the priority stays 110, still above lb2's 100",
  );
  assertEquals(
    what_if.slice(1).map((
      { failing, passing, priority, active_after },
    ) => [failing, passing, priority, active_after]),
    [[[], ["drained"], 90, "lb2"], [[], ["stop"], null, "lb2"]],
  );
  assertEquals(routers[0]!.checks.map(({ unwell_priority }) => unwell_priority), [90, null]);
  assertEquals(findings, []);
  const small = explain(situation({ track: [{ check: "drained", weight: 5, reverse: true }] }, [{}]));
  assertEquals(small.findings, [
    "drained passing alone on lb1 can never move the addresses: weight 5 leaves priority 105, still above the 100 " +
    "of lb2; leave the weight out (FAULT)",
  ]);
});

Deno.test("explain() says where each router stands", () => {
  const why = (here: Partial<Party>, others: readonly Partial<Party>[]): string[] =>
    explain(situation(here, others)).routers.map((router) => router.why);
  assertEquals(
    why({}, [{ preempt: false }, { priority: 110, preemptDelayMs: 5000 }, { obstacles: ["gone"] }]),
    [
      "equal to lb3: the ACTIVE one stays, and of two ACTIVE ones the higher address wins",
      "preempts after 5 s; equal to lb1: the ACTIVE one stays, and of two ACTIVE ones the higher address wins",
      "takes over from no living router (preempt = false); 10 below lb1",
      "cannot serve: gone",
    ],
  );
  const override = { by: "prefer", priority: 254, since: "", until: null, persisted: false } as const;
  assertEquals(why({ override, track: NGINX, states: down("nginx") }, [{ knownBy: "advertisements" }]), [
    "preferred by the operator, but not now (nginx failing); equal to lb2: the ACTIVE one stays, and of two " +
    "ACTIVE ones the higher address wins",
    "its checks and whether it preempts are not known; equal to lb1: the ACTIVE one stays, and of two ACTIVE ones " +
    "the higher address wins",
  ]);
});

/** [what, this host, the others, what is found] */
const FINDINGS: readonly [string, Partial<Party>, readonly Partial<Party>[], readonly RegExp[]][] = [
  ["nothing", { track: [{ check: "nginx", weight: -11 }] }, [{}], []],
  [
    "a weight that is too small, with the cure",
    { track: [{ check: "nginx", weight: -2 }] },
    [{}],
    [/^nginx failing alone on lb1 can never move the addresses: weight -2 leaves priority 108, still above the 100 of lb2; weight -11 would, or no weight \(FAULT\)$/],
  ],
  [
    "two that only together are enough",
    { track: [{ check: "a", weight: -6 }, { check: "b", weight: -6 }] },
    [{}],
    [
      /^a failing alone/,
      /^b failing alone/,
      /^a and b failing together on lb1 move the addresses, neither alone does$/,
    ],
  ],
  [
    "two that even together are not",
    { track: [{ check: "a", weight: -5 }, { check: "b", weight: -5 }] },
    [{}],
    [
      /^a failing/,
      /^b failing/,
      /^a and b failing together on lb1 do not move the addresses either: .*equal to the 100 of lb2/,
    ],
  ],
  [
    "the peer does not preempt",
    { track: [{ check: "nginx", weight: -50 }] },
    [{ preempt: false }],
    [/^nginx failing alone on lb1 can never move the addresses: with preempt = false, lb2 never takes over/],
  ],
  [
    "this one does not",
    { track: [{ check: "nginx", weight: -50 }], preempt: false },
    [{}],
    [/^lb1 has preempt = false: it never takes over from a living router, so weights alone do not bring/],
  ],
  [
    "ties",
    { track: [{ check: "a", weight: -20 }] },
    [{ track: [{ check: "a", weight: -10 }] }],
    [/^lb1 with a failing and lb2 with a failing are both at 90: the ACTIVE one stays$/],
  ],
  ["nobody to judge by", { track: NGINX }, [], [/^no other router is known, .* --peer$/]],
  ["nobody to judge by, nothing to judge", { track: [{ check: "a" }] }, [], []],
  ["an owner", { priority: 255, track: NGINX }, [{}], []],
  ["another version", {}, [{ version: 2 }], [/^lb2 speaks VRRPv2, lb1 VRRPv3: neither hears the other$/]],
  [
    "another interval, version 2",
    { version: 2, intervalMs: 1000 },
    [{ version: 2, intervalMs: 2000 }],
    [/^lb2 advertises every 2 s, lb1 every 1 s: with VRRPv2 neither accepts the other's$/],
  ],
  [
    "the preferred one is the other",
    { priority: 90 },
    [{ track: [{ check: "nginx", weight: -2 }] }],
    [/^nginx failing alone on lb2 can never move the addresses: weight -2 leaves priority 98, still above the 90 of lb1/],
  ],
];

for (const [what, here, others, expected] of FINDINGS) {
  Deno.test(`explain() finds: ${what}`, () => {
    const { findings } = explain(situation(here, others));
    assertEquals(findings.length, expected.length, findings.join("\n"));
    for (const [i, pattern] of expected.entries()) assertMatch(findings[i]!, pattern);
  });
}

Deno.test("explain() touches nothing and takes little time, whatever the intervals", () => {
  const track = Array.from({ length: 12 }, (_, i) => ({ check: `c${i}`, weight: -(i + 1) }));
  const asked = situation({ track, intervalMs: 10, priority: 200 }, [{
    intervalMs: 10,
    preemptDelayMs: 3_600_000,
  }]);
  const before = structuredClone(asked);
  const startMs = performance.now();
  const { what_if } = explain(asked);
  assertEquals(asked, before);
  assert(what_if.length >= 78);
  assert(performance.now() - startMs < 60_000);
});

Deno.test("inGroup(): what means FAULT for another member means FAULT for this one, weights do not count twice", () => {
  const here = party("lb1", { track: [{ check: "own" }, { check: "both", weight: -9 }] });
  const other = party("lb1", {
    track: [{ check: "theirs" }, { check: "both", weight: -9 }, { check: "own" }],
    states: down("theirs"),
    obstacles: ["eth1 is down"],
  });
  const joined = inGroup(here, [other]);
  assertEquals(joined.track.map(({ check }) => check), ["own", "both", "theirs"]);
  const { answer } = explain(
    situation(joined, [{}], [], { live: { ...ACTIVE, state: "FAULT", active: null } }),
  );
  assertEquals(
    answer,
    "nobody that is known is active for VI_1: lb1 cannot serve (theirs: no answer, eth1 is down)",
  );
});
