/** What `nft -j list` shows of vipd's tables, in our terms. PURE. */
import type { Thing } from "./objects.ts";
import type { Json } from "./statements.ts";

type Fields = { readonly [key: string]: Json };

/** By `idOf`: the object as text, the rules of a chain included, such that equal texts mean the same. */
export type Picture = ReadonlyMap<string, string>;

const KINDS = ["chain", "set", "map", "counter"];
/** What differs although nobody has changed anything. */
const PASSING = new Set(["handle", "packets", "bytes"]);

export function pictureOf(listing: readonly Json[]): Picture {
  const texts = new Map<string, string>();
  for (const [kind, fields] of objects(listing)) {
    const { family, name, chain } = fields;
    if (kind === "rule") {
      const id = `${family} chain ${chain}`;
      texts.set(id, `${texts.get(id) ?? ""}\n${JSON.stringify(fields["expr"])}`);
    } else if (KINDS.includes(kind)) {
      texts.set(`${family} ${kind} ${name}`, JSON.stringify(lasting(fields)));
    }
  }
  return texts;
}

/** Packets and octets by the counter's name. */
export function countersOf(
  listing: readonly Json[],
): ReadonlyMap<string, { packets: number; bytes: number }> {
  return new Map(
    objects(listing).filter(([kind]) => kind === "counter").map(([, { name, packets, bytes }]) => [
      String(name),
      { packets: Number(packets), bytes: Number(bytes) },
    ]),
  );
}

/**
 * For people: what of our things is not there any more, or not as it looked `then`; at most one sentence an
 * owner. Without a `then` only what is missing can be told.
 */
export function differences(
  things: ReadonlyMap<string, Thing>,
  then: Picture | null,
  now: Picture,
): { readonly key: string; readonly what: string }[] {
  const found = new Map<string, string>();
  const families = new Set([...now.keys()].map(familyOf));
  for (const [id, { family, owner }] of things) {
    const table = `table ${family} vipd`;
    const isThere = now.has(id);
    if (isThere && (then === null || then.get(id) === now.get(id))) continue;
    const key = families.has(family) ? owner ?? table : table;
    const what = families.has(family)
      ? `${id.slice(family.length + 1)} was ${isThere ? "changed" : "missing"}`
      : "was missing";
    if (!found.has(key)) found.set(key, what);
  }
  return [...found].map(([key, what]) => ({ key, what }));
}

function familyOf(id: string): string {
  return id.slice(0, id.indexOf(" "));
}

function objects(listing: readonly Json[]): (readonly [kind: string, fields: Fields])[] {
  return listing.flatMap((entry) =>
    Object.entries(entry as Fields).map(([kind, fields]) => [kind, fields as Fields] as const)
  );
}

function lasting(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !PASSING.has(key)));
}
