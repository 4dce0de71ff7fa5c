/** The smtp check against a mail server of our own that says what a row has it say. */
import { assertEquals } from "@std/assert";
import { smtp } from "../../checks/smtp.ts";
import { verdict } from "./verdict.ts";

/** Says the first line at once and one more for each line that it gets, then hangs up. */
async function served(
  lines: readonly string[],
  options: Record<string, unknown> = {},
): Promise<[verdict: string, heard: string]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let heard = "";
  const serve = async (): Promise<void> => {
    using connection = await listener.accept();
    const buffer = new Uint8Array(1000);
    for (const line of lines) {
      await connection.write(new TextEncoder().encode(line));
      const count = await connection.read(buffer);
      if (count === null) return;
      heard += new TextDecoder().decode(buffer.subarray(0, count));
    }
  };
  const serving = serve();
  const address = `127.0.0.1:${listener.addr.port}`;
  const said = await verdict(smtp, { address, helo_name: "lb1.example.com", ...options });
  await serving.catch((error) => {
    // The client has heard enough.
    if (!(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)) {
      throw error;
    }
  });
  return [said, heard];
}

const welcome = "220 mx.example.com ESMTP\r\n";

const rows: [name: string, lines: string[], verdict: string][] = [
  ["a server that works", [welcome, "250 hello\r\n", "221 bye\r\n"], "pass: 220 mx.example.com ESMTP"],
  [
    "replies of many lines",
    ["220-one\r\n220 two\r\n", "250-PIPELINING\r\n250-SIZE\r\n250 HELP\r\n", ""],
    "pass: 220 two",
  ],
  ["lines that end bare, a code alone", ["220\n", "250\n", "221\n"], "pass: 220"],
  ["not now", ["421 too busy\r\n"], "the greeting was answered with 421 too busy"],
  ["a refused name", [welcome, "501 bad name\r\n"], "HELO was answered with 501 bad name"],
  ["no SMTP", ["SSH-2.0-x\r\n"], 'the greeting is not SMTP: "SSH-2.0-x"'],
  ["hangs up", [], "the server closed the connection instead of answering the greeting"],
  ["an endless line", ["220 ".padEnd(5000, "x")], "the greeting was answered with an endless line"],
  ["endless lines", ["220-x\r\n".repeat(100)], "the greeting was answered with more than 64 lines"],
];

for (const [name, lines, expected] of rows) {
  Deno.test(`smtp: ${name}`, async () => {
    assertEquals((await served(lines))[0], expected);
  });
}

Deno.test("smtp: what it says, HELO or EHLO, and QUIT", async () => {
  const lines = [welcome, "250 hello\r\n", "221 bye\r\n"];
  assertEquals((await served(lines))[1], "HELO lb1.example.com\r\nQUIT\r\n");
  assertEquals(
    (await served(lines, { ehlo: true, helo_name: "[192.0.2.1]" }))[1],
    "EHLO [192.0.2.1]\r\nQUIT\r\n",
  );
  assertEquals((await served(lines, { helo_name: undefined }))[1], `HELO ${Deno.hostname()}\r\nQUIT\r\n`);
});
