/** A server for tests of probes that answers with given bytes and keeps what it was sent. */

export class Peer implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #answers: string[];
  readonly #done: Promise<void>;

  /** Each connection gets the next answer, the last one over and over; then it is closed. */
  constructor(...answers: string[]) {
    this.#answers = answers;
    this.#done = this.#run();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async #run(): Promise<void> {
    const connections: Promise<void>[] = [];
    for await (const connection of this.#accept()) {
      connections.push(this.#serve(connection, connections.length));
    }
    await Promise.all(connections);
  }

  async *#accept(): AsyncIterable<Deno.Conn> {
    try {
      yield* this.#listener;
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #serve(connection: Deno.Conn, index: number): Promise<void> {
    const buffer = new Uint8Array(16384);
    const count = await connection.read(buffer) ?? 0;
    this.requests.push(new TextDecoder().decode(buffer.subarray(0, count)));
    const answer = new TextEncoder().encode(this.#answers[Math.min(index, this.#answers.length - 1)]);
    try {
      for (let sent = 0; sent < answer.length;) sent += await connection.write(answer.subarray(sent));
    } catch (error) {
      // The client has read as much as it wants.
      if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) {
        throw error;
      }
    }
    connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}
