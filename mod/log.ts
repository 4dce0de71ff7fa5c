/**
 * Logging: LogTape with one line a record to standard error, in a form that suits a terminal, journald or a
 * collector.
 */
import { configureSync, getLogger, type Logger, type LogLevel, type LogRecord } from "@logtape/logtape";

export type { Logger } from "@logtape/logtape";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** auto: text on a terminal and under journald, JSON lines otherwise. */
  readonly format: "text" | "json" | "auto";
}

/** Where lines go, and what is known of it. */
export interface LogOutput {
  /** Writes all of the bytes; may take as long as it likes. */
  write(bytes: Uint8Array): Promise<void>;
  readonly isTerminal: boolean;
  /**
   * journald reads this stream: it stamps the time itself and takes the level from a `<6>` prefix
   * (sd-daemon(3)).
   */
  readonly isJournal: boolean;
}

/** The parts of vipd that log; a record of `logger("vrrp")` has the category `vipd.vrrp`. */
export type LogCategory = "vrrp" | "check" | "api" | "config" | "notify" | "kernel" | "balance" | "main";

/**
 * The logger of one part. The first word of a message is the event's name: `"transition {name} {from} ->
 * {to}"`.
 */
export function logger(category: LogCategory): Logger {
  return getLogger(["vipd", category]);
}

/**
 * Sends all records of `vipd.*` to the output from now on; a second call replaces the first.
 * Returns a flush that resolves once everything queued is written, or after a second.
 */
export function configureLogging(
  options: LogOptions,
  output: LogOutput = stderrOutput(),
): () => Promise<void> {
  const queue = new LineQueue(output.write);
  const asText = options.format === "text" ||
    (options.format === "auto" && (output.isTerminal || output.isJournal));
  const format = asText ? (record: LogRecord) => textLine(record, !output.isJournal) : jsonLine;
  const sink = (record: LogRecord): void => {
    queue.push(output.isJournal ? `<${SYSLOG_LEVEL[record.level]}>${format(record)}` : format(record));
  };
  configureSync({
    reset: true,
    sinks: { stderr: sink },
    loggers: [
      {
        category: ["vipd"],
        sinks: ["stderr"],
        lowestLevel: options.level === "warn" ? "warning" : options.level,
      },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
    ],
  });
  return () => queue.flush(1000);
}

/**
 * `2026-11-20T05:58:53.123Z info  vrrp transition VI_1 BACKUP -> ACTIVE reason="no advertisement for 3.6 s"
 * priority=100`
 */
function textLine(record: LogRecord, withTime: boolean): string {
  const time = withTime ? `${new Date(record.timestamp).toISOString()} ` : "";
  const level = withTime ? `${shortLevel(record.level).padEnd(5)} ` : "";
  const fields = freeFields(record).map(([name, value]) => ` ${name}=${textValue(value)}`).join("");
  return oneLine(`${time}${level}${record.category.slice(1).join(".")} ${messageOf(record)}${fields}`);
}

/** One JSON object a line: `at level logger event message`, then the fields by name. */
function jsonLine(record: LogRecord): string {
  const head = {
    at: new Date(record.timestamp).toISOString(),
    level: shortLevel(record.level),
    logger: record.category.slice(1).join("."),
    event: eventOf(record),
    message: messageOf(record),
  };
  return JSON.stringify(
    { ...head, ...record.properties, ...head },
    (_key, value: unknown) => plainValue(value),
  );
}

const SYSLOG_LEVEL: Readonly<Record<LogLevel, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warning: 4,
  error: 3,
  fatal: 2,
};

function shortLevel(level: LogLevel): string {
  return level === "warning" ? "warn" : level;
}

function messageOf({ message }: LogRecord): string {
  return message.map((part, index) => index % 2 === 0 ? part : String(plainValue(part))).join("");
}

function eventOf({ rawMessage }: LogRecord): string {
  const template = typeof rawMessage === "string" ? rawMessage : rawMessage.join("");
  return template.match(/^[\w.-]+/)?.[0] ?? "message";
}

