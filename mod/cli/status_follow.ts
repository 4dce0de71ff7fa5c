/** The daemon's transitions as they happen: read from `/events`, one line each. */
import { Transition } from "../snapshot.ts";
import { type ApiClient, ClientError } from "./client.ts";
import { text } from "./text.ts";

/** Prints a line for every transition until the daemon ends the stream; rejects with ClientError then. */
export async function follow(client: ApiClient, print: (line: string) => void): Promise<never> {
  for await (const transition of transitions(client)) print(formatTransition(transition));
  throw new ClientError("The daemon ended the stream of events");
}

/**
 * `2026-11-20T05:58:53.123Z virtual_router VI_1 BACKUP -> ACTIVE priority 100: no advertisement for 3.6 s`
 */
export function formatTransition({ at, kind, name, from, to, reason, priority }: Transition): string {
  const rank = priority === undefined ? "" : ` priority ${priority}`;
  return text(`${at} ${kind} ${name} ${from} -> ${to}${rank}: ${reason}`);
}

/**
 * The transitions of one connection; ends when the stream does. Rejects with ClientError when it cannot be
 * opened.
 */
export async function* transitions(
  client: ApiClient,
  signal?: AbortSignal,
): AsyncGenerator<Transition, void> {
  const response = await client.request("GET", "/events", {
    accept: "text/event-stream",
    timeoutMs: null,
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new ClientError(`vipd answered ${response.status} to /events`);
  }
  let rest = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const messages = (rest + chunk).split("\n\n");
    rest = messages.pop() ?? "";
    for (const message of messages) {
      const data = message.split("\n").filter((line) => line.startsWith("data: ")).map((line) =>
        line.slice(6)
      );
      if (data.length > 0) yield Transition.parse(JSON.parse(data.join("\n")));
    }
  }
}
