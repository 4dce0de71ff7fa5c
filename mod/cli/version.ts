/** `vipd version`: which build this is, for people and for programs. */
import { VERSION } from "../version.ts";
import { parseOptions } from "./options.ts";
import type { Io } from "./io.ts";

/** `version [--json]`; always exit code 0. */
export function version(args: string[], io: Io): Promise<number> {
  const { json } = parseOptions(args, { boolean: ["json"] });
  const { deno, v8 } = Deno.version;
  const facts = { version: VERSION, deno, v8, target: Deno.build.target };
  io.out(json === true ? JSON.stringify(facts) : `vipd ${VERSION} (deno ${deno}, ${Deno.build.target})`);
  return Promise.resolve(0);
}
