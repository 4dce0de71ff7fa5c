/**
 * A `[virtual_router.X]` with addresses of both families: a virtual router carries one family on the wire, so
 * it is two of them, `X/ipv4` and `X/ipv6`, in a sync group `X`.
 */
import type { Path } from "./document.ts";
import type { HooksConfig } from "./notify.ts";
import type { SyncGroupConfig, SyncGroupFields } from "./sync_group.ts";
import { familyOfText } from "./values.ts";
import { derive, type NotifyingRouterConfig, type OneFamily, type RouterFields } from "./virtual_router.ts";

const FAMILIES = [4, 6] as const;

/** Whether its addresses are of both families; the excluded ones of any router may be. */
export function isDualStack({ addresses }: Partial<RouterFields>): boolean {
  const families = new Set((addresses ?? []).map(({ address }) => familyOfText(address)));
  return families.size > 1;
}

/** `X/ipv4`, `X/ipv6`: no name that an operator gives has a slash. */
export function nameOfPart(name: string, family: 4 | 6): string {
  return `${name}/ipv${family}`;
}

/** The path to the table in the file that this virtual router comes from. */
export function routerPath(name: string): Path {
  return ["virtual_router", tableOf(name)];
}

/** The name of that table. */
export function tableOf(name: string): string {
  return name.split("/")[0]!;
}

/** What this family has of a virtual router; elements of the other family are holes, so that places stay. */
export function partOf<T extends Partial<RouterFields>>(router: T, family: 4 | 6): T & OneFamily {
  const { addresses, excluded_addresses, unicast_source, unicast_peers, multicast_group, ...rest } = router;
  const isOurs = (address: string): boolean => familyOfText(address) === family;
  const peers = unicast_peers && kept(unicast_peers, isOurs);
  const source = [unicast_source ?? []].flat().find(isOurs);
  return {
    ...rest,
    ...(addresses && { addresses: kept(addresses, ({ address }) => isOurs(address)) }),
    ...(excluded_addresses &&
      { excluded_addresses: kept(excluded_addresses, ({ address }) => isOurs(address)) }),
    ...(source === undefined ? {} : { unicast_source: source }),
    ...(peers && { unicast_peers: peers }),
    ...(multicast_group !== undefined && isOurs(multicast_group) && { multicast_group }),
  } as unknown as T & OneFamily;
}

function kept<T>(array: readonly T[], keep: (element: T) => boolean): T[] {
  const found: T[] = [];
  found.length = array.length;
  array.forEach((element, i) => {
    if (keep(element)) found[i] = element;
  });
  return found;
}

function withoutHoles(router: RouterFields & OneFamily): RouterFields & OneFamily {
  const { addresses, excluded_addresses, unicast_peers, ...rest } = router;
  return {
    ...rest,
    addresses: addresses.filter(() => true),
    excluded_addresses: excluded_addresses.filter(() => true),
    ...(unicast_peers && { unicast_peers: unicast_peers.filter(() => true) }),
  };
}

interface Written {
  readonly virtual_router: Readonly<Record<string, RouterFields>>;
  readonly sync_group: Readonly<Record<string, SyncGroupFields>>;
}

interface Derived {
  readonly virtual_router: Readonly<Record<string, NotifyingRouterConfig>>;
  readonly sync_group: Readonly<Record<string, SyncGroupConfig>>;
}

/** Programs of a dual-stack router are run once: for its group; in another group, for its IPv4 part. */
const SILENT: HooksConfig = { timeout: 30_000 };

/** Virtual routers of one family each, and the groups with these as members. */
export function deriveParts({ virtual_router, sync_group }: Written): Derived {
  const grouped = new Set(Object.values(sync_group).flatMap(({ members }) => members));
  const dual = Object.keys(virtual_router).filter((name) => isDualStack(virtual_router[name]!));
  const partsOf = (name: string): string[] =>
    dual.includes(name) ? FAMILIES.map((family) => nameOfPart(name, family)) : [name];
  const routers = Object.entries(virtual_router).flatMap(([name, router]) =>
    dual.includes(name)
      ? FAMILIES.map((family) => {
        const part = derive(withoutHoles(partOf(router, family)));
        const isTold = grouped.has(name) && family === 4;
        return [nameOfPart(name, family), isTold ? part : { ...part, notify: SILENT }] as const;
      })
      : [[name, derive(router)] as const]
  );
  const groups = Object.entries(sync_group).map(([name, group]) =>
    [name, { ...group, members: group.members.flatMap(partsOf) }] as const
  );
  const own = dual.filter((name) => !grouped.has(name)).map((name) => {
    const { notify } = virtual_router[name]!;
    return [name, { members: partsOf(name), track: [], member_weights: "all", notify }] as const;
  });
  return {
    virtual_router: Object.fromEntries(routers),
    sync_group: Object.fromEntries<SyncGroupConfig>([...groups, ...own]),
  };
}

/** As far as names of virtual routers and groups matter. */
export interface Named {
  readonly virtual_router: Readonly<Record<string, unknown>>;
  readonly sync_group: Readonly<Record<string, { readonly members: readonly string[] }>>;
}

/**
 * The virtual routers that move when what is called so moves: the members of a sync group, a virtual router
 * with all of its group, the parts of a dual-stack one. Empty: there is nothing of this name.
 */
export function movingWith(name: string, { virtual_router, sync_group }: Named): readonly string[] {
  const names = [name, nameOfPart(name, 4)];
  const group = Object.hasOwn(sync_group, name)
    ? sync_group[name]
    : Object.values(sync_group).find(({ members }) => names.some((one) => members.includes(one)));
  return group?.members ?? (Object.hasOwn(virtual_router, name) ? [name] : []);
}

/**
 * The one virtual router that tells the state of what is called so: itself, or the first member of a sync
 * group or of a dual-stack router. The name itself when there is none.
 */
export function spokesman(name: string, { virtual_router, sync_group }: Derived): string {
  const part = nameOfPart(name, 4);
  if (Object.hasOwn(virtual_router, name)) return name;
  if (Object.hasOwn(sync_group, name)) return sync_group[name]!.members[0] ?? name;
  return Object.hasOwn(virtual_router, part) ? part : name;
}
