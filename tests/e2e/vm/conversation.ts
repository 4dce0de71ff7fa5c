/** A TCP connection that stays open: the client says a word, the real server it led to answers. */
import type { Child } from "../lab/child.ts";
import type { Host } from "../lab.ts";
import { waitFor } from "../lab/wait.ts";

export const PORT = 7000;

/** Answers every line on every connection with its own name and that line. */
export function startAnswering(server: Host): Child {
  const listen = `TCP-LISTEN:${PORT},fork,reuseaddr`;
  return server.spawn("answering", ["socat", listen, `EXEC:sed -u s/^/${server.name}-/`]);
}

export interface Conversation {
  /** Says the word and waits for the answer to it; returns who answered. */
  say(word: string): Promise<string>;
  /** Closes it. */
  end(): Promise<unknown>;
}

/** Opens a connection to an address and port, from a port of one's choice, so that it is found in lists. */
export async function converse(client: Host, address: string, port: number): Promise<Conversation> {
  const pipe = `${client.directory}/conversation-${port}`;
  await client.exec(["mkfifo", pipe]);
  // Open for both directions, the pipe never ends.
  const command = `exec socat STDIO TCP:${address},sourceport=${port} <>${pipe}`;
  const child = client.spawn("conversation", ["sh", "-c", command]);
  const say = async (word: string): Promise<string> => {
    await Deno.writeTextFile(pipe, `${word}\n`, { append: true });
    return await waitFor(`an answer to "${word}"`, () => {
      if (!child.running) throw new Error(`the connection has ended: ${child.output}`);
      return new RegExp(`^(.*)-${word}$`, "m").exec(child.output)?.[1];
    }, 60_000);
  };
  return { say, end: () => child.stop() };
}
