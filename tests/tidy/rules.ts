/**
 * The house rules of ARCHITECTURE.md as functions and tables: facts of the source in, problems in plain words
 * out.
 */
import type { Facts, Import, Named } from "./facts.ts";

/** Part of the tree a file belongs to: the first prefix that fits. */
const ZONES = [
  ["main.ts", "main"],
  // The composition roots: they know every part, because they put the parts together.
  ["mod/daemon", "root"],
  ["mod/read_model.ts", "root"],
  ["mod/demo/", "root"],
  ["mod/doctor/", "doctor"],
  ["mod/cli/", "cli"],
  ["mod/api/", "api"],
  ["mod/config/", "config"],
  ["mod/vrrp/", "vrrp"],
  ["mod/explain/", "explain"],
  ["mod/kernel/", "kernel"],
  ["mod/balance/", "balance"],
  ["mod/health/", "health"],
  ["mod/notify/", "notify"],
  ["mod/wire/", "wire"],
  ["mod/", "shared"],
  ["checks/", "checks"],
  ["ffi/", "ffi"],
  ["tests/", "tests"],
  ["deno.json", "shared"],
] as const;

type Zone = (typeof ZONES)[number][1];

/** Zone -> zones it may import besides itself. An arrow that is not here does not exist. */
const ARROWS: Readonly<Record<Zone, readonly Zone[]>> = {
  main: ["cli", "shared"],
  root: [
    "cli",
    "api",
    "config",
    "vrrp",
    "explain",
    "kernel",
    "balance",
    "health",
    "notify",
    "wire",
    "shared",
    "checks",
    "ffi",
  ],
  cli: ["config", "explain", "shared"],
  // What would happen: asked of the core itself, and of the arithmetic that `vipd validate` uses.
  explain: ["vrrp", "health", "config", "wire", "shared"],
  doctor: ["config", "vrrp", "wire", "shared", "checks", "ffi"],
  api: ["shared"],
  config: ["checks", "wire", "shared"],
  vrrp: ["kernel", "wire", "ffi", "shared"],
  kernel: ["wire", "ffi", "shared"],
  balance: ["kernel", "wire", "ffi", "shared"],
  health: ["checks", "wire", "ffi", "shared"],
  notify: ["checks", "ffi", "shared"],
  wire: [],
  shared: [],
  checks: [],
  ffi: [],
  tests: [...new Set(ZONES.map(([, zone]) => zone))],
};

/** Arrows that only types may take: a part's input has the shape that the configuration gives it. */
const TYPE_ARROWS: Readonly<Partial<Record<Zone, readonly Zone[]>>> = {
  vrrp: ["config"],
  kernel: ["config"],
  balance: ["config", "health"],
  health: ["config"],
  notify: ["config", "vrrp"],
};

/** Single arrows with a reason of their own: importer, imported, why. */
const EXCEPTIONS: readonly (readonly [from: string, to: string, why: string])[] = [
  ["mod/vrrp/", "mod/health/health.ts", "the weight arithmetic: a PURE function that the core applies"],
  ["mod/config/weights.ts", "mod/health/health.ts", "the weight arithmetic again: no second opinion"],
  ["mod/explain/", "checks/members.ts", "what checks make of others: a PURE function that they apply"],
  ["mod/balance/haproxy/answers.ts", "checks/haproxy_table.ts", "the check of haproxy reads its tables too"],
  ["mod/cli/digest.ts", "checks/http.ts", "`vipd digest` asks as the http check does"],
  ["mod/cli/digest.ts", "checks/http_options.ts", "`vipd digest` asks as the http check does"],
  ["mod/cli/digest.ts", "checks/http_expect.ts", "`vipd digest` prints what the http check compares"],
  ["mod/cli/digest.ts", "mod/health/host.ts", "`vipd digest` asks from this host"],
  ["mod/cli/demo.ts", "mod/demo/demo.ts", "`vipd demo` starts the demonstration"],
  ["mod/cli/doctor.ts", "mod/doctor/doctor.ts", "`vipd doctor` examines this host"],
  ["mod/cli/doctor_view.ts", "mod/doctor/doctor.ts", "`vipd doctor` prints what it found"],
  ["mod/cli/run.ts", "mod/daemon.ts", "`vipd run` starts the daemon"],
  ["mod/cli/validate.ts", "mod/balance/engines.ts", "`vipd validate` asks which engines this host has"],
  ["mod/cli/schema.ts", "checks/mod.ts", "the published schema lists the registry of checks"],
];