/** The fields that the message itself does not show. */
function freeFields({ rawMessage, properties }: LogRecord): [string, unknown][] {
  const template = typeof rawMessage === "string" ? rawMessage : "";
  return Object.entries(properties).filter(([name, value]) =>
    value !== undefined && !template.includes(`{${name}}`)
  );
}

function textValue(value: unknown): string {
  const plain = plainValue(value);
  if (typeof plain === "number" || typeof plain === "boolean" || plain === null) return String(plain);
  if (typeof plain === "string") return /^[\w.:/+-]+$/.test(plain) ? plain : JSON.stringify(plain);
  return JSON.stringify(plain, (_key, inner: unknown) => plainValue(inner));
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) {
    return value.stack === undefined ? `${value.name}: ${value.message}` : value.stack;
  }
  return typeof value === "bigint" ? value.toString() : value;
}

/** A record is one line whatever somebody put into a name or a reason. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is being replaced
  return text.replaceAll(/[\x00-\x1f\x7f]/g, (char) => char === "\n" ? "\\n" : " ");
}

/**
 * Lines waiting to be written: one write at a time, bounded, so that a stuck console costs lines and never
 * time.
 */
class LineQueue {
  static readonly MAX_LINES = 2000;
  readonly #write: LogOutput["write"];
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(write: LogOutput["write"]) {
    this.#write = write;
  }

  push(line: string): void {
    if (this.#lines.length >= LineQueue.MAX_LINES) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#writing ??= this.#drain();
  }

  async flush(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([this.#writing ?? Promise.resolve(), timeout]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    // Lets the records of one turn of the event loop become one write.
    await Promise.resolve();
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      if (this.#dropped > 0) lines.push(`log lines_dropped count=${this.#dropped}`);
      this.#dropped = 0;
      try {
        await this.#write(this.#encoder.encode(lines.join("\n") + "\n"));
      } catch (error) {
        // Standard error is gone (closed pipe): there is nobody left to tell, and no reason to stop routing.
        if (error instanceof Error) this.#dropped += lines.length;
      }
    }
    // In the same turn as the last look at the queue: a line that comes later starts a drain of its own.
    this.#writing = undefined;
  }
}

/**
 * This process's standard error. Deno writes it on another thread, so a slow reader does not stall the event
 * loop.
 */
function stderrOutput(): LogOutput {
  return {
    async write(bytes): Promise<void> {
      for (let written = 0; written < bytes.length;) {
        written += await Deno.stderr.write(bytes.subarray(written));
      }
    },
    isTerminal: Deno.stderr.isTerminal(),
    isJournal: isJournalStream(Deno.env.get("JOURNAL_STREAM")),
  };
}

/**
 * systemd sets JOURNAL_STREAM to `device:inode` of the stream; it is inherited also by what was redirected
 * elsewhere.
 */
function isJournalStream(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = Deno.statSync("/proc/self/fd/2");
  return stream === `${dev}:${ino}`;
}

export interface RateLimit {
  /** Whether `key` may speak now, and how many times it was refused since it last did. */
  take(key: string): { readonly allowed: boolean; readonly suppressed: number };
}

/**
 * Lets every key through once per interval; keys beyond `maxKeys` push out the oldest, so that an attacker's
 * keys cost no memory.
 */
export function createRateLimit(intervalMs: number, nowMs: () => number, maxKeys = 1000): RateLimit {
  const keys = new Map<string, { lastMs: number; suppressed: number }>();
  return {
    take(key): ReturnType<RateLimit["take"]> {
      const now = nowMs();
      const entry = keys.get(key);
      if (entry !== undefined && now - entry.lastMs < intervalMs) {
        entry.suppressed++;
        return { allowed: false, suppressed: entry.suppressed };
      }
      keys.delete(key);
      keys.set(key, { lastMs: now, suppressed: 0 });
      if (keys.size > maxKeys) keys.delete(keys.keys().next().value ?? key);
      return { allowed: true, suppressed: entry?.suppressed ?? 0 };
    },
  };
}
