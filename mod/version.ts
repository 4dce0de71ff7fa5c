/** The version of this build, read from the one place that names it. */
import manifest from "../deno.json" with { type: "json" };

export const VERSION: string = manifest.version;
