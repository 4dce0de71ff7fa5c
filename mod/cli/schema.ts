/** `vipd schema [--status]`: the JSON Schema of vipd.toml, or of what `/status` answers. */
import * as z from "zod";
import { checkTypes } from "../../checks/mod.ts";
import { configJsonSchema } from "../config/json_schema.ts";
import { Snapshot } from "../snapshot.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

/** `schema [--status]`; always exit code 0. */
export function schema(args: string[], io: Io): Promise<number> {
  const { status } = parseOptions(args, { boolean: ["status"] });
  const schema = status === true
    ? { title: "vipd status", ...z.toJSONSchema(Snapshot) }
    : configJsonSchema(checkTypes);
  io.out(JSON.stringify(schema, null, 2));
  return Promise.resolve(0);
}
