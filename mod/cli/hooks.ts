/** What `main.ts` hands to a subcommand besides its arguments: signals and the place of the worker. */

export interface Signals {
  /**
   * From now on SIGTERM and SIGINT call `listener` once instead of ending the process; a second signal ends
   * it at once. Without any listener the system's default holds.
   */
  onTerminate(listener: (signal: "SIGTERM" | "SIGINT") => void): void;
  /** From now on SIGHUP calls `listener`. */
  onReload(listener: () => void): void;
  /** From now on SIGUSR2 calls `listener`. */
  onUpgrade(listener: () => void): void;
}

export interface Hooks {
  readonly signals: Signals;
  /**
   * The module of the VRRP thread; right in source and in the compiled binary because `main.ts` made it from
   * its own URL.
   */
  readonly workerUrl: URL;
}
