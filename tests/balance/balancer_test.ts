/** Which engine carries what, and how often it is told. */
import { assert, assertEquals } from "@std/assert";
import { Balancer, type Wish } from "../../mod/balance/balancer.ts";
import { type EngineContext, type EngineName, type EngineTypes } from "../../mod/balance/engines.ts";
import type { Applied, Service } from "../../mod/balance/model.ts";
import { waitFor } from "../e2e/lab/wait.ts";
import { FakeEngine } from "./fake_engine.ts";

const context = { config: () => assert(false), note: () => {} } as unknown as EngineContext;

function service(port: number): Service {
  return {
    match: { kind: "address", family: 4, protocol: "tcp", address: "192.0.2.10", port },
    scheduler: "rr",
    flags: [],
    onePacket: false,
    persistence: null,
    destinations: [],
  };
}

function wish(virtualServer: string, port: number, engine: Wish["engine"] = "auto"): Wish {
  return { virtualServer, engine, services: [service(port)] };
}

function lab(missing: Partial<Record<EngineName, string | null>>): {
  engines: Map<string, FakeEngine>;
  rounds: [EngineName, Applied][];
  balancer: Balancer;
} {
  const engines = new Map<string, FakeEngine>();
  const types: EngineTypes = Object.fromEntries(
    Object.entries(missing).map(([name, problem]) => [name, {
      missing: () => Promise.resolve(problem),
      create: () => {
        const engine = new FakeEngine(name as EngineName);
        engines.set(name, engine);
        return engine;
      },
    }]),
  );
  const rounds: [EngineName, Applied][] = [];
  const applied = (name: EngineName, applied: Applied): void => void rounds.push([name, applied]);
  return { engines, rounds, balancer: new Balancer({ context, types, applied, lookAgainMs: 20 }) };
}

Deno.test("auto is ipvs, or nftables where the kernel has no IPVS, or a sentence that names both", async () => {
  const rows: [Parameters<typeof lab>[0], unknown][] = [
    [{ ipvs: null, nftables: null }, { engine: "ipvs" }],
    [{ ipvs: "the kernel has no IPVS", nftables: null }, { engine: "nftables" }],
    [{ ipvs: "the kernel has no IPVS", nftables: "there is no nft" }, {
      problem: "no engine can carry it (ipvs: the kernel has no IPVS; nftables: there is no nft)",
    }],
    [{ nftables: null }, { engine: "nftables" }],
  ];
  for (const [missing, carrier] of rows) {
    const { balancer } = lab(missing);
    await balancer.choose([wish("web", 80)]);
    assertEquals(balancer.carrier("web"), carrier as ReturnType<Balancer["carrier"]>);
  }
});

Deno.test("an engine that is asked for by name is taken or missed, never replaced", async () => {
  const { balancer, engines } = lab({ ipvs: "the kernel has no IPVS", nftables: null });
  const wishes = [wish("a", 80, "ipvs"), wish("b", 81, "nftables")];
  await balancer.choose(wishes);
  await balancer.want(wishes);
  assertEquals(balancer.carrier("a"), {
    problem: "no engine can carry it (ipvs: the kernel has no IPVS)",
  });
  assertEquals(engines.get("nftables")?.services, [service(81)]);
  assertEquals(engines.has("ipvs"), false);
  await balancer.stop(false);
});

Deno.test("what the engine cannot do is not begun, and said", async () => {
  const { balancer, engines } = lab({ ipvs: "the kernel has no IPVS", nftables: null });
  const cannot = (engine: EngineName): string | null => engine === "nftables" ? "it cannot tunnel" : null;
  const wishes = [{ ...wish("a", 80), cannot }, wish("b", 81)];
  await balancer.choose(wishes);
  await balancer.want(wishes);
  assertEquals(balancer.carrier("a"), { problem: "it cannot tunnel" });
  assertEquals(engines.get("nftables")?.services, [service(81)]);
  await balancer.stop(false);
});

Deno.test("what carries traffic goes on to carry it when another engine would be chosen by now", async () => {
  const missing = { ipvs: "the kernel has no IPVS" as string | null, nftables: null };
  const { balancer } = lab({});
  const types: EngineTypes = Object.fromEntries((["ipvs", "nftables"] as const).map((name) => [name, {
    missing: () => Promise.resolve(missing[name]),
    create: () => new FakeEngine(name),
  }]));
  const late = new Balancer({ context, types, applied: () => {} });
  await late.choose([wish("web", 80)]);
  missing.ipvs = null;
  await late.choose([wish("web", 80)]);
  assertEquals([late.carrier("web"), late.automatic], [{ engine: "nftables" }, "nftables"]);
  const next = new Balancer({ context, types, applied: () => {}, automatic: late.automatic });
  await next.choose([wish("web", 80)]);
  assertEquals(next.carrier("web"), { engine: "nftables" }, "and after an upgrade");
  await balancer.stop(false);
});

