/** What operators have ordered to stay beyond a restart: one small file, replaced as a whole. */
import * as z from "zod";

/** Of the file; one that another version wrote in another format is left alone. */
const FORMAT = 1;
/** Readable by its owner alone, as is the directory if it has to be made. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** RFC 3339: on the wall, because the monotonic clock ends with the machine. */
const time = z.iso.datetime();

/** `until`: out then at the latest; `drained`: it has been out already. */
const realServer = z.strictObject({
  weight: z.int().min(0).max(65_535).exactOptional(),
  drain: z.strictObject({ until: time.nullable(), drained: z.boolean() }).exactOptional(),
});
/** Of one real server; empty: nothing is ordered. */
export type RealServerOrders = z.infer<typeof realServer>;

const virtualRouter = z.strictObject({
  /** What counts instead of its configured priority. */
  override: z.strictObject({
    by: z.enum(["prefer", "priority"]),
    priority: z.int().min(1).max(254),
    since: time,
    until: time.nullable(),
  }).exactOptional(),
  /** It has been handed over, and does not take over by itself. */
  held_back: z.strictObject({ since: time }).exactOptional(),
});
/** Of one virtual router; empty: nothing is ordered. */
export type VirtualRouterOrders = z.infer<typeof virtualRouter>;

const maintenance = z.strictObject({ since: time, until: time.nullable(), force: z.boolean() });
export type MaintenanceOrders = z.infer<typeof maintenance>;

const file = z.strictObject({
  format: z.literal(FORMAT),
  maintenance: maintenance.exactOptional(),
  virtual_routers: z.record(z.string(), virtualRouter).exactOptional(),
  /** By virtual server, then by real server. */
  virtual_servers: z.record(z.string(), z.record(z.string(), realServer)).exactOptional(),
});
type File = z.infer<typeof file>;

const NOTHING: File = { format: FORMAT };

export class StandingOrders {
  #file: File = NOTHING;
  #problem: string | null;

  /** A file that cannot be used orders nothing, and is not written over: `problem` says what is wrong. */
  constructor(readonly path: string) {
    this.#problem = this.#read();
  }

  /** Why nothing that the file may hold is in force; null: nothing is wrong with it. */
  get problem(): string | null {
    return this.#problem;
  }

  get maintenance(): MaintenanceOrders | null {
    return this.#file.maintenance ?? null;
  }

  /** By name; they need not be configured. */
  get virtualRouters(): Readonly<Record<string, VirtualRouterOrders>> {
    return this.#file.virtual_routers ?? {};
  }

  realServer(virtualServer: string, realServer: string): RealServerOrders {
    return ownOf(ownOf(this.#file.virtual_servers ?? {}, virtualServer) ?? {}, realServer) ?? {};
  }

  /** Null ends it. This and the others throw when the file cannot be written: then nothing has changed. */
  setMaintenance(order: MaintenanceOrders | null): void {
    const { maintenance: _, ...rest } = this.#known();
    this.#replace(order === null ? rest : { ...rest, maintenance: order });
  }

  /** Of all of these at once: a group whose members are kept in part would come back torn. */
  changeVirtualRouters(
    names: readonly string[],
    change: (orders: VirtualRouterOrders) => VirtualRouterOrders,
  ): void {
    const { virtual_routers: before = {}, ...rest } = this.#known();
    const after = names.reduce(
      (all, name) => withEntry(all, name, change(ownOf(all, name) ?? {})),
      before,
    );
    this.#replace({ ...rest, ...table("virtual_routers", after) });
  }

  setRealServer(virtualServer: string, realServer: string, orders: RealServerOrders): void {
    const { virtual_servers = {}, ...rest } = this.#known();
    const servers = withEntry(ownOf(virtual_servers, virtualServer) ?? {}, realServer, orders);
    this.#replace({
      ...rest,
      ...table("virtual_servers", withEntry(virtual_servers, virtualServer, servers)),
    });
  }

  /** Somebody may have put the file right meanwhile; what it orders then is for the next start. */
  #known(): File {
    if (this.#problem !== null) this.#problem = this.#read();
    return this.#file;
  }

  #replace(content: File): void {
    if (JSON.stringify(content) === JSON.stringify(this.#file)) return;
    if (this.#problem !== null) throw new Error(this.#problem);
    write(this.path, content);
    this.#file = content;
  }

  #read(): string | null {
    try {
      this.#file = file.parse(knownFormat(JSON.parse(Deno.readTextFileSync(this.path))));
      return null;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      if (!(error instanceof Error)) throw error;
      const why = error instanceof z.ZodError ? z.prettifyError(error) : error.message;
      return `${this.path} cannot be used, so nothing in it is in force: ${why} (repair it, or remove it)`;
    }
  }
}

/** Writes an order down or takes it out: why that cannot be, or null. */
export function attempt(write: () => void): string | null {
  try {
    write();
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
}

/** An order has ended that stays in the file: nobody shall be surprised. */
export function comesBack(problem: string): string {
  return `what was kept of it could not be taken out and comes back with a restart: ${problem}`;
}

function knownFormat(content: unknown): unknown {
  const format = typeof content === "object" && content !== null && "format" in content
    ? content.format
    : undefined;
  if (typeof format !== "number" || format === FORMAT) return content;
  throw new Error(`it has format ${format}, which another version of vipd wrote; this one knows ${FORMAT}`);
}

/** What a table has by this name itself: `constructor` may be the name of something too. */
export function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** An empty entry is none. */
function withEntry<T extends object>(
  record: Readonly<Record<string, T>>,
  name: string,
  entry: T,
): Record<string, T> {
  const others = Object.entries(record).filter(([other]) => other !== name);
  const isEmpty = Object.keys(entry).length === 0;
  return Object.fromEntries(isEmpty ? others : [...others, [name, entry]]);
}

function table<K extends string, T>(
  key: K,
  entries: Record<string, T>,
): Partial<Record<K, Record<string, T>>> {
  return Object.keys(entries).length === 0 ? {} : { [key]: entries } as Record<K, Record<string, T>>;
}

/** Whoever loses power while this happens has the old file or the new one. */
function write(path: string, content: File): void {
  const directory = path.replace(/\/[^/]*$/, "") || "/";
  Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  const temporary = `${path}.new`;
  const opened = Deno.openSync(temporary, { write: true, create: true, truncate: true, mode: FILE_MODE });
  try {
    const bytes = new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`);
    for (let at = 0; at < bytes.length;) at += opened.writeSync(bytes.subarray(at));
    opened.syncSync();
  } finally {
    opened.close();
  }
  Deno.renameSync(temporary, path);
}
