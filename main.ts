/** vipd: arguments in, subcommand, exit code out. The only reader of Deno.args and of signals. */
import type { Signals } from "./mod/cli/hooks.ts";
import { systemIo } from "./mod/cli/io.ts";
import { dispatch } from "./mod/cli/mod.ts";

/** Exit code of a process that a signal ended: 128 + its number (SIGINT 2, SIGTERM 15). */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

function systemSignals(): Signals {
  return {
    onTerminate(listener): void {
      let asked = false;
      const terminate = (signal: keyof typeof SIGNAL_EXIT): void => {
        // Whoever asks a second time does not want to wait for an orderly end.
        if (asked) Deno.exit(SIGNAL_EXIT[signal]);
        asked = true;
        listener(signal);
      };
      Deno.addSignalListener("SIGTERM", () => terminate("SIGTERM"));
      Deno.addSignalListener("SIGINT", () => terminate("SIGINT"));
    },
    onReload(listener): void {
      Deno.addSignalListener("SIGHUP", listener);
    },
    onUpgrade(listener): void {
      Deno.addSignalListener("SIGUSR2", listener);
    },
  };
}

if (import.meta.main) {
  const workerUrl = new URL("./mod/vrrp/worker.ts", import.meta.url);
  Deno.exit(await dispatch(Deno.args, systemIo(), { signals: systemSignals(), workerUrl }));
}
