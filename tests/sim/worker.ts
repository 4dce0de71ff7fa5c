/** One thread of a hunt: takes a piece of the stories, answers with what came of it. */
import { hunt } from "./hunt.ts";

/** Stories `seed` to `seed + stories - 1`. */
export interface Piece {
  readonly seed: number;
  readonly stories: number;
}

/** `failure`: the first story that broke a promise; the ones after it in the piece were not told. */
export interface Told {
  readonly piece: Piece;
  readonly stories: number;
  readonly hours: number;
  readonly events: number;
  readonly failure: { readonly seed: number; readonly message: string } | null;
}

/** What a worker's global scope offers; the checker knows only that of the main thread. */
interface Thread {
  onmessage: ((event: MessageEvent<Piece>) => void) | null;
  postMessage(told: Told): void;
}

const thread = self as unknown as Thread;

thread.onmessage = ({ data: piece }): void => {
  const { failure, ...rest } = hunt(piece);
  const found = failure === null ? null : { seed: failure.seed, message: failure.violation.message };
  thread.postMessage({ piece, ...rest, failure: found });
};
