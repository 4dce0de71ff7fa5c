/** One run of a check: from the first attempt to the decision. */

/** A run that is over decides nothing. */
export class Run {
  readonly startMs = performance.now();
  isOver = false;
  #controller: AbortController | undefined;

  /** `dueMs` is when it was due; `isStuck`: a probe of an earlier run was aborted and has not ended yet. */
  constructor(readonly dueMs: number, readonly isStuck: boolean) {}

  /** For the few runs that wait; aborted at the end. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isOver) this.#controller.abort();
    return this.#controller.signal;
  }

  end(): void {
    this.isOver = true;
    this.#controller?.abort();
  }
}
