// Change events in an envelope: which rows of a message are to be written, which to be deleted. Works on the
// JSON text and gives back parts of it, so that every digit stays. SOURCE: Debezium 2.5 and 3.x connectors
// (change event structure); Canal's flat messages; Maxwell's JSON.
import type { EnvelopeKind } from '../../model/load-plan.ts';
import { type ByteRange, entriesOf, splitArray } from './json-scan.ts';

/** 0 = the row is written, 1 = the row of its key goes. */
export type RowOperation = 0 | 1;

export interface EnvelopeRow {
  readonly operation: RowOperation;
  /** The row's object. */
  readonly row: ByteRange;
  /** Columns that are not as in `row`, by name: those of the row before a change. */
  readonly instead: ReadonlyMap<string, ByteRange> | null;
}

export type Envelope =
  | {
      readonly kind: 'rows';
      readonly rows: readonly EnvelopeRow[];
      readonly schema: ByteRange | null;
    }
  /** A message that says nothing about rows; the reason is for people. */
  | { readonly kind: 'other'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string };

type Entries = ReadonlyMap<string, ByteRange>;

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;

/** What the message at `range` (an object, without blanks around it) says. `keys`: names of the key's fields. */
export function readEnvelope(
  kind: EnvelopeKind,
  bytes: Buffer,
  range: ByteRange,
  keys: readonly string[],
): Envelope {
  const entries = entriesOf(bytes, range);
  if (entries === null) return { kind: 'bad', reason: 'Failed to parse the message as JSON' };
  const reader = new EnvelopeReader(bytes, keys);
  switch (kind) {
    case 'debezium':
      return reader.debezium(entries);
    case 'canal':
      return reader.canal(entries);
    case 'maxwell':
      return reader.maxwell(entries);
  }
}

class EnvelopeReader {
  readonly #bytes: Buffer;
  readonly #keys: readonly string[];

  constructor(bytes: Buffer, keys: readonly string[]) {
    this.#bytes = bytes;
    this.#keys = keys;
  }

  debezium(outer: Entries): Envelope {
    const payload = outer.get('payload');
    const isWrapped = payload !== undefined && !outer.has('op');
    if (isWrapped && this.#isNull(payload)) return other('a tombstone');
    const entries = isWrapped ? this.#object(payload) : outer;
    if (entries === null) return bad('payload is not an object');
    const schema = (isWrapped ? this.#value(outer, 'schema') : null) ?? null;
    const op = this.#text(entries, 'op');
    const before = this.#value(entries, 'before');
    const after = this.#value(entries, 'after');
    switch (op) {
      case 'c':
      case 'r':
      case 'u':
        if (after === null) return bad(`operation ${op} without after`);
        return { kind: 'rows', rows: this.#change(before, after), schema };
      case 'd':
        if (before === null) return bad('operation d without before');
        return { kind: 'rows', rows: [written(before, 1)], schema };
      case 't':
        return other('TRUNCATE in the source is not applied');
      case 'm':
        return other('a message of the source that is no change of a row');
      case null:
        if (entries.has('ddl') || entries.has('tableChanges'))
          return other('a schema change in the source is not applied');
        if (entries.has('status')) return other('the begin or end of a transaction');
        return bad('no op: the message is no Debezium change event');
      default:
        return bad(`unknown operation '${op}'`);
    }
  }

  canal(entries: Entries): Envelope {
    const type = this.#text(entries, 'type')?.toUpperCase() ?? null;
    if (type === null) return bad('no type: the message is no Canal message');
    const isDdl = entries.get('isDdl');
    if ((isDdl !== undefined && this.#raw(isDdl) === 'true') || !CANAL_ROWS.has(type))
      return other(`${type} in the source is not applied`);
    const rows = this.#objects(this.#value(entries, 'data'));
    if (rows === null) return bad(`${type} without an array of data`);
    if (type === 'DELETE')
      return { kind: 'rows', rows: rows.map((row) => written(row, 1)), schema: null };
    const olds = type === 'UPDATE' ? this.#objects(this.#value(entries, 'old')) : null;
    return {
      kind: 'rows',
      rows: rows.flatMap((row, index) => this.#partly(olds?.[index] ?? null, row)),
      schema: null,
    };
  }

  maxwell(entries: Entries): Envelope {
    const type = this.#text(entries, 'type');
    const data = this.#value(entries, 'data');
    switch (type) {
      case 'insert':
      case 'bootstrap-insert':
      case 'update':
        if (data === null) return bad(`${type} without data`);
        return {
          kind: 'rows',
          rows: this.#partly(type === 'update' ? this.#value(entries, 'old') : null, data),
          schema: null,
        };
      case 'delete':
        if (data === null) return bad('delete without data');
        return { kind: 'rows', rows: [written(data, 1)], schema: null };
      case null:
        return bad('no type: the message is no Maxwell message');
      default:
        return other(`${type} in the source is not applied`);
    }
  }

  /** A row with what it was before as a whole: where its key was another one, that one goes. */
  #change(before: ByteRange | null, after: ByteRange): readonly EnvelopeRow[] {
    const now = written(after, 0);
    const old = before === null ? null : this.#object(before);
    const fresh = this.#object(after);
    if (before === null || old === null || fresh === null) return [now];
    const moved = this.#keys.some((key) => {
      const [was, is] = [old.get(key), fresh.get(key)];
      return was !== undefined && is !== undefined && this.#raw(was) !== this.#raw(is);
    });
    return moved ? [written(before, 1), now] : [now];
  }

  /** The same where only the changed columns are given. */
  #partly(before: ByteRange | null, after: ByteRange): readonly EnvelopeRow[] {
    const now = written(after, 0);
    const old = before === null ? null : this.#object(before);
    if (old === null || !this.#keys.some((key) => old.has(key))) return [now];
    return [{ operation: 1, row: after, instead: old }, now];
  }

  /** A value that is there and not null. */
  #value(entries: Entries, key: string): ByteRange | null {
    const found = entries.get(key);
    return found === undefined || this.#isNull(found) ? null : found;
  }

  #raw({ start, end }: ByteRange): string {
    return this.#bytes.toString('utf8', start, end);
  }

  #isNull(range: ByteRange): boolean {
    return this.#raw(range) === 'null';
  }

  #text(entries: Entries, key: string): string | null {
    const found = this.#value(entries, key);
    return found === null ? null : this.#raw(found).replace(/^"(.*)"$/, '$1');
  }

  #object(range: ByteRange): Entries | null {
    return this.#bytes[range.start] === OPEN_OBJECT ? entriesOf(this.#bytes, range) : null;
  }

  #objects(range: ByteRange | null): readonly ByteRange[] | null {
    if (range === null || this.#bytes[range.start] !== OPEN_ARRAY) return null;
    return splitArray(this.#bytes, range);
  }
}

const CANAL_ROWS: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE']);

function written(row: ByteRange, operation: RowOperation): EnvelopeRow {
  return { operation, row, instead: null };
}

const other = (reason: string): Envelope => ({ kind: 'other', reason });
const bad = (reason: string): Envelope => ({ kind: 'bad', reason });
