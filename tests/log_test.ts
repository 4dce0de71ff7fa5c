/** Log lines: their forms, their bounds, and that a stuck console costs no time. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { configureLogging, createRateLimit, logger, type LogOptions, type LogOutput } from "../mod/log.ts";

interface Captured extends LogOutput {
  text(): string;
}

function output(properties: Partial<LogOutput> = {}): Captured {
  let text = "";
  return {
    text: () => text,
    write: (bytes) => {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
    isTerminal: true,
    isJournal: false,
    ...properties,
  };
}

async function logged(options: Partial<LogOptions>, to: Captured, write: () => void): Promise<string> {
  const flush = configureLogging({ level: "info", format: "text", ...options }, to);
  write();
  await flush();
  return to.text();
}

function transition(): void {
  const fields = { name: "VI_1", from: "BACKUP", to: "ACTIVE", reason: "no adverts", priority: 100 };
  logger("vrrp").info("transition {name} {from} -> {to}", fields);
}

const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";

Deno.test("text lines give time, level, part, event and the remaining fields", async () => {
  const text = await logged({}, output(), () => {
    transition();
    logger("api").warn("refused");
  });
  const [first = "", second = ""] = text.split("\n");
  assertMatch(
    first,
    new RegExp(`^${TIME} info  vrrp transition VI_1 BACKUP -> ACTIVE reason="no adverts" priority=100$`),
  );
  assertMatch(second, new RegExp(`^${TIME} warn  api refused$`));
});

Deno.test("under journald text has a syslog level instead of time and level", async () => {
  const text = await logged({ format: "auto" }, output({ isTerminal: false, isJournal: true }), () => {
    transition();
    logger("main").error("broken");
  });
  assertEquals(
    text,
    '<6>vrrp transition VI_1 BACKUP -> ACTIVE reason="no adverts" priority=100\n<3>main broken\n',
  );
});

Deno.test("json lines carry event and fields by name", async () => {
  const text = await logged({ format: "auto" }, output({ isTerminal: false }), transition);
  const { at, ...rest } = JSON.parse(text);
  assertMatch(at, new RegExp(`^${TIME}$`));
  assertEquals(rest, {
    level: "info",
    logger: "vrrp",
    event: "transition",
    message: "transition VI_1 BACKUP -> ACTIVE",
    name: "VI_1",
    from: "BACKUP",
    to: "ACTIVE",
    reason: "no adverts",
    priority: 100,
  });
});

Deno.test("a field cannot replace the head of a json line, and any value can be written", async () => {
  const text = await logged({ format: "json" }, output(), () => {
    logger("main").info("odd", {
      level: "x",
      big: 10n,
      error: new TypeError("bad"),
      none: undefined,
      list: [1],
    });
  });
  const line = JSON.parse(text);
  assertEquals([line.level, line.big, line.list], ["info", "10", [1]]);
  assertStringIncludes(line.error, "TypeError: bad");
});

Deno.test("a record is one line without control characters, whatever it holds", async () => {
  const text = await logged(
    {},
    output(),
    () => logger("check").info("failed {name}", { name: "a\nb\x1b[2J", reason: "c\nd" }),
  );
  assertEquals(text.match(/\n/g)?.length, 1);
  assertStringIncludes(text, 'failed a\\nb [2J reason="c\\nd"');
});

Deno.test("the level leaves out what is below it", async () => {
  const all = (): void => {
    for (const level of ["debug", "info", "warn", "error"] as const) logger("main")[level](level);
  };
  const rows = { debug: 4, info: 3, warn: 2, error: 1 } as const;
  for (const [level, lines] of Object.entries(rows)) {
    const text = await logged({ level: level as keyof typeof rows }, output(), all);
    assertEquals(text.match(/\n/g)?.length, lines, level);
  }
});

Deno.test("a stuck console stalls nobody, and says afterwards how much was lost", async () => {
  let release = (): void => {};
  const stuck = new Promise<void>((resolve) => release = resolve);
  let text = "";
  const to = output({
    write: async (bytes) => {
      await stuck;
      text += new TextDecoder().decode(bytes);
    },
  });
  const flush = configureLogging({ level: "info", format: "text" }, to);
  logger("main").info("first");
  await new Promise((resolve) => setTimeout(resolve, 1));
  const before = performance.now();
  for (let i = 0; i < 2500; i++) logger("main").info("line", { i });
  assert(performance.now() - before < 10_000);
  release();
  await flush();
  const lines = text.trimEnd().split("\n");
  assertEquals(lines.length, 1 + 2000 + 1);
  assertStringIncludes(lines.at(-1) ?? "", "log lines_dropped count=500");
});

Deno.test("a console that fails ends nothing", async () => {
  const to = output({ write: () => Promise.reject(new Deno.errors.BrokenPipe("gone")) });
  const flush = configureLogging({ level: "info", format: "text" }, to);
  logger("main").info("into the void");
  await flush();
});

Deno.test("createRateLimit() lets a key through once an interval and counts the rest", () => {
  let now = 0;
  const limit = createRateLimit(1000, () => now, 2);
  assertEquals(limit.take("a"), { allowed: true, suppressed: 0 });
  assertEquals(limit.take("a"), { allowed: false, suppressed: 1 });
  assertEquals(limit.take("b"), { allowed: true, suppressed: 0 });
  now = 999;
  assertEquals(limit.take("a"), { allowed: false, suppressed: 2 });
  now = 1000;
  assertEquals(limit.take("a"), { allowed: true, suppressed: 2 });
  assertEquals(limit.take("a"), { allowed: false, suppressed: 1 });
  // A third key pushes out the one that spoke longest ago.
  assertEquals(limit.take("c"), { allowed: true, suppressed: 0 });
  assertEquals(limit.take("b"), { allowed: true, suppressed: 0 });
});

/** What is written when a second line comes so many turns of the microtask queue after the first was. */
async function lateLine(turns: number): Promise<string> {
  let text = "";
  configureLogging({ level: "info", format: "text" }, {
    ...output(),
    write: (bytes) => {
      let turn = Promise.resolve();
      if (text === "") { for (let i = 0; i < turns; i++) turn = turn.then(() => {}); }
      if (text === "") void turn.then(() => logger("api").info("late"));
      text += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
  });
  logger("api").info("first");
  await new Promise((resolve) => setTimeout(resolve, 5));
  return text;
}

Deno.test("a line that comes just as the queue has run empty does not wait for the next one", async () => {
  for (let turns = 0; turns < 12; turns++) {
    assertMatch(await lateLine(turns), /first\n.*late\n/, `${turns} turns`);
  }
});
