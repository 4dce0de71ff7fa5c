/**
 * What will happen on the virtual LAN, earliest first; things of the same moment keep the order they were
 * put in.
 */

/** A binary heap over (moment, order). */
export class Queue<T> {
  readonly #moments: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #count = 0;

  /** Moment of the first item; Infinity when there is none. */
  get nextMs(): number {
    return this.#moments.length === 0 ? Infinity : this.#moments[0]!;
  }

  push(atMs: number, item: T): void {
    let place = this.#moments.length;
    const order = this.#count++;
    this.#moments.push(atMs);
    this.#orders.push(order);
    this.#items.push(item);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#moments[parent]! <= atMs) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#put(place, atMs, order, item);
  }

  /** The first item, taken out; only when `nextMs` is finite. */
  pop(): T {
    const first = this.#items[0]!;
    const atMs = this.#moments.pop()!;
    const order = this.#orders.pop()!;
    const item = this.#items.pop()!;
    if (this.#moments.length > 0) this.#sink(atMs, order, item);
    return first;
  }

  #sink(atMs: number, order: number, item: T): void {
    const size = this.#moments.length;
    let place = 0;
    for (let child = 1; child < size; child = 2 * place + 1) {
      if (child + 1 < size && this.#isBefore(child + 1, child)) child++;
      const isFirst = atMs < this.#moments[child]! ||
        (atMs === this.#moments[child]! && order < this.#orders[child]!);
      if (isFirst) break;
      this.#move(child, place);
      place = child;
    }
    this.#put(place, atMs, order, item);
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#moments[a]! - this.#moments[b]!;
    return difference < 0 || (difference === 0 && this.#orders[a]! < this.#orders[b]!);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#moments[from]!, this.#orders[from]!, this.#items[from]!);
  }

  #put(place: number, atMs: number, order: number, item: T): void {
    this.#moments[place] = atMs;
    this.#orders[place] = order;
    this.#items[place] = item;
  }
}
