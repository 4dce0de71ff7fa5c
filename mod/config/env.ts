/**
 * `${NAME}` in the strings of a document: replaced from the environment; `$${NAME}` stands for a literal
 * `${NAME}`.
 */
import { type Finding, isTable, type Path } from "./document.ts";

export interface Interpolated {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** What came from the environment: must not appear in any message. */
  readonly secrets: readonly string[];
}

/** Replaces in every string of the value; the value given is left as it is. */
export function interpolate(value: unknown, env: (name: string) => string | undefined): Interpolated {
  const findings: Finding[] = [];
  const secrets = new Set<string>();

  function visit(value: unknown, path: Path): unknown {
    if (typeof value === "string") return value.includes("${") ? replace(value, path) : value;
    if (Array.isArray(value)) return value.map((element, i) => visit(element, [...path, i]));
    if (!isTable(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, visit(inner, [...path, key])]),
    );
  }

  function replace(text: string, path: Path): string {
    return text.replaceAll(/(\$?)\$\{([^}]*)(\}?)/g, (whole, escape: string, name: string, close: string) => {
      if (escape !== "") return whole.slice(1);
      if (close === "" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        findings.push({
          path,
          message: "expected ${NAME} with the name of an environment variable (write $${ for a literal ${)",
        });
        return "";
      }
      const replacement = env(name);
      if (replacement === undefined) {
        findings.push({
          path,
          message: `environment variable ${name} is not set (write $\${${name}} for a literal \${${name}})`,
        });
        return "";
      }
      secrets.add(replacement);
      return replacement;
    });
  }

  return { value: visit(value, []), findings, secrets: [...secrets] };
}

/** Shorter values are no secrets, and replacing them would make a message unreadable. */
const SECRET_LENGTH_MIN = 3;

/** The message without what came from the environment. */
export function scrub(message: string, secrets: readonly string[]): string {
  const long = secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN).sort((a, b) =>
    b.length - a.length
  );
  return long.reduce((text, secret) => text.replaceAll(secret, "(hidden)"), message);
}
