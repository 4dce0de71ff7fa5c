/** What is a little less than some octets, a text or a list: the ways in which every kind of case shrinks. */

/** Without each half, then without each quarter, and so on down to single elements. */
function* cuts(length: number): Generator<readonly [from: number, to: number]> {
  for (let chunk = Math.ceil(length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let from = 0; from < length; from += chunk) yield [from, Math.min(from + chunk, length)];
  }
}

/** Shorter ones, then ones with more zeros. */
export function* smallerBytes(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (const [from, to] of cuts(bytes.length)) {
    const kept = new Uint8Array(bytes.length - (to - from));
    kept.set(bytes.subarray(0, from));
    kept.set(bytes.subarray(to), from);
    yield kept;
  }
  for (const [from, to] of cuts(bytes.length)) {
    if (bytes.subarray(from, to).every((byte) => byte === 0)) continue;
    yield new Uint8Array(bytes).fill(0, from, to);
  }
}

export function* smallerText(text: string): Generator<string> {
  for (const [from, to] of cuts(text.length)) yield text.slice(0, from) + text.slice(to);
}

/** Fewer elements, then one of them smaller. */
export function* smallerList<T>(
  list: readonly T[],
  smaller: (element: T) => Iterable<T> = () => [],
): Generator<readonly T[]> {
  for (const [from, to] of cuts(list.length)) yield list.toSpliced(from, to - from);
  for (const [i, element] of list.entries()) {
    for (const less of smaller(element)) yield list.with(i, less);
  }
}
