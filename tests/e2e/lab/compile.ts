/**
 * Compiles a C helper of the tests once per version of its source, and keeps it beside the other temporary
 * files.
 */
import { run } from "./command.ts";
import { exists } from "./files.ts";

const PROBES = new URL("../probe/", import.meta.url).pathname;
const compiled = new Map<string, Promise<string>>();

/** Path of the program built from `probe/NAME.c`. */
export function helperProgram(name: string): Promise<string> {
  return compileOnce(name, []);
}

/** Path of the shared library built from `probe/NAME.c`, for LD_PRELOAD. */
export function helperLibrary(name: string): Promise<string> {
  return compileOnce(name, ["-shared", "-fPIC"]);
}

function compileOnce(name: string, flags: readonly string[]): Promise<string> {
  const known = compiled.get(name) ?? compile(name, flags);
  compiled.set(name, known);
  return known;
}

async function compile(name: string, flags: readonly string[]): Promise<string> {
  const source = `${PROBES}${name}.c`;
  const files = [`${PROBES}common.h`, `${PROBES}standstill.h`, source];
  const text = (await Promise.all(files.map((file) => Deno.readTextFile(file)))).join("");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const digest = new Uint8Array(hash).toHex().slice(0, 16);
  const path = `/tmp/vipd-${name}-${digest}`;
  if (await exists(path)) return path;
  // Renamed when it is complete: another run may be building it too.
  const unfinished = `${path}.${crypto.randomUUID()}`;
  await run(["gcc", "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", ...flags, "-o", unfinished, source]);
  await Deno.rename(unfinished, path);
  return path;
}
