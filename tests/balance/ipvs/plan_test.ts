/** Which commands make the kernel's table what it should be, and in which order. */
import { assertEquals } from "@std/assert";
import { driftOf } from "../../../mod/balance/ipvs/drift.ts";
import { plan, type ServiceEntry } from "../../../mod/balance/ipvs/plan.ts";
import { entryOf } from "../../../mod/balance/ipvs/translate.ts";
import { endpointKey, type Service, serviceKey } from "../../../mod/balance/model.ts";
import { at, destination, DR, service } from "./fixture.ts";

const [A, B, C] = ["192.0.2.21", "192.0.2.22", "192.0.2.23"] as const;

function planned(
  desired: readonly Service[],
  actual: readonly Service[],
  surplus: readonly string[] = [],
): string[] {
  const there = new Map(actual.map((one) => [serviceKey(one.match), entryOf(one)]));
  return plan(desired.map(entryOf), there, surplus).map(({ action, service, destination }) => {
    const what = destination === null
      ? "service"
      : `${endpointKey(destination)} w${destination.options.weight}`;
    return `${serviceKey(service.match)}: ${action} ${what}`.replace("tcp 192.0.2.10:", "");
  });
}

const w = (address: string, weight: number): ReturnType<typeof destination> =>
  destination(`${address}:80`, { weight });

const ROWS: readonly (readonly [name: string, ...Parameters<typeof planned>, commands: readonly string[]])[] =
  [
    ["nothing to nothing", [], [], [], []],
    ["all as it should be", [service([A, B])], [service([B, A])], [], []],
    [
      "each service before its destinations, service by service",
      [service([A, B]), at(81, [C])],
      [],
      [],
      [
        "80: add service",
        `80: add ${A}:80 w1`,
        `80: add ${B}:80 w1`,
        "81: add service",
        `81: add ${C}:80 w1`,
      ],
    ],
    [
      "destinations come before others go",
      [service([B])],
      [service([A])],
      [],
      [`80: add ${B}:80 w1`, `80: remove ${A}:80 w1`],
    ],
    [
      "who gets more comes before who gets less: in between somebody serves",
      [service([w(A, 0), w(B, 1)])],
      [service([w(A, 1), w(B, 0)])],
      [],
      [`80: change ${B}:80 w1`, `80: change ${A}:80 w0`],
    ],
    ["one weight", [service([w(A, 3), B])], [service([A, B])], [], [`80: change ${A}:80 w3`]],
    [
      "another way of forwarding, other thresholds",
      [service([destination(`${A}:80`, { forward: DR }), destination(`${B}:80`, { upperThreshold: 9 })])],
      [service([A, B])],
      [],
      [`80: change ${A}:80 w1`, `80: change ${B}:80 w1`],
    ],
    [
      "another scheduler is a change in place",
      [service([A], { scheduler: "wlc" })],
      [service([A])],
      [],
      ["80: change service"],
    ],
    ["services are removed last", [at(81, [A])], [service([A])], ["tcp 192.0.2.10:80"], [
      "81: add service",
      `81: add ${A}:80 w1`,
      "80: remove service",
    ]],
    ["what is not ours is left alone", [at(81, [])], [service([A]), at(81, [])], [], []],
    ["what is to go and has gone is no command", [], [], ["tcp 192.0.2.10:80"], []],
    ["a service loses its last destination", [service([])], [service([A])], [], [`80: remove ${A}:80 w1`]],
  ];

for (const [name, desired, actual, surplus, commands] of ROWS) {
  Deno.test(`plan: ${name}`, () => assertEquals(planned(desired, actual, surplus), commands as string[]));
}

Deno.test("plan: what it comes to is what was wanted, from whatever there was", () => {
  const settings: Partial<Service>[] = [
    {},
    { scheduler: "sh", flags: ["sh-port"] },
    { persistence: { seconds: 60, prefix: 24, engine: null } },
    { onePacket: true },
  ];
  const sets = [[], [A], [w(A, 2), B], [w(A, 0), w(B, 5), C], [destination(`${A}:80`, { forward: DR })]];
  const all = settings.flatMap((one) => sets.map((destinations) => service(destinations, one)));
  for (const desired of all) {
    for (const actual of [undefined, ...all]) {
      const there = new Map(actual === undefined ? [] : [["tcp 192.0.2.10:80", entryOf(actual)]]);
      const result = carriedOut(plan([entryOf(desired)], there), there.get("tcp 192.0.2.10:80"));
      assertEquals(sorted(result), sorted(entryOf(desired)));
    }
  }
});

/** What commands make of one service. */
function carriedOut(
  commands: ReturnType<typeof plan>,
  before: ServiceEntry | undefined,
): ServiceEntry | undefined {
  let now = before;
  for (const { action, service, destination } of commands) {
    if (destination === null) now = { ...service, destinations: action === "add" ? [] : now!.destinations };
    else {
      const others = now!.destinations.filter((one) => endpointKey(one) !== endpointKey(destination));
      now = { ...now!, destinations: action === "remove" ? others : [...others, destination] };
    }
  }
  return now;
}

function sorted(entry: ServiceEntry | undefined): unknown {
  return entry &&
    { ...entry, destinations: entry.destinations.toSorted((a, b) => a.address < b.address ? -1 : 1) };
}

const DRIFT:
  readonly (readonly [expected: Service, actual: Service | undefined, words: readonly string[]])[] = [
    [service([A]), service([A]), []],
    [service([A]), undefined, ["service was missing"]],
    [service([A, B]), service([w(A, 3)]), [
      `destination ${A}:80 had weight 3 instead of 1`,
      `destination ${B}:80 was missing`,
    ]],
    [service([]), service([A]), [`destination ${A}:80 was not ours`]],
    [
      service([A], { scheduler: "wlc", flags: ["flag-1", "flag-3"] }),
      service([destination(`${A}:80`, { forward: DR, upperThreshold: 5, lowerThreshold: 2 })]),
      [
        "service had scheduler rr instead of wlc",
        "service had flags none instead of flag-1,flag-3",
        `destination ${A}:80 had forward dr instead of nat`,
        `destination ${A}:80 had upper threshold 5 instead of 0`,
        `destination ${A}:80 had lower threshold 2 instead of 0`,
      ],
    ],
    [
      service([], { persistence: { seconds: 60, prefix: 32, engine: "sip" } }),
      service([], { persistence: { seconds: 50, prefix: 24, engine: null } }),
      [
        "service had persistence 50s instead of 60s",
        "service had persistence mask 0xffffff00 instead of 0xffffffff",
        "service had persistence engine none instead of sip",
      ],
    ],
    [
      service([destination(`${A}:80`, {
        forward: { method: "tunnel", type: "gue", port: 6080, checksum: "remote" },
      })]),
      service([destination(`${A}:80`, {
        forward: { method: "tunnel", type: "gre", port: 0, checksum: "none" },
      })]),
      [
        `destination ${A}:80 had tunnel type gre instead of gue`,
        `destination ${A}:80 had tunnel port 0 instead of 6080`,
        `destination ${A}:80 had tunnel checksum none instead of remote`,
      ],
    ],
  ];

Deno.test("drift: what somebody else has changed, in words", () => {
  for (const [expected, actual, words] of DRIFT) {
    assertEquals(driftOf(entryOf(expected), actual && entryOf(actual)), words as string[]);
  }
});
