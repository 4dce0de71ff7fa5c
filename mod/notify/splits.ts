/**
 * Split brains, as the router that stays ACTIVE sees them: told when another active router is heard, and when
 * that is over, so that programs take back what the other one's have taken.
 */
import type { EngineEvent } from "../vrrp/messages.ts";

/** However short the intervals: the other one's programs take a moment too. */
const MIN_SILENCE_MS = 1_000;

type News = EngineEvent & { readonly type: "rival" };

export interface SplitListener {
  /** Another active router, of lower priority, is heard for the first time. */
  began(news: News): void;
  /** It has yielded, or is silent for so long that it cannot be active. */
  healed(news: News): void;
}

interface Split {
  /** It has been heard, and its end is not told yet. */
  isOpen: boolean;
  timer: number;
}

export class Splits {
  readonly #splits = new Map<string, Split>();
  readonly #listener: SplitListener;

  constructor(listener: SplitListener) {
    this.#listener = listener;
  }

  hear(news: News): void {
    const { name, rival: { hasYielded }, silenceMs } = news;
    const known = this.#splits.get(name);
    const split = known ?? { isOpen: true, timer: 0 };
    this.#splits.set(name, split);
    if (known === undefined) this.#listener.began(news);
    const heals = hasYielded && split.isOpen;
    split.isOpen = !hasYielded;
    clearTimeout(split.timer);
    split.timer = setTimeout(() => this.#silent(news, split), Math.max(MIN_SILENCE_MS, silenceMs));
    if (heals) this.#listener.healed(news);
  }

  /** It is ACTIVE no more: the other one was right. */
  forget(name: string): void {
    clearTimeout(this.#splits.get(name)?.timer);
    this.#splits.delete(name);
  }

  stop(): void {
    for (const name of [...this.#splits.keys()]) this.forget(name);
  }

  #silent(news: News, split: Split): void {
    this.#splits.delete(news.name);
    if (split.isOpen) this.#listener.healed(news);
  }
}
