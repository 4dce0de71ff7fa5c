/** What operators have ordered to stay beyond a restart: one small file, replaced as a whole. */
import * as z from "zod";

/** Readable by its owner alone, as is the directory if it has to be made. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

const order = z.strictObject({
  weight: z.int().min(0).max(65_535).exactOptional(),
  /** `until`: out then at the latest; `drained`: it has been out already. */
  drain: z.strictObject({ until: z.iso.datetime().nullable(), drained: z.boolean() }).exactOptional(),
});
/** Of one real server; empty: nothing is ordered. */
export type StandingOrder = z.infer<typeof order>;

const file = z.strictObject({
  /** By virtual server, then by real server. */
  virtual_servers: z.record(z.string(), z.record(z.string(), order)),
});
type File = z.infer<typeof file>;

export class Orders {
  readonly #path: string;
  #file: File;

  /** `problem` is called when there is a file that cannot be used: then nothing is ordered. */
  constructor(path: string, problem: (message: string) => void) {
    this.#path = path;
    this.#file = read(path, problem);
  }

  get(virtualServer: string, realServer: string): StandingOrder {
    return ownOf(ownOf(this.#file.virtual_servers, virtualServer) ?? {}, realServer) ?? {};
  }

  /** Throws when it cannot be written: then nothing has changed. */
  set(virtualServer: string, realServer: string, order: StandingOrder): void {
    const { virtual_servers } = this.#file;
    const servers = Object.entries(ownOf(virtual_servers, virtualServer) ?? {});
    const others = servers.filter(([name]) => name !== realServer);
    const now = Object.keys(order).length === 0 ? others : [...others, [realServer, order] as const];
    const rest = Object.entries(virtual_servers).filter(([name]) => name !== virtualServer);
    const entries = now.length === 0 ? rest : [...rest, [virtualServer, Object.fromEntries(now)] as const];
    const file = { virtual_servers: Object.fromEntries(entries) };
    write(this.#path, file);
    this.#file = file;
  }
}

function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function read(path: string, problem: (message: string) => void): File {
  const nothing: File = { virtual_servers: {} };
  try {
    return file.parse(JSON.parse(Deno.readTextFileSync(path)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return nothing;
    if (!(error instanceof Error)) throw error;
    problem(
      `${path} cannot be used: ${error instanceof z.ZodError ? z.prettifyError(error) : error.message}`,
    );
    return nothing;
  }
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
