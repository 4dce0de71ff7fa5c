/**
 * Nodes that cannot hear each other while the client hears both, and the ways back: in every order, and with
 * one direction before the other.
 */
import { sleep } from "../e2e/lab.ts";
import type { Lab } from "../e2e/lab.ts";
import { settledOn } from "./failover.ts";
import type { Effort } from "./groups.ts";
import { type Event, heldBy, now, type Scene } from "./scene.ts";

/** From one node to another: what is lost of their advertisements. */
type Direction = readonly [from: string, to: string];

const TO_BACKUP: Direction = ["n1", "n2"];
const TO_ACTIVE: Direction = ["n2", "n1"];
const GAPS_MS = [30, 500] as const;
const CUT_GAP_MS = 300;

/** The switch loses the advertisements of exactly these directions, everything else passes. */
async function deafen({ bridge }: Lab, directions: readonly Direction[]): Promise<void> {
  const rules = directions.map(([from, to]) =>
    `add rule bridge deaf forward iifname "${from}" oifname "${to}" ip protocol 112 drop`
  );
  const chain = "add chain bridge deaf forward { type filter hook forward priority 1; policy accept; }";
  const stdin = ["add table bridge deaf", chain, "flush chain bridge deaf forward", ...rules, ""].join("\n");
  await bridge.exec(["nft", "-f", "-"], { stdin });
}

/** Both nodes serve. */
function heldByBoth(scene: Scene): boolean {
  return heldBy(scene, "n1") && heldBy(scene, "n2");
}

const goal = { limitMs: (): number => 0, goalMs: (): number => 20 };

/** `first` is lost a little earlier than the other direction. */
function deafness(name: string, first: Direction, second: Direction): Event {
  return {
    name,
    async act({ lab }): Promise<void> {
      await deafen(lab, [first]);
      await sleep(CUT_GAP_MS);
      await deafen(lab, [first, second]);
    },
    over: heldByBoth,
    ...goal,
  };
}

/** `first` is mended `gapMs` before the other direction. */
function unevenHeal(first: Direction, second: Direction, gapMs: number): Event {
  return {
    name: `heal, ${gapMs} ms earlier ${first === TO_BACKUP ? "to the backup" : "to the better node"}`,
    async act({ lab }): Promise<number> {
      await deafen(lab, [second]);
      await sleep(gapMs);
      const healedMs = now();
      await deafen(lab, []);
      return healedMs;
    },
    over: settledOn("n1"),
    alsoBefore: true,
    ...goal,
  };
}

const HEAL_AT_ONCE: Event = {
  name: "nodes hear each other again (heal)",
  act: ({ lab }) => deafen(lab, []),
  over: settledOn("n1"),
  ...goal,
};

const ONE_DEAF: readonly Event[] = [
  {
    name: "backup does not hear the active node",
    act: ({ lab }) => deafen(lab, [TO_BACKUP]),
    over: (scene) => heldBy(scene, "n1"),
    ...goal,
  },
  { ...HEAL_AT_ONCE, name: "backup hears the active node again" },
  {
    name: "backup cut off",
    async act({ lab }): Promise<void> {
      await lab.cut(lab.node("n2"));
    },
    over: heldByBoth,
    ...goal,
  },
  {
    name: "backup returns (heal)",
    act: ({ lab }) => lab.heal(lab.node("n2")),
    over: settledOn("n1"),
    ...goal,
  },
];

/** The order in which the directions were lost changes from round to round. */
export function healingEvents({ round, quick }: Effort): readonly Event[] {
  const [first, second] = round % 2 === 0 ? [TO_BACKUP, TO_ACTIVE] : [TO_ACTIVE, TO_BACKUP];
  const name = "nodes do not hear each other, the client hears both";
  const deaf = deafness(name, first, second);
  const silent: Event = { ...deaf, silent: true };
  const uneven = GAPS_MS.flatMap((gapMs) => [
    silent,
    unevenHeal(TO_BACKUP, TO_ACTIVE, gapMs),
    silent,
    unevenHeal(TO_ACTIVE, TO_BACKUP, gapMs),
  ]);
  return quick ? [deaf, HEAL_AT_ONCE, ...uneven.slice(0, 4)] : [deaf, HEAL_AT_ONCE, ...uneven, ...ONE_DEAF];
}
