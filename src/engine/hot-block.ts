// The rows of one row group of a file, as the packets that clients get, in the order of a whole-number column
// (the leading key): a look-up is a binary search and a copy. Made once, never changed.
import { assert, present } from '../base/assert.ts';
import type { LookUpComparison } from '../model/query-plan.ts';
import { MAX_PACKET_PAYLOAD_BYTES, RowEncoder } from '../mysql/row-encoder.ts';
import type { UncheckedStream } from './connection.ts';
import { columnEncoder } from './value-encoders.ts';
import { columnValidity, isValid, readBigints } from './vectors.ts';

/** A whole-number column of the block. */
interface KeyColumn {
  readonly values: BigInt64Array;
  /** Rows with NULL are not 0 here; null where there is none. */
  readonly nulls: Uint8Array | null;
}

const HEADER_BYTES = 4;

export class HotBlock {
  /** Packets of all rows, one behind the other. */
  readonly #packets: Buffer;
  /** Where each row begins, and the end of the last one. */
  readonly #starts: Uint32Array;
  readonly #keys: readonly KeyColumn[];
  /** Rows whose leading key is not NULL: the first ones. */
  readonly #leadingRows: number;

  private constructor(packets: Buffer, starts: Uint32Array, keys: readonly KeyColumn[]) {
    this.#packets = packets;
    this.#starts = starts;
    this.#keys = keys;
    const nulls = present(keys[0], 'the leading key').nulls?.indexOf(1) ?? -1;
    this.#leadingRows = nulls < 0 ? starts.length - 1 : nulls;
  }

