/** The formulas of RFC 3768 §6.1 and RFC 9568 §6.1 as numbers worked out by hand; exact, never rounded. */
import { assertEquals } from "@std/assert";
import {
  activeDownIntervalMs,
  fromWireSeconds,
  intervalCs,
  intervalMs,
  isAdvertisementInterval,
  skewTimeMs,
  type Version,
  wireSeconds,
} from "../../mod/vrrp/timers.ts";

type Row = readonly [version: Version, priority: number, intervalCs: number, skewMs: number, downMs: number];

// deno-fmt-ignore
const ROWS: readonly Row[] = [
  // v2: the skew is a share of one second, whatever the interval.
  [2, 100, 100, 609.375, 3609.375],
  [2, 100, 200, 609.375, 6609.375],
  [2, 254, 100, 7.8125, 3007.8125],
  [2, 255, 100, 3.90625, 3003.90625],
  [2, 1, 100, 996.09375, 3996.09375],
  [2, 100, 25500, 609.375, 765609.375],
  // v3: the skew is a share of the active router's interval.
  [3, 100, 100, 609.375, 3609.375],
  [3, 200, 10, 21.875, 321.875],
  [3, 200, 100, 218.75, 3218.75],
  [3, 255, 10, 0.390625, 30 * 10 + 0.390625],
  [3, 255, 1, 0.0390625, 30.0390625],
  [3, 1, 4095, 40790.0390625, 163640.0390625],
];

for (const [version, priority, interval, skewMs, downMs] of ROWS) {
  Deno.test(`skewTimeMs() and activeDownIntervalMs() of v${version}, priority ${priority}, ${interval} cs`, () => {
    assertEquals(skewTimeMs(version, priority, interval), skewMs);
    assertEquals(activeDownIntervalMs(version, priority, interval), downMs);
  });
}

Deno.test("activeDownIntervalMs() waits for as many adverts as told", () => {
  assertEquals(activeDownIntervalMs(3, 200, 100, 1), 1218.75);
  assertEquals(activeDownIntervalMs(2, 100, 100, 100), 100609.375);
});

Deno.test("skewTimeMs() lets the higher priority go first", () => {
  for (const version of [2, 3] as const) {
    for (let priority = 2; priority <= 255; priority++) {
      assertEquals(skewTimeMs(version, priority, 100) < skewTimeMs(version, priority - 1, 100), true);
    }
  }
});

Deno.test("isAdvertisementInterval() knows what each version can say", () => {
  const rows: readonly [Version, number, boolean][] = [
    [2, 0, false],
    [2, 99, false],
    [2, 100, true],
    [2, 150, false],
    [2, 25500, true],
    [2, 25600, false],
    [3, 0, false],
    [3, 0.5, false],
    [3, 1, true],
    [3, 1.5, false],
    [3, 4095, true],
    [3, 4096, false],
    [3, -1, false],
    [3, NaN, false],
  ];
  for (const [version, cs, expected] of rows) {
    assertEquals(isAdvertisementInterval(version, cs), expected, `v${version} ${cs}`);
  }
});

Deno.test("units convert there and back", () => {
  assertEquals(intervalMs(4095), 40950);
  assertEquals(intervalCs(40950), 4095);
  assertEquals(intervalCs(15), 1.5);
  assertEquals(wireSeconds(25500), 255);
  assertEquals(fromWireSeconds(255), 25500);
});