/** Library -> zones that may use it. The core, the wire and ffi/ use none. */
const LIBRARIES: readonly (readonly [prefix: string, zones: readonly Zone[]])[] = [
  ["hono", ["api"]],
  ["zod", ["api", "cli", "root", "config", "checks", "shared"]],
  ["@logtape/logtape", ["shared", "api"]],
  ["@std/cli/", ["cli", "root"]],
  ["@std/toml/", ["config"]],
  ["toml-eslint-parser", ["config"]],
  ["nodemailer", ["notify"]],
  ["mysql2", ["checks"]],
  ["pg", ["checks"]],
  ["ioredis", ["checks"]],
  ["node:", ["api", "cli", "root", "doctor", "config", "health", "notify", "checks"]],
];

/** Files that decide and never act. What they import at run time has to be as pure. */
const PURE = [
  /^mod\/vrrp\/(state|router|backup|active|entry|group|healing|reminding|rivals|conflicts|packet|discard|timers|phase|auth|settings|lateness|counters|saved|override)\.ts$/,
  /^mod\/wire\//,
  /^mod\/explain\//,
  /^mod\/kernel\/plan\.ts$/,
  /^mod\/balance\/nftables\/(?!(engine|kernel|nft|surroundings)\.ts)/,
  /^mod\/balance\/haproxy\/(words|schedulers|proxy|text|answers|plan|ledger)\.ts$/,
  /^mod\/balance\/(model|arithmetic|state|server|destinations|services|connections)\.ts$/,
  /^mod\/balance\/ipvs\/(plan|drift)\.ts$/,
  /^mod\/notify\/(words|router_hooks|backoff)\.ts$/,
  /^mod\/health\/(health|counter)\.ts$/,
  /^checks\/(members|tls_version)\.ts$/,
  /^mod\/config\/(check_timeout|engine_features|schedulers)\.ts$/,
  /^mod\/config\/keepalived\//,
  /^mod\/doctor\/(?!gather\/|doctor\.ts)/,
];

/** The world outside: runtime, clock, chance, threads, output. */
const IMPURE = new Set([
  ...["Deno", "process", "globalThis", "self", "Worker", "WebSocket", "fetch", "console", "localStorage"],
  ...["Date", "performance", "setTimeout", "setInterval", "clearTimeout", "clearInterval", "queueMicrotask"],
  ...["crypto", "Math.random"],
]);

