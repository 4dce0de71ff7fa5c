/** What engines say: whose problem it is, and what was healed. */
import { assertEquals } from "@std/assert";
import { EngineNews } from "../../mod/daemon/balancing/engine_news.ts";

const WEB = "tcp 192.0.2.10:80";
const DNS = "udp 192.0.2.10:53";
const ALL = new Set([WEB, DNS]);

function problems(news: EngineNews): (string | null)[] {
  return [WEB, DNS].map((key) => news.problem("ipvs", [key], ALL));
}

Deno.test("a problem that names a service is in the way of that one, another of all", () => {
  const news = new EngineNews();
  assertEquals(problems(news), [null, null]);
  news.hear("ipvs", { drift: [], problems: [`${WEB}: no such scheduler`] });
  assertEquals(problems(news), [`${WEB}: no such scheduler`, null]);
  news.hear("ipvs", { drift: [], problems: [`${WEB}80: no such scheduler`] });
  assertEquals(news.problem("ipvs", [WEB], new Set([WEB, `${WEB}80`])), null, "of port 8080");
  news.hear("ipvs", { drift: [], problems: ["no memory", `${DNS}: busy`] });
  assertEquals(problems(news), ["no memory", `no memory; ${DNS}: busy`]);
  assertEquals(news.problem("nftables", [WEB], ALL), null);
  news.hear("ipvs", { drift: [], problems: [] });
  assertEquals(problems(news), [null, null]);
});

Deno.test("what was healed is counted for the service that it was about, or for all", () => {
  const news = new EngineNews();
  const healed = (): number[] => [WEB, DNS].map((key) => news.healed("ipvs", [key], ALL));
  news.hear("ipvs", { drift: [{ key: WEB, what: "was missing" }], problems: [] });
  assertEquals(healed(), [1, 0]);
  news.hear("ipvs", {
    drift: [{ key: "table", what: "was missing" }, { key: DNS, what: "x" }],
    problems: [],
  });
  assertEquals(healed(), [2, 2]);
  assertEquals(news.healed("nftables", [WEB], ALL), 0);
  assertEquals(news.lastHealed("ipvs", [WEB], ALL)?.what, "was missing");
  assertEquals(news.lastHealed("nftables", [DNS], ALL), null);
  assertEquals(new EngineNews().lastHealed("ipvs", [DNS], ALL), null);
});
