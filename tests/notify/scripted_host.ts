/** A host whose programs run until the test says how they end. */
import type { Command, CommandResult } from "../../checks/check.ts";

interface Run {
  readonly command: Command;
  end(code: number, output?: string): void;
}

export class ScriptedHost {
  /** What runs now, and all that ever ran. */
  readonly running: Run[] = [];
  readonly commands: Command[] = [];

  run = (command: Command, signal: AbortSignal): Promise<CommandResult> => {
    this.commands.push(command);
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    const leave = (): number => this.running.splice(this.running.indexOf(run), 1).length;
    const run: Run = {
      command,
      end: (code, output = "") => {
        leave();
        resolve({ code, signal: null, output });
      },
    };
    this.running.push(run);
    signal.addEventListener("abort", () => {
      leave();
      reject(signal.reason);
    });
    return promise;
  };

  /** Program and arguments of what runs. */
  get now(): string[] {
    return this.running.map(({ command }) => command.argv.join(" "));
  }

  get all(): string[] {
    return this.commands.map(({ argv }) => argv.join(" "));
  }
}