/** Name -> the only files that may use it. */
const RESERVED: readonly (readonly [name: string, where: RegExp, why: string])[] = [
  ["Deno.args", /^main\.ts$/, "main.ts is the only reader of arguments"],
  ["Deno.addSignalListener", /^main\.ts$/, "main.ts is the only reader of signals"],
  ["Deno.exit", /^main\.ts$/, "subcommands return an exit code"],
  ["Deno.dlopen", /^ffi\//, "libc is called in ffi/ only"],
  ["Deno.UnsafePointer", /^ffi\//, "raw pointers stay in ffi/"],
  ["Deno.UnsafePointerView", /^ffi\//, "raw pointers stay in ffi/"],
];

const LIMITS = { functionLines: 70, fileLines: 400, mainLines: 80, columns: 110 } as const;

/** Files of data, not of thought: as long and as wide as the data. */
const DATA = /^tests\/(golden|fuzz\/corpus)\//;

/** Patterns that no text of the project may hold. Written so that this table does not hold them either. */
const BANNED: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/\b(TO[D]O|FIX[M]E|X[X]X)\b/, "unfinished work is an issue, not a comment"],
  [/@ts-(ig[n]ore|nocheck)/, "the compiler is right; @ts-expect-error in a test, with a reason, at most"],
  [/(^|[\s"'`(=])\/(wo[r]k|ro[o]t|ho[m]e\/\w+)\//, "a path of one machine"],
  [
    /\b(npm[j]s\.org|jsr[.]io|yarn[p]kg\.com|npm[m]irror)/,
    "a registry's host; bare names are mapped in deno.json",
  ],
];

export function zoneOf(path: string): Zone | undefined {
  return ZONES.find(([prefix]) => path.startsWith(prefix))?.[1];
}

/** `../wire/address.ts` seen from `mod/vrrp/packet.ts` -> `mod/wire/address.ts`; undefined for a library. */
export function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

export function isPure(path: string): boolean {
  return PURE.some((pattern) => pattern.test(path));
}

/** Imports that no arrow allows, and libraries outside the parts they are for. */
export function wrongArrows({ path, imports }: Facts): string[] {
  const zone = zoneOf(path);
  if (zone === undefined) return [`${path}: belongs to no part of the tree`];
  return imports.flatMap((one) => {
    const target = resolve(path, one.specifier);
    if (target === undefined) return wrongLibrary(path, zone, one.specifier);
    return isAllowed(path, zone, target, one) ? [] : [`${path}: may not import ${target} (${one.kind})`];
  });
}

function isAllowed(path: string, zone: Zone, target: string, { kind }: Import): boolean {
  const to = zoneOf(target);
  if (to === undefined) return false;
  if (to === zone || ARROWS[zone].includes(to)) return true;
  if (kind === "type" && TYPE_ARROWS[zone]?.includes(to)) return true;
  return EXCEPTIONS.some(([from, exact]) => path.startsWith(from) && target === exact);
}

function wrongLibrary(path: string, zone: Zone, specifier: string): string[] {
  if (zone === "tests") return [];
  const row = LIBRARIES.find(([prefix]) =>
    specifier === prefix || specifier.startsWith(prefix.replace(/[/:]?$/, (end) => end || "/"))
  );
  if (row === undefined) return [`${path}: ${specifier} is not in the table of libraries`];
  return row[1].includes(zone) ? [] : [`${path}: ${specifier} is not for this part (${zone})`];
}

/**
 * PURE files, and all that they import at run time, name nothing of the world and import nothing that could.
 */
export function impurities(files: readonly Facts[]): string[] {
  const byPath = new Map(files.map((facts) => [facts.path, facts]));
  const queue = files.filter((facts) => isPure(facts.path) || saysPure(facts))
    .map((facts) => ({ facts, because: "" }));
  const seen = new Set(queue.map(({ facts }) => facts.path));
  const problems: string[] = [];
  for (const { facts, because } of queue) {
    const named = facts.names.filter((one) => isImpure(one, facts));
    problems.push(
      ...named.map(({ name, line }) => `${facts.path}:${line}: PURE${because}, but names ${name}`),
    );
    for (const { specifier, kind } of facts.imports) {
      const target = resolve(facts.path, specifier);
      const zone = target === undefined ? undefined : zoneOf(target);
      if (zone === undefined || zone === "ffi") {
        problems.push(`${facts.path}: PURE${because}, but imports ${target ?? specifier}`);
      } else if (kind !== "type" && target !== undefined && !seen.has(target)) {
        seen.add(target);
        const next = byPath.get(target);
        if (next !== undefined) queue.push({ facts: next, because: ` (imported by ${facts.path})` });
      }
    }
  }
  return problems;
}

/** In its doc comment on top, which then has to be true. What the API renders it makes with its library. */
function saysPure({ path, source }: Facts): boolean {
  return zoneOf(path) !== "api" && /^\/\*\*(?:(?!\*\/)[^])*\bPURE\b/.test(source);
}

/** Of the world; to read a time that is given asks no clock. */
function isImpure({ name, line }: Named, { names }: Facts): boolean {
  const isGiven = name === "Date" && names.some((one) => one.name === "Date.parse" && one.line === line);
  return IMPURE.has(name) && !isGiven;
}

/** Names that only one place may use, `import.meta` among them: in a bundle it means another file. */
export function reservedNames({ path, names, importMetas }: Facts): string[] {
  if (path.startsWith("tests/")) return [];
  const metas = path === "main.ts" ? [] : importMetas;
  return [
    ...names.flatMap(({ name, line }) =>
      RESERVED.filter(([reserved, where]) => reserved === name && !where.test(path))
        .map(([reserved, , why]) => `${path}:${line}: ${reserved}: ${why}`)
    ),
    ...metas.map((line) =>
      `${path}:${line}: import.meta is another file's once bundled; main.ts passes URLs down`
    ),
  ];
}

export function tooLong({ path, source, functions, literalLines }: Facts): string[] {
  const lines = source.trimEnd().split("\n");
  const limit = path === "main.ts" ? LIMITS.mainLines : DATA.test(path) ? Infinity : LIMITS.fileLines;
  return [
    ...(lines.length > limit ? [`${path}: ${lines.length} lines, at most ${limit}`] : []),
    ...functions.filter(({ name, lines }) => lines > LIMITS.functionLines && name !== "")
      .map(({ name, line, lines }) =>
        `${path}:${line}: ${name} has ${lines} lines, at most ${LIMITS.functionLines}`
      ),
    ...lines.flatMap((text, index) =>
      text.length > LIMITS.columns && !DATA.test(path) && !literalLines.includes(index + 1)
        ? [`${path}:${index + 1}: ${text.length} columns, at most ${LIMITS.columns}`]
        : []
    ),
  ];
}

export function badManners({ path, source, anyTypes, emptyCatches }: Facts): string[] {
  return [
    ...anyTypes.map((line) => `${path}:${line}: any`),
    ...emptyCatches.map((line) =>
      `${path}:${line}: an empty catch says nothing about what is swallowed and why`
    ),
    ...(/^(#!.*\n)?\/\*\*[\s\S]*?\*\//.test(source) ? [] : [`${path}: opens with no doc comment`]),
  ];
}

/** For every text of the project, documents and scripts as well. */
export function bannedWords(path: string, text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    BANNED.filter(([pattern]) => pattern.test(line))
      .map(([pattern, why]) => `${path}:${index + 1}: ${pattern.exec(line)?.[0].trim()}: ${why}`)
  );
}

/** Files that nothing leads to, starting from `roots`. */
export function unreachable(files: readonly Facts[], roots: readonly string[]): string[] {
  const seen = reach(files, roots, () => true);
  return files.filter(({ path }) => !seen.has(path)).map(({ path }) => `${path}: nothing imports it`);
}

/**
 * Source files that no test imports, directly or through others, and that `elsewhere` does not name either.
 */
export function untested(files: readonly Facts[], elsewhere: ReadonlyMap<string, string>): string[] {
  const tests = files.filter(({ path }) => path.endsWith("_test.ts")).map(({ path }) => path);
  const seen = reach(files, tests, ({ kind }) => kind === "value");
  const source = files.filter(({ path }) => !path.startsWith("tests/"));
  // A file of types alone has nothing that could be tested.
  const code = source.filter(({ exports, functions }) => exports.length + functions.length > 0);
  const exists = (path: string): boolean => source.some((file) => file.path === path);
  return [
    ...code.filter(({ path }) => !seen.has(path) && !elsewhere.has(path)).map(({ path }) =>
      `${path}: no test imports it`
    ),
    ...[...elsewhere.keys()].filter((path) => seen.has(path) || !exists(path))
      .map((path) =>
        `${path}: listed as tested elsewhere, but ${seen.has(path) ? "a test imports it" : "is gone"}`
      ),
  ];
}

/** Tables that are whole for the reader's sake: kernel constants, and the schemas of the public contract. */
const WHOLE_TABLES = /^(ffi\/|mod\/snapshot\.ts$)/;

/** Values that a file exports and no other file, test or not, takes. */
export function unusedExports(files: readonly Facts[]): string[] {
  const taken = new Set(
    files.flatMap(({ path, imports }) =>
      imports.flatMap(({ specifier, names }) => names.map((name) => `${resolve(path, specifier)} ${name}`))
    ),
  );
  return files.filter(({ path }) => !path.startsWith("tests/")).flatMap(({ path, exports }) =>
    taken.has(`${path} *`)
      ? []
      : exports.filter(({ name, constant }) =>
        !taken.has(`${path} ${name}`) && !(constant && WHOLE_TABLES.test(path))
      )
        .map(({ name, line }) => `${path}:${line}: nobody imports ${name}`)
  );
}

/** Rings of files that need each other at load time. */
export function cycles(files: readonly Facts[]): string[] {
  const byPath = new Map(files.map((facts) => [facts.path, facts]));
  const done = new Set<string>();
  const problems: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      problems.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const { specifier, kind } of byPath.get(path)?.imports ?? []) {
      const target = resolve(path, specifier);
      if (kind === "value" && target !== undefined) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return problems;
}

function reach(
  files: readonly Facts[],
  roots: readonly string[],
  follow: (one: Import) => boolean,
): Set<string> {
  const byPath = new Map(files.map((facts) => [facts.path, facts]));
  const seen = new Set(roots);
  for (const path of seen) {
    for (const one of byPath.get(path)?.imports ?? []) {
      const target = resolve(path, one.specifier);
      if (target !== undefined && follow(one)) seen.add(target);
    }
  }
  return seen;
}
