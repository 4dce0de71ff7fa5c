/**
 * C structs as declarations: natural alignment, an inferred value type, bytes in both directions.
 * Little-endian hosts.
 */

/** How one member is laid out and converted; a {@link Struct} is a Field too, so structs nest. */
export interface Field<T> {
  readonly size: number;
  readonly align: number;
  read(view: DataView, at: number): T;
  write(view: DataView, at: number, value: T): void;
}

type Fields = Readonly<Record<string, Field<unknown>>>;

/** The value that a struct of these fields encodes and decodes. */
export type Value<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A declared struct. */
export interface Struct<F extends Fields> extends Field<Partial<Value<F>>> {
  /** Byte offset of each member, equal to C's offsetof. */
  readonly offsets: { readonly [K in keyof F]: number };
  /**
   * Bytes of the struct; omitted members and padding are zero. `into` (at least `size` long) is written in
   * place.
   */
  encode(value: Partial<Value<F>>, into?: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * All members of the struct at the start of `bytes`. Throws a RangeError when they are fewer than `size`.
   */
  decode(bytes: Uint8Array): Value<F>;
  read(view: DataView, at: number): Value<F>;
}

function scalar<T>(
  size: number,
  read: (view: DataView, at: number) => T,
  write: (view: DataView, at: number, value: T) => void,
): Field<T> {
  return { size, align: size, read, write };
}

export const u8: Field<number> = scalar(1, (v, at) => v.getUint8(at), (v, at, n) => v.setUint8(at, n));
export const i8: Field<number> = scalar(1, (v, at) => v.getInt8(at), (v, at, n) => v.setInt8(at, n));
export const u16: Field<number> = scalar(
  2,
  (v, at) => v.getUint16(at, true),
  (v, at, n) => v.setUint16(at, n, true),
);
export const i16: Field<number> = scalar(
  2,
  (v, at) => v.getInt16(at, true),
  (v, at, n) => v.setInt16(at, n, true),
);
export const u32: Field<number> = scalar(
  4,
  (v, at) => v.getUint32(at, true),
  (v, at, n) => v.setUint32(at, n, true),
);
export const i32: Field<number> = scalar(
  4,
  (v, at) => v.getInt32(at, true),
  (v, at, n) => v.setInt32(at, n, true),
);
export const u64: Field<bigint> = scalar(
  8,
  (v, at) => v.getBigUint64(at, true),
  (v, at, n) => v.setBigUint64(at, n, true),
);
export const i64: Field<bigint> = scalar(
  8,
  (v, at) => v.getBigInt64(at, true),
  (v, at, n) => v.setBigInt64(at, n, true),
);
/** Network byte order. */
export const be16: Field<number> = scalar(2, (v, at) => v.getUint16(at), (v, at, n) => v.setUint16(at, n));
/** Network byte order. */
export const be32: Field<number> = scalar(4, (v, at) => v.getUint32(at), (v, at, n) => v.setUint32(at, n));

/**
 * `unsigned char member[size]`: reads a copy; a shorter value is filled up with zeros, a longer one is a
 * RangeError.
 */
export function octets(size: number, align = 1): Field<Uint8Array> {
  return {
    size,
    align,
    read: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, size).slice(),
    write(view, at, value): void {
      if (value.length > size) throw new RangeError(`${value.length} octets do not fit in ${size}`);
      const target = new Uint8Array(view.buffer, view.byteOffset + at, size);
      target.fill(0);
      target.set(value);
    },
  };
}

/** `char member[size]`: text that ends at the first NUL. */
export function text(size: number): Field<string> {
  const bytes = octets(size);
  return {
    size,
    align: 1,
    read(view, at): string {
      const value = bytes.read(view, at);
      const end = value.indexOf(0);
      return new TextDecoder().decode(end === -1 ? value : value.subarray(0, end));
    },
    write: (view, at, value) => bytes.write(view, at, new TextEncoder().encode(value)),
  };
}

/** Declares a struct. `packed` is `__attribute__((packed))`: no padding at all. */
export function struct<F extends Fields>(fields: F, { packed = false } = {}): Struct<F> {
  const { offsets, size, align } = layout(fields, packed);
  const members = Object.entries(fields).map(([name, field]) => ({ name, field, at: offsets[name] ?? 0 }));

  function read(view: DataView, at: number): Value<F> {
    const value: Record<string, unknown> = {};
    for (const member of members) value[member.name] = member.field.read(view, at + member.at);
    return value as Value<F>;
  }
  function write(view: DataView, at: number, value: Partial<Value<F>>): void {
    new Uint8Array(view.buffer, view.byteOffset + at, size).fill(0);
    const given: Readonly<Record<string, unknown>> = value;
    for (const member of members) {
      const part = given[member.name];
      if (part !== undefined) member.field.write(view, at + member.at, part);
    }
  }
  return {
    size,
    align,
    offsets: offsets as { readonly [K in keyof F]: number },
    read,
    write,
    encode(value, into = new Uint8Array(size)): Uint8Array<ArrayBuffer> {
      write(viewOf(into, size), 0, value);
      return into as Uint8Array<ArrayBuffer>;
    },
    decode: (bytes) => read(viewOf(bytes, size), 0),
  };
}

function layout(
  fields: Fields,
  packed: boolean,
): { offsets: Record<string, number>; size: number; align: number } {
  const offsets: Record<string, number> = {};
  let end = 0;
  let align = 1;
  for (const [name, field] of Object.entries(fields)) {
    const fieldAlign = packed ? 1 : field.align;
    offsets[name] = roundUp(end, fieldAlign);
    end = offsets[name] + field.size;
    align = Math.max(align, fieldAlign);
  }
  return { offsets, size: roundUp(end, align), align };
}

function viewOf(bytes: Uint8Array, size: number): DataView {
  if (bytes.length < size) throw new RangeError(`a struct of ${size} bytes in ${bytes.length}`);
  return new DataView(bytes.buffer, bytes.byteOffset, size);
}

/** `value` rounded up to a multiple of `align`. */
export function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}
