/**
 * The main thread's end of the VRRP thread: starts it, posts commands, passes events on, notices when it
 * stalls.
 */
import { eventfd, eventfd_write } from "../../ffi/fd.ts";
import type { VirtualRouterConfig } from "../config/schema.ts";
import type { GroupConfigs } from "./groups.ts";
import type {
  Answer,
  Command,
  EngineEvent,
  EngineReport,
  EngineStart,
  Released,
  TrackerState,
} from "./messages.ts";
import type { Override } from "./override.ts";
import type { Inheritance } from "./saved.ts";

/**
 * An answer that takes longer than this has failed: the thread is stuck. Less than the API lets its clients
 * wait (2 s), so that they are told so.
 */
const ANSWER_TIMEOUT_MS = 1_500;

/** A handover may take `handover.timeout`, at most a minute, or as long as an RFC peer waits. */
const RELEASE_TIMEOUT_MS = 120_000;

type Question = Extract<Command, { readonly id: number }>;
type Details<T extends Question["type"]> = Omit<Extract<Question, { readonly type: T }>, "type" | "id">;
type AnswerTo<T extends Question["type"]> = Extract<Answer, { readonly type: T }>;

export interface EngineListener {
  event(event: EngineEvent): void;
  /** The thread threw: nothing runs any more, the kernel's leases end the addresses. */
  failed(message: string): void;
}

export interface StartOptions {
  readonly workerUrl: string | URL;
  readonly realtime: boolean;
  readonly startupDelayMs: number;
}

export class EngineHandle {
  readonly #worker: Worker;
  readonly #mailFd = eventfd();
  readonly #pulseFd = eventfd();
  readonly #heartbeat = new Int32Array(new SharedArrayBuffer(4));
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #stopped = Promise.withResolvers<void>();
  #nextId = 1;
  #seen = { beats: 0, misses: 0 };

  constructor({ workerUrl, realtime, startupDelayMs }: StartOptions, readonly listener: EngineListener) {
    this.#worker = new Worker(workerUrl, { type: "module", name: "vrrp" });
    this.#worker.onmessage = ({ data }: MessageEvent<EngineEvent>): void => this.#take(data);
    this.#worker.onerror = (event): void => {
      event.preventDefault();
      listener.failed(event.message);
    };
    const heartbeat = this.#heartbeat.buffer as SharedArrayBuffer;
    const [mailFd, pulseFd] = [this.#mailFd, this.#pulseFd];
    const start: EngineStart = { type: "start", mailFd, pulseFd, heartbeat, realtime, startupDelayMs };
    this.#worker.postMessage(start);
  }

  /** `groups`: members by the name of their sync group. */
  configure(routers: Readonly<Record<string, VirtualRouterConfig>>, groups: GroupConfigs): void {
    this.#post({ type: "configure", routers, groups });
  }

  track(trackers: readonly TrackerState[]): void {
    if (trackers.length > 0) this.#post({ type: "trackers", trackers });
  }

  /** Rejects when the thread does not answer in time. */
  async report(): Promise<EngineReport> {
    return (await this.#ask("report", {})).report;
  }

  /**
   * Announces to the peers that this router will be silent for a while, and resolves with what the next image
   * of the program has to know; or with a sentence about what has to end before. Rejects as `report` does.
   */
  async pause(): Promise<Inheritance | string> {
    return (await this.#ask("pause", {})).result;
  }

  /**
   * The virtual router leaves ACTIVE, if somebody takes over, and for this reason does not come back by
   * itself; `back`: it may. Null when there is none of this name.
   */
  async handOver(
    name: string,
    order: { readonly back: boolean; readonly reason: string },
  ): Promise<Released | null> {
    return (await this.#ask("handover", { name, ...order }, RELEASE_TIMEOUT_MS)).result;
  }

  /**
   * Every virtual router stays out for this reason (`force`: whether or not somebody takes over); null: no
   * longer.
   */
  async maintain(
    maintenance: { readonly reason: string; readonly force: boolean } | null,
  ): Promise<readonly Released[]> {
    return (await this.#ask("maintain", { maintenance }, RELEASE_TIMEOUT_MS)).result;
  }

  /** The operator's word about priorities, all of it; also of virtual routers that are still to come. */
  override(overrides: Readonly<Record<string, Override>>): void {
    this.#post({ type: "override", overrides });
  }

  /** To be called before the first `configure`: why these virtual routers do not take over by themselves. */
  holdBack(reasons: Readonly<Record<string, string>>): void {
    this.#post({ type: "holdBack", reasons });
  }

  /** The pause is off, be it this image's own or the one that it has inherited. */
  goOn(): void {
    this.#post({ type: "goOn" });
  }

  /** What the image before has left; to be called before the first `configure`. */
  inherit(inheritance: Inheritance): void {
    this.#post({ type: "inherit", inheritance });
  }

  /** Orderly: hands over or resigns; resolves when every virtual router has let go of its addresses. */
  stop(reason: string): Promise<void> {
    this.#post({ type: "stop", reason });
    return this.#stopped.promise;
  }

  /**
   * To be called now and then: how many calls in a row have seen no heartbeat. The first of them may only
   * mean that there was nothing to do, so it asks for one.
   */
  missedBeats(): number {
    const beats = Atomics.load(this.#heartbeat, 0);
    const misses = beats === this.#seen.beats ? this.#seen.misses + 1 : 0;
    this.#seen = { beats, misses };
    if (misses > 0) eventfd_write(this.#pulseFd, 1);
    return misses;
  }

  #ask<T extends Question["type"]>(
    type: T,
    details: Details<T>,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<AnswerTo<T>> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<AnswerTo<T>>();
    const timer = setTimeout(() => {
      this.#waiting.delete(id);
      reject(new Error(`the VRRP thread has not answered for ${timeoutMs} ms`));
    }, timeoutMs);
    this.#waiting.set(id, (answer) => {
      clearTimeout(timer);
      // The engine answers each question with its own kind of answer.
      resolve(answer as AnswerTo<T>);
    });
    this.#post({ type, id, ...details } as Question);
    return promise;
  }

  #post(command: Command): void {
    this.#worker.postMessage(command);
    eventfd_write(this.#mailFd, 1);
  }

  #take(event: EngineEvent): void {
    if ("id" in event) {
      this.#waiting.get(event.id)?.(event);
      this.#waiting.delete(event.id);
      return;
    }
    if (event.type === "failed") return this.listener.failed(event.message);
    if (event.type === "stopped") this.#stopped.resolve();
    this.listener.event(event);
  }
}
