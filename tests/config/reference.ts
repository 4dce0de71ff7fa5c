/**
 * Writes the tables of docs/configuration.md from the JSON Schema, and that of docs/virtual_servers.md from
 * the engines' features: `deno run -A tests/config/reference.ts`.
 */
import { checkTypes } from "../../checks/mod.ts";
import { COMMON_KEYS, REAL_SERVER_KEYS } from "../../mod/config/check.ts";
import { ENGINE_NAMES, FEATURES } from "../../mod/config/engine_features.ts";
import { configJsonSchema, type JsonSchema } from "../../mod/config/json_schema.ts";

export const DOCUMENT = new URL("../../docs/configuration.md", import.meta.url);

const BEGIN = "<!-- reference: generated from the schema, do not edit below -->";
const END = "<!-- reference ends -->";

/** The document with its reference part made anew. */
export function withReference(document: string): string {
  return between(document, BEGIN, END, reference());
}

export const SERVERS = new URL("../../docs/virtual_servers.md", import.meta.url);

const ENGINES_BEGIN =
  "<!-- engines: generated from mod/config/engine_features.ts by tests/config/reference.ts -->";
const ENGINES_END = "<!-- engines end -->";

/** The document with the table of engines made anew. */
export function withEngines(document: string): string {
  return between(document, ENGINES_BEGIN, ENGINES_END, engines());
}

function between(document: string, begin: string, end: string, text: string): string {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`Cannot find "${begin}" and "${end}"`);
  return `${before}${begin}\n\n${text}\n${end}${after}`;
}

/** One row for all schedulers, and one for each other feature. */
function engines(): string {
  const isScheduler = (what: string): boolean => what.startsWith("schedule by ");
  const schedulers = ENGINE_NAMES.map((engine) =>
    FEATURES.filter(({ what, engines }) => isScheduler(what) && engines.includes(engine))
      .map(({ what }) => code(what.slice("schedule by ".length))).join(" ")
  );
  const rows = FEATURES.filter(({ what }) => !isScheduler(what)).map(({ what, engines }) => [
    what.charAt(0).toUpperCase() + what.slice(1),
    ...ENGINE_NAMES.map((engine) => engines.includes(engine) ? "yes" : ""),
  ]);
  const table = [["", ...ENGINE_NAMES], ENGINE_NAMES.map(() => "---").concat("---"), [
    "Schedulers",
    ...schedulers,
  ], ...rows];
  return `${table.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;
}

function reference(): string {
  const { properties = {}, $defs } = configJsonSchema(checkTypes);
  const {
    node,
    api,
    log,
    include,
    virtual_router,
    sync_group,
    check,
    balance,
    haproxy,
    direct_routing,
    notify,
    mail,
  } = properties;
  const { real_server, ...server } = named(properties["virtual_server"])?.properties ?? {};
  const { real_server_check: real } = $defs as Readonly<Record<string, JsonSchema>>;
  const checks = named(check)?.oneOf ?? [];
  const sections: [string, string, string][] = [
    ["Top level", "", table({ properties: { include: include ?? {} } })],
    ["`[node]`", node?.description ?? "", table(node)],
    ["`[api]`", api?.description ?? "", table(api)],
    ["`[log]`", log?.description ?? "", table(log)],
    ["`[virtual_router.NAME]`", virtual_router?.description ?? "", table(named(virtual_router))],
    ["`[sync_group.NAME]`", sync_group?.description ?? "", table(named(sync_group))],
    [
      "`[check.NAME]`",
      `${check?.description}. Every check has these keys, of which those that ` +
      "follow other checks have only `type` and those of the recovery:",
      table(commonKeys(checks, COMMON_KEYS)),
    ],
    ...checks.map((schema): [string, string, string] => {
      const type = schema.properties?.["type"];
      const own = only(schema, (key) => !isCommon(key));
      return [
        `\`type = ${JSON.stringify(type?.const)}\``,
        `${type?.description} ${defaults(schema, checks[0])}`.trim(),
        table(own),
      ];
    }),
    [
      "`[virtual_server.NAME]`",
      properties["virtual_server"]?.description ?? "",
      table({ properties: server }),
    ],
    ["`[[virtual_server.NAME.real_server]]`", real_server?.description ?? "", table(real_server?.items)],
    [
      "`check` of a virtual server or real server",
      "A check with keys of its own; its options are those of its type above, and its target is the real server:",
      table(commonKeys(real?.oneOf ?? [], REAL_SERVER_KEYS)),
    ],
    ["`[notify]`", notify?.description ?? "", table(notify)],
    ["`[[notify.fifos]]`", "", table(notify?.properties?.["fifos"]?.items)],
    ["`[[notify.webhooks]]`", "", table(notify?.properties?.["webhooks"]?.items)],
    ["`[mail]`", mail?.description ?? "", table(mail)],
    ["`[balance]`", balance?.description ?? "", table(balance)],
    ["`[haproxy]`", haproxy?.description ?? "", table(haproxy)],
    ["`[direct_routing.NAME]`", direct_routing?.description ?? "", table(named(direct_routing))],
  ];
  return sections.map(([title, text, rows]) =>
    `### ${title}\n\n${text === "" ? "" : `${ended(text)}\n\n`}${rows}`
  ).join("\n");
}

