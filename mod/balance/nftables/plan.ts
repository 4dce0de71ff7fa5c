/** From what is in vipd's tables to what should be there: the commands of one transaction. PURE. */
import { declaration, type Family, idOf, TABLE, type Table, type Thing } from "./objects.ts";
import type { Json } from "./statements.ts";

/**
 * What is there, by `idOf`; null where something of that name is there, and nothing is known of its content.
 */
export type Present = ReadonlyMap<string, Thing | null>;

/** Elements that one command adds or takes away: a command should not be longer than nft likes to read. */
const ELEMENTS_PER_COMMAND = 1000;

/**
 * In the order in which nothing is in the way: what goes loses its rules, what is new is declared, then come
 * rules and elements, and at last what nobody refers to any more is deleted. No command where nothing
 * differs.
 */
export function plan(desired: readonly Thing[], present: Present): Json[] {
  const families = new Set(desired.map(({ family }) => family));
  const wanted = new Map(desired.map((thing) => [idOf(thing), thing]));
  const surplus = [...present.keys()].filter((id) => !wanted.has(id));
  const idle = [...new Set(surplus.map((id) => id.split(" ")[0] ?? ""))].filter((name) =>
    !hasName(families, name)
  );
  const leaving = surplus.filter((id) => !idle.includes(id.split(" ")[0] ?? ""));
  const fresh = desired.filter((thing) => !present.has(idOf(thing)));
  const changed = desired.filter((thing) =>
    present.has(idOf(thing)) && differs(thing, present.get(idOf(thing)))
  );
  const work = [
    ...fresh.map((thing) => ({ add: declaration(thing) })),
    ...leaving.filter((id) => id.includes(" chain ")).map((id) => ({ flush: reference(id) })),
    ...changed.filter(({ kind }) => kind === "chain").map((thing) => ({ flush: reference(idOf(thing)) })),
    ...changed.flatMap((thing) => elementsGone(thing, present.get(idOf(thing)))),
    ...[...fresh, ...changed].flatMap((thing) => content(thing, present.get(idOf(thing)))),
    ...leaving.sort(byUse).map((id) => ({ delete: reference(id) })),
    ...idle.map((family) => ({ delete: { table: { family, name: TABLE } } })),
  ];
  if (work.length === 0) return [];
  return [...[...families].map((family) => ({ add: { table: { family, name: TABLE } } })), ...work];
}

function hasName(families: ReadonlySet<string>, name: string): boolean {
  return families.has(name);
}

/** Everything anew, whatever is there. */
export function replace(desired: readonly Thing[], families: Iterable<Family>): Json[] {
  const tables = [...families].map((family) => ({ table: { family, name: TABLE } }));
  // Adding what may be there makes the deletion of it succeed.
  return [
    ...tables.map((table) => ({ add: table })),
    ...tables.map((table) => ({ delete: table })),
    ...plan(desired, new Map()),
  ];
}

function differs(thing: Thing, known: Thing | null | undefined): boolean {
  if (known === null || known === undefined) return thing.kind !== "set" && thing.kind !== "counter";
  if (thing === known) return false;
  if (thing.kind === "chain" && known.kind === "chain") {
    return JSON.stringify(thing.rules) !== JSON.stringify(known.rules);
  }
  if (!hasElements(thing) || !hasElements(known)) return false;
  return thing.elements.size !== known.elements.size || missing(thing, known).length > 0;
}

function content(thing: Thing, known: Thing | null | undefined): Json[] {
  if (thing.kind === "chain") {
    const { family, name: chain } = thing;
    return thing.rules.map((expr) => ({ add: { rule: { family, table: TABLE, chain, expr } } }));
  }
  if (!hasElements(thing)) return [];
  const added = known !== null && known !== undefined && hasElements(known)
    ? missing(thing, known)
    : [...thing.elements.values()];
  return pieces(added).map((elem) => ({ add: elementsOf(thing, elem) }));
}

function elementsGone(thing: Thing, known: Thing | null | undefined): Json[] {
  if (!hasElements(thing)) return [];
  if (known === null || known === undefined || !hasElements(known)) {
    return [{ flush: reference(idOf(thing)) }];
  }
  // Of an element of a map its key is enough.
  const keys = missing(known, thing).map((element) =>
    known.kind === "map" && Array.isArray(element) ? element[0] : element
  );
  return pieces(keys).map((elem) => ({ delete: elementsOf(thing, elem) }));
}

/** Elements of `from` that are not in `than`. */
function missing(from: Table, than: Table): Json[] {
  return [...from.elements].filter(([key]) => !than.elements.has(key)).map(([, element]) => element);
}

function hasElements(thing: Thing): thing is Table {
  return thing.kind === "map" || thing.kind === "table";
}

function elementsOf({ family, name }: Table, elem: readonly Json[]): Json {
  return { element: { family, table: TABLE, name, elem } };
}

function pieces(elements: readonly Json[]): Json[][] {
  const count = Math.ceil(elements.length / ELEMENTS_PER_COMMAND);
  return Array.from(
    { length: count },
    (_, i) => elements.slice(i * ELEMENTS_PER_COMMAND, (i + 1) * ELEMENTS_PER_COMMAND),
  );
}

/**
 * Chains first, then maps, whose elements refer to counters; what refers is deleted before what is referred
 * to.
 */
const DELETION = ["chain", "map", "set", "counter"];

function byUse(a: string, b: string): number {
  return DELETION.indexOf(a.split(" ")[1] ?? "") - DELETION.indexOf(b.split(" ")[1] ?? "");
}

/** The object of a command about what `idOf` names. */
function reference(id: string): Json {
  const [family = "", kind = "", name = ""] = id.split(" ");
  return { [kind]: { family, table: TABLE, name } };
}