  get sizeBytes(): number {
    const keys = this.#keys.reduce(
      (sum, { values, nulls }) => sum + values.byteLength + (nulls?.byteLength ?? 0),
      0,
    );
    return this.#packets.byteLength + this.#starts.byteLength + keys;
  }

  /**
   * Reads the block from a stream of `columnCount` result columns and then `keyCount` BIGINT ones, in the order of
   * the first key, NULL last. Null when it has more than `maxBytes`. Throws when there are not `rowCount` rows.
   */
  static async read(
    stream: UncheckedStream,
    shape: {
      readonly columnCount: number;
      readonly keyCount: number;
      readonly rowCount: number;
      readonly maxBytes: number;
    },
  ): Promise<HotBlock | null> {
    const { columnCount, keyCount, rowCount, maxBytes } = shape;
    const parts: Buffer[] = [];
    let partBytes = 0;
    const encoder = new RowEncoder(0, (part) => {
      parts.push(part);
      partBytes += part.length;
    });
    const columns = stream.types
      .slice(0, columnCount)
      .map((type, index) => columnEncoder(type, index));
    const keys = Array.from({ length: keyCount }, () => new KeyGatherer(rowCount));
    // One chunk at a time: other queries get their turn between two of them.
    for (let chunk = await stream.fetch(); chunk !== null; chunk = await stream.fetch()) {
      if (partBytes > maxBytes) return null;
      assert(encoder.rowCount + chunk.rowCount <= rowCount, 'no more rows than the group has');
      keys.forEach((key, index) => {
        const at = columnCount + index;
        key.add(readBigints(chunk, at), columnValidity(chunk, at));
      });
      for (const column of columns) column.load(chunk);
      // Each look at it is a call into the engine.
      const chunkRows = chunk.rowCount;
      for (let row = 0; row < chunkRows; row += 1) {
        encoder.startRow();
        for (const column of columns) column.write(row, encoder);
        encoder.endRow();
      }
    }
    encoder.flush();
    // A stream that broke off ends like one that is whole.
    assert(encoder.rowCount === rowCount, `all ${rowCount} rows of the group`);
    if (partBytes > maxBytes) return null;
    const packets = Buffer.concat(parts);
    const starts = rowStarts(packets, rowCount);
    return starts === null ? null : new HotBlock(packets, starts, keys);
  }

  /**
   * Ordinals of the rows for which every comparison holds, `keys[i]` being the key of `comparisons[i]`. Null when
   * more than `maxRows` would have to be looked at one by one.
   */
  find(
    comparisons: readonly LookUpComparison[],
    keys: readonly number[],
    maxRows: number,
  ): readonly number[] | null {
    const leading = present(this.#keys[0], 'the leading key');
    let from = 0;
    let to = this.#leadingRows;
    const rest: { readonly key: KeyColumn; readonly comparison: LookUpComparison }[] = [];
    comparisons.forEach((comparison, index) => {
      const { op, value } = comparison;
      const place = (wanted: bigint): number =>
        firstAtLeast(leading.values, this.#leadingRows, wanted);
      if (keys[index] !== 0) {
        const key = present(this.#keys[keys[index] ?? -1], 'key of a comparison');
        rest.push({ key, comparison });
        return;
      }
      if (op === '=' || op === '>=') from = Math.max(from, place(value));
      if (op === '>') from = Math.max(from, place(value + 1n));
      if (op === '=' || op === '<=') to = Math.min(to, place(value + 1n));
      if (op === '<') to = Math.min(to, place(value));
    });
    if (to - from > maxRows) return null;
    const rows: number[] = [];
    for (let row = from; row < to; row += 1) {
      if (rest.every(({ key, comparison }) => holds(key, row, comparison))) rows.push(row);
    }
    return rows;
  }

  /** Bytes of a row's packet. */
  rowBytes(row: number): number {
    return present(this.#starts[row + 1], 'row') - present(this.#starts[row], 'row');
  }

  /** Copies a row's packet into `out` at `at` under a sequence id; gives the place after it. */
  copyRow(row: number, out: Buffer, at: number, sequence: number): number {
    const start = present(this.#starts[row], 'row');
    const end = present(this.#starts[row + 1], 'row');
    this.#packets.copy(out, at, start, end);
    out[at + 3] = sequence & 0xff;
    return at + end - start;
  }
}

/** Gathers the values of a key, chunk by chunk. */
class KeyGatherer implements KeyColumn {
  readonly values: BigInt64Array;
  nulls: Uint8Array | null = null;
  #count = 0;

  constructor(rowCount: number) {
    this.values = new BigInt64Array(rowCount);
  }

  add(values: BigInt64Array, validity: Uint8Array | null): void {
    const from = this.#count;
    this.values.set(values, from);
    this.#count += values.length;
    if (validity === null) return;
    for (let row = 0; row < values.length; row += 1) {
      if (isValid(validity, row)) continue;
      this.nulls ??= new Uint8Array(this.values.length);
      this.nulls[from + row] = 1;
    }
  }
}

function rowStarts(packets: Buffer, rowCount: number): Uint32Array | null {
  const starts = new Uint32Array(rowCount + 1);
  let at = 0;
  for (let row = 0; row < rowCount; row += 1) {
    starts[row] = at;
    const length = packets.readUIntLE(at, 3);
    // A row of several packets is too large to be kept.
    if (length === MAX_PACKET_PAYLOAD_BYTES) return null;
    at += HEADER_BYTES + length;
  }
  starts[rowCount] = at;
  assert(at === packets.length, 'the packets are the rows');
  return starts;
}

/** The first of the first `count` places whose value is not less; `count` where there is none. */
function firstAtLeast(values: BigInt64Array, count: number, wanted: bigint): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (present(values[middle], 'key') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function holds(
  { values, nulls }: KeyColumn,
  row: number,
  { op, value }: LookUpComparison,
): boolean {
  if (nulls?.[row] === 1) return false;
  const own = present(values[row], 'key');
  switch (op) {
    case '=':
      return own === value;
    case '<':
      return own < value;
    case '<=':
      return own <= value;
    case '>':
      return own > value;
    case '>=':
      return own >= value;
  }
}