function isCommon(key: string): boolean {
  return COMMON_KEYS.includes(key);
}

/** As the first type has them, with `type` standing for all of them. */
function commonKeys(checks: readonly JsonSchema[], keys: readonly string[]): JsonSchema {
  const { properties, required } = only(checks[0], (key) => keys.includes(key));
  const types = checks.map(({ properties }) => properties?.["type"]?.const);
  const type = { enum: types, description: "What is looked at, and how: by type" };
  return { properties: { type, ...without(properties, "type") }, required: required ?? [] };
}

function without(properties: JsonSchema["properties"], key: string): NonNullable<JsonSchema["properties"]> {
  return Object.fromEntries(Object.entries(properties ?? {}).filter(([name]) => name !== key));
}

function named(schema: JsonSchema | undefined): JsonSchema | undefined {
  return typeof schema?.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

function only(schema: JsonSchema | undefined, keep: (key: string) => boolean): JsonSchema {
  const kept = Object.entries(schema?.properties ?? {}).filter(([key]) => keep(key));
  return { properties: Object.fromEntries(kept), required: schema?.required ?? [] };
}

/** Where a type's defaults differ from those of the first, which the table of common keys shows. */
function defaults(schema: JsonSchema, first: JsonSchema | undefined): string {
  const own = COMMON_KEYS.flatMap((key) => {
    const value = schema.properties?.[key]?.default;
    const differs = JSON.stringify(value) !== JSON.stringify(first?.properties?.[key]?.default);
    return differs && value !== undefined ? [`\`${key} = ${JSON.stringify(value)}\``] : [];
  });
  return own.length === 0 ? "" : `Defaults of its own: ${own.join(", ")}.`;
}

function ended(text: string): string {
  return /[.:]$/.test(text) ? text : `${text}.`;
}

function table(schema: JsonSchema | undefined): string {
  const lines = rows(schema, "");
  if (lines.length === 0) return "No further keys.\n";
  return ["| key | value | default | meaning |", "|---|---|---|---|", ...lines, ""].join("\n");
}

/** A key whose value is a table with known keys is shown as these, with dots. */
function rows(schema: JsonSchema | undefined, prefix: string): string[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([key, field]) => {
    if (field.properties !== undefined) return rows(field, `${prefix}${key}.`);
    const needed = schema?.required?.includes(key) ?? false;
    const preset = field.default === undefined
      ? (needed ? "required" : "")
      : code(JSON.stringify(field.default));
    const cells = [code(prefix + key), typeOf(field), preset, field.description ?? ""];
    return [`| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |`];
  });
}

function code(text: string): string {
  return `\`${text}\``;
}

function typeOf(schema: JsonSchema): string {
  const { const: constant, enum: values, anyOf, oneOf, items, minimum, maximum } = schema;
  if (schema["$ref"] !== undefined) return "check table";
  if (constant !== undefined) return code(JSON.stringify(constant));
  if (values !== undefined) return values.map((value) => code(JSON.stringify(value))).join(", ");
  const branches = anyOf ?? oneOf;
  if (branches !== undefined) return [...new Set(branches.map(typeOf))].join(" or ");
  if (items !== undefined || schema.type === "array") {
    return `array of ${items === undefined ? "text" : typeOf(items)}`;
  }
  const range = schema["x-range"];
  if (typeof range === "string") return `duration ${range}`;
  if (schema.type === "integer") {
    return `${minimum ?? ""}..${maximum ?? ""}`.replace(/^(-?\d+)\.\.$/, "$1 or more");
  }
  if (schema.type === "object") return "table";
  if (schema.type === "boolean") return "`true`, `false`";
  if (schema.pattern?.includes("(ms|s|m|h|d)")) return "duration";
  return schema.type === "string" ? "text" : schema.type ?? "any";
}

if (import.meta.main) {
  Deno.writeTextFileSync(DOCUMENT, withReference(Deno.readTextFileSync(DOCUMENT)));
  Deno.writeTextFileSync(SERVERS, withEngines(Deno.readTextFileSync(SERVERS)));
}
