/** What the demo's own processes are: the same program, told by hidden arguments which part to play. */
import { UsageError } from "../errors.ts";
import { enter } from "./enter.ts";
import { serveWeb } from "./web.ts";
import { probe } from "./probe.ts";

export const ROLE_OPTION = "--role";

/** Plays the role that `args` (after `--role`) names; resolves with the exit code, or never. */
export async function playRole([role = "", ...args]: readonly string[]): Promise<number> {
  switch (role) {
    case "enter":
      return enter(args);
    case "web":
      return await serveWeb(args);
    case "probe":
      return probe(args);
    default:
      throw new UsageError(`Unknown role "${role}"`);
  }
}
