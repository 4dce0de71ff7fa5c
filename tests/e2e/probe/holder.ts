/**
 * Holds connections open and says what becomes of each: `open 0 rs1` with the server's first line, then it
 * sends a line every 100 ms and expects it back; `lost 0 REASON` once that fails.
 * Arguments: address, port, how many, seconds to live.
 */
const [hostname = "", port = "", count = "1", seconds = "60"] = Deno.args;
const ANSWER_MS = 1500;

async function hold(index: number): Promise<void> {
  try {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await say(`open ${index} ${(await answer(connection)).trim()}`);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await connection.write(new TextEncoder().encode("x\n"));
      if (await answer(connection) === "") throw new Error("closed");
    }
  } catch (error) {
    await say(`lost ${index} ${error instanceof Error ? error.message : error}`);
  }
}

async function answer(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(100);
  let timer = 0;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("silent")), ANSWER_MS);
  });
  const length = await Promise.race([connection.read(buffer), late]).finally(() => clearTimeout(timer));
  return length === null ? "" : new TextDecoder().decode(buffer.subarray(0, length));
}

async function say(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

setTimeout(() => Deno.exit(0), Number(seconds) * 1000);
await Promise.all(Array.from({ length: Number(count) }, (_, i) => hold(i)));
