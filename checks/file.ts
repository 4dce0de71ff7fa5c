/** file: a number in a file, or that it is there at all, says whether to serve, or how much it counts. */
import * as z from "zod";
import { absolutePath, defineCheck, describe, fail, type Pass } from "./check.ts";

const weightMax = 65_535;
const sizeLimit = 64;

const options = z.strictObject({
  path: absolutePath.describe("The file; it holds a whole number"),
  weight_from_value: z.boolean().default(false).describe(
    "Of a real server: the number is its weight, 0 to 65535, and -1 fails; else 0 passes and any other fails",
  ),
  multiply: z.boolean().default(false).describe(
    "Of a virtual router: the number times the weight of the track is added to the priority (at most 253, less " +
      "than -253 is FAULT); without a weight any other number than 0 is FAULT",
  ),
  missing: z.enum(["pass", "fail"]).default("pass").describe(
    "What it means that the file is not there or empty; passing, the real server has its configured weight, and 0 is multiplied",
  ),
  exists: z.boolean().optional().describe(
    "Look only at whether it is there, whatever it holds: true passes while it is, false while it is not",
  ),
}).refine(
  ({ multiply, weight_from_value, exists }) => !multiply || (!weight_from_value && exists === undefined),
  {
    error: "multiply takes the number for itself: leave weight_from_value and exists out",
    path: ["multiply"],
  },
).refine(({ exists, weight_from_value }) => exists === undefined || !weight_from_value, {
  error: "exists does not look into the file, so there is no weight",
  path: ["exists"],
});
type Options = z.output<typeof options>;

export const file = defineCheck({
  type: "file",
  summary: "Passes while the number in a file is 0, or takes a weight from it; a change is seen at once.",
  options,
  defaults: { rise: 1 },
  probe: (_context, options) => look(options),
  watch: ({ host }, { path }, signal, report) => host.watchFile(path, () => report(undefined), signal),
});

function look({ path, weight_from_value, multiply, missing, exists }: Options): Pass | string {
  if (exists !== undefined) return lookFor(path, exists);
  const text = read(path);
  if (text === undefined || text === "") {
    const what = text === undefined ? `there is no ${path}` : `${path} is empty`;
    if (missing === "fail") return fail(what);
    return multiply ? { note: `${what}, which counts as 0`, factor: 0 } : what;
  }
  if (!/^[+-]?\d{1,6}$/.test(text)) {
    return fail(`${path} holds no number: ${JSON.stringify(text.slice(0, 20))}`);
  }
  const value = Number(text);
  const note = `${path} holds ${value}`;
  if (multiply) return { note, factor: value };
  if (!weight_from_value) return value === 0 ? note : fail(note);
  return value >= 0 && value <= weightMax ? { note, weight: value } : fail(note);
}

function lookFor(path: string, wanted: boolean): string {
  const found = isThere(path);
  const note = `there is ${found ? "a" : "no"} file ${path}`;
  return found === wanted ? note : fail(note);
}

/** Something of that name, at the end of symbolic links. */
function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    return fail(`cannot look for ${path}: ${describe(error)}`);
  }
}

/** The beginning of the file without blanks; undefined when there is none. */
function read(path: string): string | undefined {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(sizeLimit);
    return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    return fail(`cannot read ${path}: ${describe(error)}`);
  }
}
