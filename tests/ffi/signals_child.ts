/**
 * The child of signals_test.ts: holds signals, becomes another image of itself, and says which of them it has
 * heard in the end. Each image says when a signal may come, and then does nothing but wait.
 */
import { execve, kill } from "../../ffi/process.ts";
import { holdSignals, releaseSignals } from "../../ffi/signals.ts";

const WAIT_MS = 400;
const [image = "", umask = "", unmarked = ""] = Deno.args;

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Without a turn of the event loop: as between the last look and execve. */
function stand(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
}

Deno.addSignalListener("SIGTERM", () => {
  say("TERM");
  Deno.exit(0);
});
Deno.addSignalListener("SIGHUP", () => {
  say("HUP");
  Deno.exit(0);
});

if (image === "first" || image === "refused") {
  const held = holdSignals();
  say("first");
  stand();
  if (image === "first") {
    const args = ["deno", "run", "-A", "--no-check", new URL(import.meta.url).pathname, "second"];
    const environment = Object.entries(Deno.env.toObject()).map(([name, value]) => `${name}=${value}`);
    execve(Deno.execPath(), [...args, String(held.umask), String(held.unmarked)], environment);
  }
  raise(releaseSignals(held));
} else {
  say("second");
  stand();
  raise(releaseSignals({ umask: Number(umask), unmarked: Number(unmarked), handlers: new Map() }));
}
say(`umask ${Deno.umask().toString(8)}`);
await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
say("nothing");

function raise(signal: number | null): void {
  if (signal !== null) kill(Deno.pid, signal);
}
