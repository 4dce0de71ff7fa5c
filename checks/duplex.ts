/** A probe's connection in the shape that client libraries of Node.js want: a socket that is open already. */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { type Stream, writeAll } from "./connection.ts";

const readSize = 16 * 1024;

/**
 * Whoever made the stream closes it. What is asked of a TCP socket beside reading and writing is accepted
 * and has no effect.
 */
export class SocketLike extends Duplex {
  readonly #stream: Stream;
  readonly #buffer = new Uint8Array(readSize);

  constructor(stream: Stream) {
    super({ allowHalfOpen: false });
    this.#stream = stream;
    // An error that nobody listens to would end the process.
    this.on("error", () => {});
  }

  override _read(): void {
    // A library that stumbles over what it reads does so within push: that is the server's fault too.
    this.#stream.read(this.#buffer)
      .then((count) => this.push(count === null ? null : Buffer.from(this.#buffer.slice(0, count))))
      .catch((error) => this.destroy(error));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    writeAll(this.#stream, chunk).then(() => done(), done);
  }

  /** It is connected; whoever asks hears so a moment later. */
  connect(): this {
    queueMicrotask(() => this.emit("connect"));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
