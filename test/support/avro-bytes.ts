// Writes Avro values by hand, so that tests can also make bytes that no library would, and registries that
// answer from memory.
import { ID_END } from '../../src/pipeline/decode/schema-decoders.ts';
import type { RegisteredSchema, SchemaAnswer } from '../../src/registry/client.ts';

/** A zigzag number. */
export function long(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** A string or bytes with their length. */
export function sized(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([long(bytes.length), bytes]);
}

/** A message in Confluent's wire format. */
export function framed(id: number, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(ID_END);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, ...parts]);
}

export function avro(
  schema: unknown,
  references: RegisteredSchema['references'] = [],
): SchemaAnswer {
  return { found: true, schema: { kind: 'AVRO', text: JSON.stringify(schema), references } };
}

/** Knows these schemas; counts what it is asked. */
export class MemoryRegistry {
  readonly asked: number[] = [];
  readonly #schemas: ReadonlyMap<number, SchemaAnswer>;

  constructor(schemas: Readonly<Record<number, SchemaAnswer>>) {
    this.#schemas = new Map(Object.entries(schemas).map(([id, answer]) => [Number(id), answer]));
  }

  async schema(id: number): Promise<SchemaAnswer> {
    this.asked.push(id);
    return this.#schemas.get(id) ?? { found: false, reason: `no schema id ${id}` };
  }
}
