/**
 * How one image of the program makes way for another in this process: nobody who is elsewhere notices,
 * because the virtual routers announce a pause and go on where they were.
 */
import { monotonicMs } from "../../ffi/clock.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { close } from "../../ffi/fd.ts";
import { execve, kill } from "../../ffi/process.ts";
import { endHaste, makeHaste } from "../../ffi/sched.ts";
import { holdSignals, releaseSignals, unblockSignals } from "../../ffi/signals.ts";
import type { Monitor } from "../health/monitor.ts";
import { logger } from "../log.ts";
import { sleep } from "../sleep.ts";
import type { LastUpgrade } from "../snapshot.ts";
import { VERSION } from "../version.ts";
import type { EngineHandle } from "../vrrp/handle.ts";
import type { EngineEvent } from "../vrrp/messages.ts";
import type { Inheritance } from "../vrrp/saved.ts";
import type { Balancing } from "./balancing.ts";
import type { DirectRoutings } from "./direct_routing.ts";
import { type Estate, ESTATE_VARIABLE, leaveEstate } from "./estate.ts";
import { examine, objection, ownArguments, ownPath, type Program } from "./program.ts";
import type { Notifying } from "./notifying.ts";
import type { Operators } from "./operators.ts";
import type { Supervisor } from "./supervisor.ts";

/** A handover or a recovery that is under way may take so long to end; after that the operator asks again. */
const SETTLE_MS = 10_000;
const LOOK_AGAIN_MS = 20;
/** An answer of the API needs so long at most to leave. */
const ANSWER_MS = 50;
/** The pause is announced twice, so far apart, because one packet may be lost. */
const TELL_AGAIN_MS = 10;

const log = logger("main");

export interface UpgradeParts {
  readonly configFile: string;
  readonly engine: EngineHandle;
  readonly monitor: Monitor;
  readonly balancing: Balancing;
  readonly notifying: Notifying;
  readonly directRouting: DirectRoutings;
  readonly supervisor: Supervisor;
  readonly operators: Operators;
  flushLog(): Promise<void>;
  /** Whether a stop has begun: it goes first. */
  isStopping(): boolean;
  /** Nothing was upgraded, and why. */
  failed(reason: string): void;
}

/** Whether another program is about to take over; the sentence says what speaks against it. */
type Prospect =
  | { readonly ok: true; readonly from: string; readonly to: string; readonly program: string }
  | { readonly ok: false; readonly problem: string };

export class Upgrade {
  readonly #parts: UpgradeParts;
  readonly #ownPath = ownPath();
  /** Why the last attempt came to nothing. */
  error: string | null = null;
  last: LastUpgrade | null = null;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
  }

  /** Tells first whether it will happen, then does it. Returns only when it has not. */
  async run(binary: string | undefined, tell: (prospect: Prospect) => void): Promise<void> {
    const program = await this.#examine(binary);
    if (typeof program === "string") {
      this.#fail(program);
      return tell({ ok: false, problem: program });
    }
    tell({ ok: true, from: VERSION, to: program.version, program: program.path });
    // So that whoever asked hears it: the connection ends with this program.
    await sleep(ANSWER_MS);
    this.#fail(await this.#carryOut(program));
  }

  /** This is the new one, and its virtual routers go on. */
  tookOver({ version, atMs }: Estate, { routers, pauseMs }: EngineEvent & { type: "inherited" }): void {
    endHaste();
    const pause_ms = Number(pauseMs.toFixed(1));
    this.last = { at: new Date(atMs).toISOString(), from: version, pause_ms };
    const active = routers.filter(({ state }) => state === "ACTIVE").length;
    const fields = { from: version, to: VERSION, active, routers: routers.length, pause_ms };
    log.info("upgraded {from} -> {to}", fields);
  }

  #fail(problem: string): void {
    log.error("upgrade_refused {problem}", { problem });
    this.error = problem;
    this.#parts.failed(`not upgraded: ${problem}`);
  }

  /** Without `binary` it is the program that stands where this one was started from. */
  async #examine(binary?: string): Promise<Program | string> {
    if (this.#parts.isStopping()) return "vipd is stopping";
    const problem = binary === undefined ? null : objection(binary);
    return problem ?? await examine(binary ?? this.#ownPath, this.#parts.configFile);
  }

  /** Does not return when it works. Otherwise a sentence why not, and everything goes on as before. */
  async #carryOut(program: Program): Promise<string> {
    const { monitor, balancing, notifying, supervisor, engine, flushLog } = this.#parts;
    log.info("upgrading {from} -> {to} program={path}", {
      from: VERSION,
      to: program.version,
      path: program.path,
    });
    supervisor.tell({ reloading: true });
    await flushLog();
    const problem = await this.#settleAndReplace(program);
    engine.goOn();
    monitor.start();
    balancing.resume();
    notifying.resume();
    if (!this.#parts.isStopping()) supervisor.tell({ ready: true });
    return problem;
  }

  async #settleAndReplace({ path }: Program): Promise<string> {
    const { monitor, balancing, directRouting, isStopping } = this.#parts;
    const untilMs = monotonicMs() + SETTLE_MS;
    for (let reason = await this.#pause(); typeof reason === "string"; reason = await this.#pause()) {
      if (monotonicMs() >= untilMs) return `${reason}, for more than ${SETTLE_MS / 1000} s`;
      await sleep(LOOK_AGAIN_MS);
    }
    // A signal that came before this is heard in the wait; one that comes later is for the next image.
    const signals = holdSignals();
    try {
      await sleep(TELL_AGAIN_MS);
      const engine = await this.#pause();
      if (typeof engine === "string") return engine;
      if (isStopping()) return "vipd is stopping";
      const { umask, unmarked } = signals;
      const checks = monitor.memories();
      const left = { version: VERSION, atMs: Date.now(), engine, checks, balancing: balancing.estate() };
      const signalMarks = { umask, unmarked };
      return replace(path, {
        ...left,
        directRouting: directRouting.estate(),
        notifying: this.#parts.notifying.estate(),
        operators: this.#parts.operators.estate(),
        signals: signalMarks,
      });
    } finally {
      raise(releaseSignals(signals));
    }
  }

  /** The checks end before the routers pause: a program that takes its time costs only checks. */
  async #pause(): Promise<Inheritance | string> {
    const { monitor, balancing, notifying, engine, isStopping } = this.#parts;
    if (isStopping()) return "vipd is stopping";
    const { recovering } = monitor;
    if (recovering !== undefined) return `check ${recovering} is recovering its service`;
    const busy = balancing.busy ?? notifying.busy;
    if (busy !== undefined) return busy;
    await Promise.all([monitor.suspend(), balancing.suspend(), notifying.suspend()]);
    try {
      return await engine.pause();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return error.message;
    }
  }
}

/** What came while the image before made way is heard now; to be called once signals have listeners. */
export function hearMissedSignals(estate: Estate | null): void {
  if (estate === null) unblockSignals();
  else raise(releaseSignals({ ...estate.signals, handlers: new Map() }));
}

function raise(signal: number | null): void {
  if (signal !== null) kill(Deno.pid, signal);
}

/** Synchronous: from the moment at which the state is known, nothing happens that is not in it. */
function replace(path: string, estate: Estate): string {
  let fd: number | null = null;
  try {
    fd = leaveEstate(estate);
    makeHaste();
    const environment = { ...Deno.env.toObject(), [ESTATE_VARIABLE]: String(fd) };
    execve(
      path,
      [path, ...ownArguments()],
      Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    );
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    endHaste();
    if (fd !== null) close(fd);
    return error.message;
  }
}
