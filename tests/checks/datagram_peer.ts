/** A UDP server for tests of probes: it answers each datagram as it is told, and keeps what it was sent. */
import { createSocket, type Socket } from "node:dgram";

/** What to answer to one datagram: any number of datagrams. */
export type Answer = (request: Uint8Array) => readonly Uint8Array[];

export class DatagramPeer implements AsyncDisposable {
  readonly requests: Uint8Array[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket, answer: Answer) {
    this.#socket = socket;
    socket.on("message", (data, { address, port }) => {
      const request = new Uint8Array(data);
      this.requests.push(request);
      for (const reply of answer(request)) socket.send(reply, port, address);
    });
  }

  /** On the loopback address; on any free port unless told which. */
  static async listen(answer: Answer, port = 0): Promise<DatagramPeer> {
    const socket = createSocket("udp4");
    const peer = new DatagramPeer(socket, answer);
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, "127.0.0.1", resolve);
    });
    return peer;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}
