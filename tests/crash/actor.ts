/**
 * One daemon on one node as a supervisor runs it: started, started anew when it ends, and everything that
 * happens to it noted with its time.
 */
import { Snapshot } from "../../mod/snapshot.ts";
import { type Host, sleep, waitFor } from "../e2e/lab.ts";
import type { Child } from "../e2e/lab/child.ts";
import { startKeepalived } from "../e2e/lab/keepalived.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "../e2e/lab/routers.ts";
import { request, vipdCommand } from "../e2e/lab/vipd.ts";
import type { Happening, Mark } from "./facts.ts";
import type { Exit, Finding } from "./judge.ts";
import type { MemoryGroup } from "./memory.ts";
import { addressesOf, type DaemonKind, nameOf, type Plan, priorityOf } from "./plan.ts";
import { nowMs, type Stage } from "./stage.ts";

/** WatchdogSec of the unit: who has not been heard for so long is ended by SIGABRT. */
const WATCHDOG_MS = 10_000;
/** RestartSec of the unit. */
const RESTART_MS = 200;
/** keepalived says nothing when it is ready; by then it takes part. */
const KEEPALIVED_READY_MS = 1500;
const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;
const SUCCESSION_TIMEOUT_MS = 20_000;

/** What one process has open. */
export interface Belongings {
  readonly fds: number;
  readonly threads: number;
  readonly zombies: number;
}

/** A record of vipd's log; `level` is "" when a line is none. */
export interface LogLine {
  readonly node: string;
  readonly atMs: number;
  readonly level: string;
  readonly message: string;
}

export class Actor {
  readonly marks: Mark[] = [];
  readonly exits: Exit[] = [];
  readonly lines: LogLine[] = [];
  /** What was wrong while a fault lasted. */
  readonly complaints: Finding[] = [];
  #fedMs = Infinity;
  /** Priorities as configured now, by virtual router. */
  priorities: number[];
  /** Whether its end is somebody's wish. */
  #isDoomed = false;
  /** How long the next restart waits; the supervisor's own delay unless the plan says otherwise. */
  #restartMs: number | null = RESTART_MS;
  #isReady = false;
  /** Its end, or its return after that, is under way. */
  #isChanging = false;
  #isRetired = false;
  #child: Child | null = null;
  readonly node: Host;
  readonly name: string;

  constructor(readonly stage: Stage, readonly plan: Plan, readonly index: number) {
    this.node = stage.node(index);
    this.name = nameOf(index);
    this.priorities = Array.from({ length: plan.routers }, (_, router) => priorityOf(plan, index, router));
  }