Deno.test("changes that come together are applied together; removed services are taken away", async () => {
  const { balancer, engines } = lab({ ipvs: null });
  await balancer.choose([wish("web", 80)]);
  await Promise.all([80, 81, 82].map((port) => balancer.want([wish("web", port)])));
  const { told } = engines.get("ipvs")!;
  assertEquals(told[0], [service(82)]);
  await balancer.want([]);
  assertEquals(told.at(-1), []);
  await balancer.stop(false);
});

Deno.test("what somebody else takes away comes back, and it is told", async () => {
  const { balancer, engines, rounds } = lab({ ipvs: null });
  await balancer.choose([wish("web", 80)]);
  await balancer.want([wish("web", 80)]);
  engines.get("ipvs")!.services = [];
  await waitFor("healing", () => rounds.some(([, { drift }]) => drift.length > 0), 10_000);
  assertEquals(engines.get("ipvs")!.services, [service(80)]);
  await balancer.stop(false);
});

Deno.test("what fails is tried again, less and less often, and the first round does not wait for it", async () => {
  const { balancer, engines, rounds } = lab({ ipvs: null });
  await balancer.choose([wish("web", 80)]);
  await balancer.want([wish("web", 80)]);
  const engine = engines.get("ipvs")!;
  engine.problem = "ENOBUFS";
  await balancer.want([wish("web", 81)]);
  assertEquals(engine.services, [service(80)]);
  const failed = (): number => rounds.filter(([, { problems }]) => problems.length > 0).length;
  await waitFor("second try", () => failed() > 1, 10_000);
  engine.problem = null;
  await waitFor("it works", () => JSON.stringify(engine.services) === JSON.stringify([service(81)]), 10_000);
  await balancer.stop(true);
  assertEquals(engine.stopped, "kept");
});

Deno.test("what the engines have is read when it is asked for, and not more often", async () => {
  const { balancer, engines } = lab({ ipvs: null });
  await balancer.choose([wish("web", 80)]);
  await balancer.want([wish("web", 80)]);
  let reads = 0;
  const engine = engines.get("ipvs")!;
  const read = engine.read.bind(engine);
  engine.read = () => {
    reads++;
    return read();
  };
  const answers = await Promise.all([1, 2, 3].map(() => balancer.reports(10_000)));
  assertEquals(reads, 1);
  for (const reports of answers) assertEquals([...reports.keys()], ["tcp 192.0.2.10:80"]);
  await balancer.stop(false);
  assertEquals(engine.stopped, "removed");
});

Deno.test("an engine that cannot be made, or that throws, is a problem and tried again", async () => {
  let tries = 0;
  const rounds: Applied[] = [];
  const balancer = new Balancer({
    context,
    types: {
      ipvs: {
        missing: () => Promise.resolve(null),
        create: () => {
          if (++tries === 1) throw new Error("no socket");
          const engine = new FakeEngine();
          if (tries === 2) engine.apply = () => Promise.reject(new Error("no memory"));
          return engine;
        },
      },
      nftables: {
        missing: () => Promise.reject(new Error("no nft")),
        create: () => new FakeEngine("nftables"),
      },
    },
    applied: (_, applied) => void rounds.push(applied),
  });
  const wishes = [wish("web", 80), wish("other", 81, "nftables")];
  await balancer.choose(wishes);
  assertEquals(balancer.carrier("other"), { problem: "no engine can carry it (nftables: no nft)" });
  await balancer.want(wishes);
  await balancer.want(wishes);
  assertEquals(rounds.map(({ problems }) => problems), [["no socket"], ["no memory"]]);
  await balancer.stop(false);
});

Deno.test("what an engine leaves is for the next one of its kind, in this program or the next", async () => {
  const given: unknown[] = [];
  const types: EngineTypes = {
    ipvs: {
      missing: () => Promise.resolve(null),
      create: (_context, memory) => {
        given.push(memory);
        return Object.assign(new FakeEngine("ipvs"), { memory: () => ({ round: given.length }) });
      },
    },
  };
  const options = { context, types, applied: () => {} };
  const first = new Balancer(options);
  const run = async (balancer: Balancer): Promise<void> => {
    await balancer.choose([wish("web", 80)]);
    await balancer.want([wish("web", 80)]);
    await balancer.stop(true);
  };
  await run(first);
  assertEquals(first.memories, { ipvs: { round: 1 } });
  await run(first);
  await run(new Balancer({ ...options, inherited: first.memories }));
  assertEquals(given, [undefined, { round: 1 }, { round: 2 }]);
});
