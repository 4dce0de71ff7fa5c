/** No signal is lost and none is deadly while a process becomes another image of itself. */
import { assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { holdSignals, releaseSignals } from "../../ffi/signals.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const here = new URL(".", import.meta.url).pathname;

/** Starts the child, sends a signal when it says `at`, and returns what it said from then on. */
async function play(
  image: string,
  at: string | null,
  signal: Deno.Signal,
  umask = "0022",
): Promise<string[]> {
  const script = `umask ${umask}; exec "$0" "$@"`;
  const program = [Deno.execPath(), "run", "-A", "--no-check", `${here}signals_child.ts`, image];
  const child = new Deno.Command("sh", { args: ["-c", script, ...program], stdout: "piped" }).spawn();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (at !== null && !text.includes(at) && (text + chunk).includes(at)) child.kill(signal);
    text += chunk;
  }
  await child.status;
  return text.trim().split("\n");
}

/** The image that starts, when the signal comes, which one, the umask it starts with, and what it says. */
const CASES = [
  ["first", "first", "SIGTERM", "0022", ["first", "second", "umask 22", "TERM"]],
  ["first", "second", "SIGTERM", "0022", ["first", "second", "umask 22", "TERM"]],
  ["first", "second", "SIGHUP", "0027", ["first", "second", "umask 27", "HUP"]],
  ["first", "first", "SIGHUP", "0027", ["first", "second", "umask 27", "HUP"]],
  ["first", "first", "SIGTERM", "0002", ["first", "second", "umask 2", "TERM"]],
  ["first", null, "SIGTERM", "0002", ["first", "second", "umask 2", "nothing"]],
  ["refused", "first", "SIGTERM", "0022", ["first", "umask 22", "TERM"]],
  ["refused", null, "SIGTERM", "0022", ["first", "umask 22", "nothing"]],
] as const;

for (const [image, at, signal, umask, said] of CASES) {
  const when = at === null ? "no signal" : `${signal} to the ${at} image`;
  Deno.test(`signals over execve: ${image}, ${when}, umask ${umask}`, async () => {
    assertEquals(await play(image, at, signal, umask), [...said]);
  });
}

Deno.test("signals: held and released, everything is as before", () => {
  const before = Deno.umask();
  const held = holdSignals();
  assertEquals(releaseSignals(held), null);
  assertEquals(Deno.umask(), before);
});
