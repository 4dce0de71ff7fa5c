/**
 * A parsed TOML document as plain values, paths into it, and how values and paths are shown to an operator.
 */

/** Keys and array indexes from the root of the document. */
export type Path = readonly (string | number)[];

export interface Table {
  [key: string]: unknown;
}

/**
 * Something to tell about one place of a document; `load.ts` turns it into a `Problem` with file, line and
 * column.
 */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** Point at the key (an unknown or superfluous one), not at the value. */
  readonly at?: "key";
  /** The file that it stands in, when the path alone does not tell. */
  readonly file?: string;
  /** Where it stands, when the path would lead elsewhere (to the first of two). */
  readonly place?: { readonly line: number; readonly column: number };
  /** Another place that the message is about: it is appended as ` at file:line:column`. */
  readonly other?: { readonly path: Path; readonly file?: string };
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/**
 * Keys that mean an object's prototype to JavaScript: no table of ours has them, and some libraries drop them
 * silently.
 */
export function unsafeKeys(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((element, i) => unsafeKeys(element, [...path, i]));
  if (!isTable(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "__proto__" ? [[...path, key]] : unsafeKeys(inner, [...path, key])
  );
}

/** What the document holds at a path; undefined when there is nothing. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isTable(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

/** `virtual_router.VI_1.addresses[0]`; names that are no bare keys are quoted. */
export function formatPath(path: Path): string {
  const parts = path.map((key, i) => {
    if (typeof key === "number") return `[${key}]`;
    const text = /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
    return i === 0 ? text : `.${text}`;
  });
  return parts.join("");
}

const SECRET =
  /^(?:password|passwd|secret|token|authorization|proxy-authorization|cookie|x-api-key|x-auth-token)$/i;

/** Whether what stands at this path must never be shown. */
function isSecret(path: Path): boolean {
  return path.some((key) => typeof key === "string" && SECRET.test(key));
}

/** Whoever knows all of a webhook's URL can use it. */
function isWebhook(path: Path): boolean {
  return path.at(-1) === "webhook" || (path.at(-1) === "url" && path.includes("webhooks"));
}

/** `https://host/…`; nothing of it where a user may stand in it. */
function originOf(url: string): string {
  if (url.includes("@")) return "…";
  const [origin = ""] = /^(?:[^/?#]*:\/\/)?[^/?#]*/.exec(url) ?? [];
  return origin === url ? url : `${origin}/…`;
}

const SHOWN_MAX = 60;

/** A value for a message, short and on one line. */
export function show(value: unknown, path: Path): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (value instanceof Date) return "a date";
  if (isTable(value)) return "a table";
  if (isSecret(path)) return "(hidden)";
  if (typeof value !== "string") return String(value);
  const text = JSON.stringify(isWebhook(path) ? originOf(value) : value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX - 4)}..."`;
}
