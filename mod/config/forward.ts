/** `forward` of vipd.toml: how packets reach a real server. */
import * as z from "zod";
import { wholeNumber } from "./values.ts";

/** `port` and `checksum` are those of the encapsulation; `port` is 0 where it has none. */
export type ForwardConfig =
  | {
    readonly method: "nat";
    /** The destination sees this host as the client, so its answers come back here by any route. */
    readonly masquerade?: boolean;
  }
  | { readonly method: "dr" }
  | {
    readonly method: "tunnel";
    readonly type: "ipip" | "gue" | "gre";
    readonly port: number;
    readonly checksum: "none" | "checksum" | "remote";
  };

const METHODS = ["nat", "dr", "tunnel"] as const;

/** What others call them: keepalived, ipvsadm, ldirectord. */
const WORDS: Readonly<Record<string, (typeof METHODS)[number]>> = {
  ...{ masq: "nat", masquerade: "nat", masquerading: "nat" },
  ...{ route: "dr", gate: "dr", gatewaying: "dr", direct: "dr", direct_routing: "dr" },
  ...{ tun: "tunnel", ipip: "tunnel", tunneling: "tunnel" },
};

const EXPECTED = 'expected "nat", "dr", "tunnel" or { method = "tunnel", type, port, checksum }';

const method = z.enum(METHODS, {
  error: ({ input }) => {
    const word = typeof input === "string" ? input.toLowerCase() : "";
    const ours = METHODS.find((known) => known === word) ?? WORDS[word];
    return ours === undefined
      ? EXPECTED
      : `unknown method ${JSON.stringify(input)} (did you mean "${ours}"?)`;
  },
});

/** The port that Linux documents for GUE, and that keepalived's examples use. */
const GUE_PORT = 6080;

const table = z.strictObject({
  method: method.describe("nat, dr or tunnel"),
  masquerade: z.boolean().exactOptional().describe(
    "Of nat: a real server sees the director as its client, so it needs no route back through it; default false",
  ),
  type: z.enum(["ipip", "gue", "gre"]).exactOptional().describe("Of a tunnel; default ipip"),
  port: wholeNumber(1, 65535).exactOptional().describe(`UDP port of a gue tunnel; default ${GUE_PORT}`),
  checksum: z.enum(["none", "checksum", "remote"]).exactOptional()
    .describe("Of a gue or gre tunnel; remote is gue's remote checksum offload; default none"),
}).transform(({ method, masquerade, type, port, checksum }, context): ForwardConfig => {
  const refuse = (key: string, message: string): void => {
    context.addIssue({ code: "custom", path: [key], message });
  };
  if (method !== "nat" && masquerade !== undefined) {
    refuse("masquerade", 'has no meaning without method = "nat"');
  }
  if (method !== "tunnel") {
    const written = Object.entries({ type, port, checksum }).filter(([, value]) => value !== undefined);
    for (const [key] of written) refuse(key, 'has no meaning without method = "tunnel"');
    return masquerade === true && method === "nat" ? { method, masquerade } : { method };
  }
  if (port !== undefined && type !== "gue") refuse("port", 'has no meaning without type = "gue"');
  if (checksum === "remote" && type !== "gue") refuse("checksum", 'remote needs type = "gue"');
  if (checksum === "checksum" && type !== "gue" && type !== "gre") {
    refuse("checksum", 'an ipip tunnel has none: expected "none"');
  }
  return {
    method,
    type: type ?? "ipip",
    port: type === "gue" ? port ?? GUE_PORT : 0,
    checksum: checksum ?? "none",
  };
});

/** A method alone, or a table when there is more to say. */
export const forward: z.ZodType<ForwardConfig, unknown> = z.union([
  z.string({ error: EXPECTED }).pipe(method).transform((method): ForwardConfig =>
    method === "tunnel" ? { method, type: "ipip", port: 0, checksum: "none" } : { method }
  ),
  table,
]);

/** `nat`, `nat (masquerade)`, `dr`, `tunnel (gue)`. */
export function formatForward(forward: ForwardConfig): string {
  if (forward.method === "nat" && forward.masquerade === true) return "nat (masquerade)";
  return forward.method === "tunnel" ? `tunnel (${forward.type})` : forward.method;
}
