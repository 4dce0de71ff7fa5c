/**
 * The directory that vipd and its haproxy share: configuration, log, and what the workers see of the world.
 */
import { hasEnded } from "../../../ffi/errno.ts";
import type { Paths } from "./text.ts";

/** haproxy says little, but for years. */
const LOG_BYTES_MAX = 1 << 20;

/** Makes what is missing. A directory that we make is for root alone. */
export function prepare(paths: Paths): void {
  Deno.mkdirSync(parentOf(paths.configuration), { recursive: true, mode: 0o700 });
  makeJail(paths.jail);
}

/**
 * The workers' root, `chroot` for them. At a reload the old worker tells the new one its stick tables over a
 * socket in there, whose path means the same inside as outside because the jail, inside, leads to itself.
 */
function makeJail(jail: string): void {
  const inside = `${jail}${parentOf(jail)}`;
  Deno.mkdirSync(inside, { recursive: true });
  for (let path = inside; path.length >= jail.length; path = parentOf(path)) Deno.chmodSync(path, 0o711);
  try {
    Deno.symlinkSync("/", `${jail}${jail}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Written beside and put in place at once: a master that starts anew never reads half of it. */
export function replaceFile(path: string, text: string): void {
  const beside = `${path}.new`;
  Deno.writeTextFileSync(beside, text, { mode: 0o600 });
  Deno.renameSync(beside, path);
}

/** Empty when there is no such file. */
export function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (hasEnded(error)) return "";
    throw error;
  }
}

export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What haproxy has said since. */
export class Log {
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** From here on. */
  mark(): void {
    const { length } = readIfThere(this.#path);
    if (length > LOG_BYTES_MAX) Deno.truncateSync(this.#path);
    this.#offset = length > LOG_BYTES_MAX ? 0 : length;
  }

  sinceMark(): string {
    return readIfThere(this.#path).slice(this.#offset);
  }
}

/** When the certificates in these files and directories have last changed, as one text. */
export function stampOf(paths: readonly string[]): string {
  return [...new Set(paths)].sort().map((path) => `${path} ${changedAt(path).join(" ")}`).join("\n");
}

function changedAt(path: string): number[] {
  try {
    const { isDirectory, mtime } = Deno.statSync(path);
    const inside = isDirectory ? [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`).sort() : [];
    return [mtime?.getTime() ?? 0, ...inside.map((file) => Deno.statSync(file).mtime?.getTime() ?? 0)];
  } catch (error) {
    // What is not there, haproxy will say itself.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
