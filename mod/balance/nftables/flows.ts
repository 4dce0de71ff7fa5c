/** How many flows each destination of direct routing has, from the sets that remember them. PURE. */
import type { Service } from "../model.ts";
import type { Counts } from "./connections.ts";
import { closingSet, destinationName, flowSet, serviceName } from "./names.ts";
import type { Json } from "./statements.ts";

interface ListedSet {
  readonly name: string;
  readonly elem?: readonly { readonly elem: { readonly val: Json } }[];
}

/** By the destination's name; `listing`: what `nft -j list` shows of the table, elements included. */
export function flowsOf(services: readonly Service[], listing: readonly Json[]): ReadonlyMap<string, Counts> {
  const sets = new Map(
    listing.flatMap((entry) => {
      const { set } = entry as unknown as { readonly set?: ListedSet };
      return set === undefined
        ? []
        : [[set.name, (set.elem ?? []).map(({ elem }) => JSON.stringify(elem.val))] as const];
    }),
  );
  return new Map(services.flatMap(({ match, destinations }) => {
    const closing = new Set(sets.get(closingSet(serviceName(match))));
    const isTcp = match.kind === "address" && match.protocol === "tcp";
    return destinations.map((destination): [string, Counts] => {
      const name = destinationName(match, destination);
      const flows = sets.get(flowSet(name)) ?? [];
      const active = isTcp ? flows.filter((key) => !closing.has(key)).length : 0;
      return [name, { active, inactive: flows.length - active }];
    });
  }));
}
