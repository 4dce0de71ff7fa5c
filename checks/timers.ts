/** Timers that share wake-ups: what is due at nearly the same moment is done together, in one turn. */

/** A task that is due; see {@link at}. */
export interface Timer {
  readonly slotMs: number;
  readonly task: () => void;
}

interface Slot {
  readonly timer: number;
  readonly tasks: Set<() => void>;
}

const slots = new Map<number, Slot>();

/** At least this long after a late timer, so that what has come meanwhile is read first. */
const graceMs = 5;

/**
 * Runs `task` when `performance.now()` reaches `dueMs`, rounded up to a whole multiple of `grainMs`. The
 * wake-up costs more than most tasks: a thousand tasks a second with a grain of 10 ms make a hundred of them.
 */
export function at(dueMs: number, grainMs: number, task: () => void): Timer {
  const slotMs = Math.ceil(dueMs / grainMs) * grainMs;
  const slot = slots.get(slotMs) ?? open(slotMs);
  slot.tasks.add(task);
  return { slotMs, task };
}

/** A timer that has run, or was cancelled before, is no mistake. */
export function cancel({ slotMs, task }: Timer): void {
  const slot = slots.get(slotMs);
  if (slot === undefined || !slot.tasks.delete(task) || slot.tasks.size > 0) return;
  clearTimeout(slot.timer);
  slots.delete(slotMs);
}

/**
 * Calls `expire` after about `ms` (a thirtieth longer at most); returns what ends the timer. When it comes
 * late, this process has been held up and has not read what came in time: it gets as much time as it lost,
 * and at least a few milliseconds, to do so.
 */
export function deadline(ms: number, expire: () => void): () => void {
  const grainMs = Math.max(1, Math.floor(ms / 32));
  let timer = at(performance.now() + ms, grainMs, () => {
    const nowMs = performance.now();
    const lateMs = Math.min(ms, Math.max(graceMs, nowMs - timer.slotMs));
    timer = at(nowMs + lateMs, 1, expire);
  });
  return () => cancel(timer);
}

function open(slotMs: number): Slot {
  const timer = setTimeout(() => {
    slots.delete(slotMs);
    for (const task of tasks) task();
  }, Math.max(0, slotMs - performance.now()));
  const tasks = new Set<() => void>();
  const slot = { timer, tasks };
  slots.set(slotMs, slot);
  return slot;
}
