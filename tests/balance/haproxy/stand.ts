/** The engine with a haproxy of its own on loopback, and web servers behind it. */
import { ENGINES } from "../../../mod/balance/engines.ts";
import type { Applied, Destination, Engine } from "../../../mod/balance/model.ts";
import { servicesOf } from "../../../mod/balance/services.ts";
import type { Config } from "../../../mod/config/schema.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../../mod/config/virtual_server.ts";
import { destinations, real } from "./fixture.ts";

/**
 * A web server that answers with its name; `/slow` lasts until `release` is called, `/headers` tells what
 * came.
 */
export class Backend implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #released = Promise.withResolvers<void>();
  readonly server: RealServerConfig;
  asked = 0;

  constructor(readonly name: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      async (request) => {
        this.asked++;
        const { pathname } = new URL(request.url);
        if (pathname === "/slow") await this.#released.promise;
        return new Response(pathname === "/headers" ? JSON.stringify([...request.headers]) : name);
      },
    );
    this.server = real("127.0.0.1", this.#server.addr.port, { name });
  }

  release(): void {
    this.#released.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#server.shutdown();
  }
}

export interface Stand extends AsyncDisposable {
  readonly directory: string;
  readonly notes: string[];
  readonly url: string;
  readonly port: number;
  engine: Engine;
  apply(config: VirtualServerConfig, weights?: Record<string, number>, without?: string[]): Promise<Applied>;
  /** With these destinations, whatever the configuration says of them. */
  applyDestinations(config: VirtualServerConfig, destinations: readonly Destination[]): Promise<Applied>;
  get(path?: string): Promise<string>;
  /** As an operator could, over the socket. */
  tell(command: string): Promise<string>;
  /** Another vipd, which finds what this one has left. */
  newEngine(): Engine;
}

export async function stand(): Promise<Stand> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-haproxy-" });
  const port = freePort();
  const notes: string[] = [];
  let configs: Record<string, VirtualServerConfig> = {};
  const haproxy = { directory, global: ["nbthread 2"], defaults: [] };
  const context = {
    config: () => ({ haproxy, virtual_server: configs }) as unknown as Config,
    note: (level: string, message: string): void => void notes.push(`${level}: ${message}`),
  };
  const self: Stand = {
    directory,
    notes,
    port,
    url: `http://127.0.0.1:${port}`,
    engine: ENGINES.haproxy!.create(context),
    newEngine: () => ENGINES.haproxy!.create(context),
    apply(config, weights = {}, without = []): Promise<Applied> {
      const serving = config.real_server.filter(({ name }) => !without.includes(name));
      return self.applyDestinations(config, destinations({ ...config, real_server: serving }, weights));
    },
    applyDestinations(config, wanted): Promise<Applied> {
      configs = { web: config };
      return self.engine.apply(servicesOf(config, wanted));
    },
    get: async (path = "/") => {
      // Each request on a connection of its own, as many clients would.
      using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      return await (await fetch(`${self.url}${path}`, { client })).text();
    },
    tell: async (command) => {
      const connection = await Deno.connect({ transport: "unix", path: `${directory}/commands.sock` });
      await connection.write(new TextEncoder().encode(`${command}\n`));
      await connection.closeWrite();
      return await new Response(connection.readable).text();
    },
    [Symbol.asyncDispose]: async () => {
      await self.engine.stop(false);
      await Deno.remove(directory, { recursive: true });
    },
  };
  return self;
}

export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
