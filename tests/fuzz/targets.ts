/** The table of everything that is fuzzed. */
import { answers } from "./answers.ts";
import { api } from "./api.ts";
import { databases } from "./databases.ts";
import { http } from "./http.ts";
import { keepalived } from "./keepalived.ts";
import { netlink } from "./netlink.ts";
import { packets } from "./packets.ts";
import { toml } from "./toml.ts";
import type { Target } from "./target.ts";

export const TARGETS: Readonly<Record<string, Target<unknown>>> = {
  packets,
  netlink,
  toml,
  keepalived,
  api,
  http,
  answers,
  databases,
};