  get kind(): DaemonKind {
    return this.plan.daemons[this.index]!;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  get isReady(): boolean {
    return this.#isReady && this.running;
  }

  mark(what: Happening, atMs?: number, note?: string): void {
    this.marks.push({
      atMs: atMs ?? nowMs(),
      node: this.name,
      what,
      ...(note === undefined ? {} : { note }),
    });
  }

  /** Starts it and does not wait. */
  async launch(): Promise<void> {
    this.#isDoomed = false;
    this.#isReady = false;
    const child = this.kind === "vipd" ? await this.#launchVipd() : await this.#launchKeepalived();
    this.#child = child;
    this.mark("spawned", nowMs(), `pid ${child.pid}`);
    child.onLine((line) => this.#hearLine(line));
    void child.exited.then((status) => this.#hearEnd(status));
  }

  /** READY=1 of the supervisor's protocol; also the end of each reload. */
  hearReady(atMs: number): void {
    if (this.#isReady) return this.mark("reloaded", atMs);
    this.#isReady = true;
    this.#fedMs = atMs;
    this.mark("ready", atMs);
  }

  /** WATCHDOG=1 */
  hearWatchdog(atMs: number): void {
    this.#fedMs = atMs;
  }

  /** What systemd does with a service whose watchdog is silent; to be called now and then. */
  supervise(): void {
    if (this.kind !== "vipd" || !this.isReady || this.#isDoomed || nowMs() - this.#fedMs < WATCHDOG_MS) {
      return;
    }
    this.doom(RESTART_MS);
    this.mark("aborted", nowMs(), "its watchdog was silent");
    this.signal("SIGABRT");
  }

  async ready(): Promise<void> {
    await waitFor(`${this.name} to be ready`, () => this.isReady, READY_TIMEOUT_MS, 5);
  }

  /** From now on it is meant to end, and comes back after so long; null = not at all. */
  doom(restartMs: number | null): void {
    this.#isDoomed = true;
    this.#isChanging = true;
    this.#restartMs = restartMs;
  }

  /** It has survived what was meant to end it. */
  pardon(): void {
    this.#isDoomed = false;
    this.#isChanging = false;
  }

  /** SIGKILL. */
  kill(restartMs: number | null): void {
    if (!this.running) return;
    this.doom(restartMs);
    this.mark("ended", nowMs(), "killed");
    this.signal("SIGKILL");
  }

  /** Asks it to end in good order, and does not wait. */
  terminate(restartMs: number | null): void {
    if (!this.running) return;
    this.doom(restartMs);
    this.mark("leaving");
    this.signal("SIGTERM");
  }

  /** Who has just ended hears nothing. */
  signal(signal: Deno.Signal): void {
    try {
      this.#child?.signal(signal);
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Resolves when what was to end has ended and, if so planned, its successor has been started. */
  async succeeded(): Promise<void> {
    await waitFor(`${this.name} to end and come back`, () => !this.#isChanging, SUCCESSION_TIMEOUT_MS, 5);
  }

  /** For good. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    this.kill(null);
    await this.#child?.exited;
  }

  /** The orderly end of the round; resolves with the exit code, or the signal that ended it. */
  async stop(): Promise<number | string> {
    if (!this.running) return 0;
    this.terminate(null);
    const status = await this.#child!.stop("SIGCONT", STOP_TIMEOUT_MS);
    return status.signal ?? status.code;
  }

  /** Writes another configuration; the daemon hears of it by SIGHUP. */
  async reconfigure(priorities: readonly number[], extra = ""): Promise<void> {
    this.priorities = [...priorities];
    await this.#writeVipd(extra);
    this.mark("reloaded", nowMs(), "asked for");
    this.signal("SIGHUP");
  }

  async status(): Promise<Snapshot> {
    return Snapshot.parse(await (await request(this.#socket, "/status")).json());
  }

  /** Any request, for the work that it makes; whether it was answered. */
  async poke(): Promise<boolean> {
    return await request(this.#socket, "/status").then((response) => response.ok, () => false);
  }

  async belongings(): Promise<Belongings> {
    const [fds, threads] = await Promise.all(
      ["fd", "task"].map(async (what) =>
        (await Array.fromAsync(Deno.readDir(`/proc/${this.pid}/${what}`))).length
      ),
    );
    return { fds: fds!, threads: threads!, zombies: await zombiesOf(this.pid) };
  }

  /** The thread that runs VRRP: the only one with a real-time policy, or else the first worker. */
  async vrrpThread(): Promise<number | null> {
    for await (const { name } of Deno.readDir(`/proc/${this.pid}/task`)) {
      const comm = (await Deno.readTextFile(`/proc/${this.pid}/task/${name}/comm`)).trim();
      if (comm === "vrrp" || comm === "worker-1") return Number(name);
    }
    return null;
  }

  get #socket(): string {
    return `${this.node.directory}/vipd.sock`;
  }

  async #launchVipd(): Promise<Child> {
    await this.#writeVipd();
    const group = this.stage.memory(this.node);
    await group?.limit(null);
    const argv = [...vipdCommand(), "run", "--config", `${this.node.directory}/vipd.toml`];
    return this.node.spawn("vipd", group === undefined ? argv : within(group, argv), {
      NO_COLOR: "1",
      NOTIFY_SOCKET: this.stage.notifySocket(this.node),
      WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
    });
  }

  async #launchKeepalived(): Promise<Child> {
    const routers = this.#routers().map(keepalivedRouter);
    const child = await startKeepalived(this.node, routers.join("\n"), true);
    void sleep(KEEPALIVED_READY_MS).then(() => {
      if (child.running && this.#child === child) this.hearReady(nowMs());
    });
    return child;
  }

  /** What this node runs, whichever daemon runs it. */
  #routers(): RouterSpec[] {
    const { profile, preempt } = this.plan;
    return this.priorities.map((priority, router) => ({
      ...profile,
      name: `V${router}`,
      vrid: router + 1,
      priority,
      addresses: addressesOf(this.plan, router),
      preempt,
    }));
  }

  async #writeVipd(extra = ""): Promise<void> {
    const routers = this.#routers().map((spec) => vipdRouter({ ...spec, vipdExtra: extra }));
    const { directory } = this.node;
    const rest = [
      `[api]\nlisten = ["unix:${this.#socket}"]`,
      `[node]\nname = "${this.name}"\nstate_file = "${directory}/state.json"`,
    ];
    await Deno.writeTextFile(`${directory}/vipd.toml`, [...routers, ...rest].join("\n") + "\n");
  }

  async #hearEnd({ code, signal }: Deno.CommandStatus): Promise<void> {
    const atMs = nowMs();
    const isExpected = this.#isDoomed;
    this.#isChanging = true;
    this.exits.push({ atMs, node: this.name, code, signal, isExpected });
    this.mark("ended", atMs, signal ?? `exit code ${code}`);
    const restartMs = this.#restartMs;
    this.#restartMs = RESTART_MS;
    if (restartMs !== null) {
      await sleep(restartMs);
      if (!this.#isRetired) await this.launch();
    }
    this.#isChanging = false;
  }

  #hearLine(line: string): void {
    if (this.kind !== "vipd" || line === "") return;
    const record = parseLine(line);
    this.lines.push({ node: this.name, ...record });
  }
}

/** The process belongs to the cgroup from its first page on: that is what the OOM killer goes by. */
export function within(group: MemoryGroup, argv: readonly string[]): string[] {
  // A network namespace has a /sys of its own; ours has the cgroups.
  const path = `/proc/${Deno.pid}/root${group.path}`;
  return ["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', path, ...argv];
}

function parseLine(line: string): Omit<LogLine, "node"> {
  if (!line.startsWith("{")) return { atMs: nowMs(), level: "", message: line };
  const { at, level, message, reason } = JSON.parse(line) as Record<string, string>;
  const why = reason === undefined ? "" : ` (${reason})`;
  return { atMs: Date.parse(at ?? ""), level: level ?? "", message: `${message}${why}` };
}

async function zombiesOf(parent: number): Promise<number> {
  let zombies = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z" && Number(ppid) === parent) zombies++;
  }
  return zombies;
}
