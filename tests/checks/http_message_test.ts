/**
 * HTTP answers arrive in any pieces: the same answer must come out of every split, and no prefix may pass for
 * it.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CheckFailed } from "../../checks/check.ts";
import type { Stream } from "../../checks/connection.ts";
import { readAnswer } from "../../checks/http_message.ts";

/** Delivers `text` in pieces of `size` bytes, then the end. */
function pieces(text: string, size: number): Stream {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return {
    read(buffer: Uint8Array): Promise<number | null> {
      const piece = bytes.subarray(at, at + Math.min(size, buffer.length));
      buffer.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length === 0 ? null : piece.length);
    },
    write: (sent: Uint8Array): Promise<number> => Promise.resolve(sent.length),
    close: (): void => {},
  };
}

const answers: [name: string, text: string, body: string][] = [
  ["length", "HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 5\r\n\r\nhello", "hello"],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n",
    "hello world",
  ],
  ["interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"],
  [
    "line breaks in the body",
    "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
    "\r\n\r\n\r\n\r\n",
  ],
];

for (const [name, text, body] of answers) {
  Deno.test(`readAnswer: ${name}, in pieces of every size`, async () => {
    for (let size = 1; size <= text.length; size++) {
      const answer = await readAnswer(pieces(text, size), "GET");
      assertEquals([answer.status, new TextDecoder().decode(answer.body), answer.cut], [200, body, false]);
    }
  });

  Deno.test(`readAnswer: ${name}, no proper prefix passes`, async () => {
    for (let length = 0; length < text.length; length++) {
      await assertRejects(() => readAnswer(pieces(text.slice(0, length), 4096), "GET"), CheckFailed);
    }
  });
}

Deno.test("readAnswer: noise never passes, hangs or breaks", async () => {
  let seed = 1;
  const random = (): number => (seed = seed * 1103515245 + 12345 & 0x7fffffff) / 0x7fffffff;
  const [, [, text = ""] = []] = answers;
  for (let round = 0; round < 3000; round++) {
    const characters = [...text];
    for (let i = 0; i < 1 + random() * 4; i++) {
      const at = Math.floor(random() * characters.length);
      characters[at] = String.fromCharCode(Math.floor(random() * 128));
    }
    try {
      const answer = await readAnswer(pieces(characters.join(""), 7), "GET");
      assert(answer.status >= 200 && answer.status <= 999);
    } catch (error) {
      assert(error instanceof CheckFailed, String(error));
    }
  }
});
