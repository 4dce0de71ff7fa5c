/** An nft(8) without a kernel: keeps what transactions make, and lists it as the real one does. */
import type { Nft } from "../../../mod/balance/nftables/nft.ts";
import { NftError } from "../../../mod/balance/nftables/nft.ts";
import type { Family } from "../../../mod/balance/nftables/objects.ts";
import type { Json } from "../../../mod/balance/nftables/statements.ts";

type Fields = Record<string, Json>;

export class FakeNft implements Nft {
  /** `inet` -> `chain web` -> the objects that a listing shows for it. */
  tables = new Map<string, Map<string, [kind: string, fields: Fields][]>>();
  generation = 1;
  /** Every transaction that was tried. */
  readonly runs: (readonly Json[])[] = [];
  readonly lists: string[] = [];
  /** What the next transactions are refused with, one each. */
  refusals: string[] = [];
  /** A kernel that cannot do what has this word in it. */
  hates = "";
  /** What happens once, right after the next transaction. */
  afterwards: (() => void) | null = null;
  #handle = 0;

  run(commands: readonly Json[]): Promise<void> {
    this.runs.push(commands);
    const refusal = this.refusals.shift() ?? this.#hated(commands);
    if (refusal !== null) return Promise.reject(new NftError(refusal));
    for (const command of commands) {
      const [[verb, object]] = Object.entries(command as Fields) as [[string, Fields]];
      const [[kind, fields]] = Object.entries(object) as [[string, Fields]];
      this.#do(verb, kind, fields);
    }
    this.generation++;
    this.afterwards?.();
    this.afterwards = null;
    return Promise.resolve();
  }

  check(commands: readonly Json[]): Promise<string | null> {
    return Promise.resolve(this.#hated(commands));
  }

  list(...words: readonly string[]): Promise<readonly Json[] | null> {
    this.lists.push(words.join(" "));
    const family = words.find((word) => word === "inet" || word === "netdev") ?? "inet";
    const table = this.tables.get(family);
    if (table === undefined) return Promise.resolve(null);
    return Promise.resolve([...table.values()].flat().map(([kind, fields]) => ({ [kind]: fields })));
  }

  listElements(family: Family, table: string): Promise<readonly Json[]> {
    return this.list("table", family, table).then((listing) => listing ?? []);
  }

  /** Somebody else at work. */
  meddle(change: (tables: FakeNft["tables"]) => void): void {
    change(this.tables);
    this.generation++;
  }

  #hated(commands: readonly Json[]): string | null {
    const isHated = this.hates !== "" && JSON.stringify(commands).includes(this.hates);
    return isHated ? `no ${this.hates}` : null;
  }

  #do(verb: string, kind: string, fields: Fields): void {
    const family = String(fields["family"]);
    if (kind === "table") {
      if (verb === "delete") this.tables.delete(family);
      else if (!this.tables.has(family)) this.tables.set(family, new Map());
      return;
    }
    const table = this.tables.get(family);
    if (table === undefined) throw new Error(`no table ${family} for ${verb} ${kind}`);
    if (kind === "element") return;
    const id = kind === "rule" ? `chain ${fields["chain"]}` : `${kind} ${fields["name"]}`;
    const there = table.get(id);
    if (verb === "add" && kind !== "rule") {
      return void (there ?? table.set(id, [[kind, { ...this.#shown(fields), packets: 0, bytes: 0 }]]));
    }
    if (there === undefined) throw new Error(`${verb} ${id}: no such object`);
    if (verb === "add") there.push(["rule", this.#shown(fields)]);
    else if (verb === "flush") there.splice(1);
    else table.delete(id);
  }

  #shown(fields: Fields): Fields {
    return { ...fields, handle: ++this.#handle };
  }
}
