/**
 * A process of process_test.ts that has a child which is to end with it, and says its pid when that is
 * arranged.
 */

const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "--no-check", new URL("./death_child.ts", import.meta.url).pathname],
  stdout: "piped",
}).spawn();
await child.stdout.getReader().read();
await Deno.stdout.write(new TextEncoder().encode(String(child.pid)));
await child.status;
