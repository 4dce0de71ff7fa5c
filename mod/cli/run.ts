/** `vipd run`: the daemon in the foreground, from its configuration to an orderly end. */
import { Daemon } from "../daemon.ts";
import { ConfigError, formatProblem, StartError } from "../errors.ts";
import type { Hooks } from "./hooks.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

const DEFAULT_CONFIG = "/etc/vipd/vipd.toml";

/**
 * `run [--config FILE]`; resolves with the exit code once the daemon has ended: 0 orderly, 1 failed, 2 bad
 * configuration.
 */
export async function run(args: string[], io: Io, { signals, workerUrl }: Hooks): Promise<number> {
  const { config = DEFAULT_CONFIG } = parseOptions(args, { string: ["config"], alias: { c: "config" } });
  try {
    const starting = Daemon.start({ configFile: String(config), workerUrl });
    // A signal that comes while it starts waits; how a start fails is told below.
    const once = (act: (daemon: Daemon) => Promise<unknown>): void =>
      void starting.then(act, () => undefined);
    signals.onTerminate((signal) => once((daemon) => daemon.stop(`stopped by ${signal}`)));
    signals.onReload(() => once((daemon) => daemon.reload()));
    signals.onUpgrade(() => once((daemon) => daemon.upgrade()));
    return await (await starting).ended;
  } catch (error) {
    if (error instanceof StartError) {
      io.err(`vipd: ${error.message}`);
      return 1;
    }
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) io.err(formatProblem(problem));
    return 2;
  }
}
