// What was produced, as the checker compares it: counts, sums and a checksum that does not depend on order.
import { hash } from 'node:crypto';

/** Plain data; numbers that may pass 2^53 are decimal text. Written as JSON for the checker program. */
export interface Manifest {
  /** Column that names a row. */
  readonly idColumn: string;
  /** All columns that the checksum covers, in its order. */
  readonly columns: readonly string[];
  /** Rows that must be in the table. */
  readonly rows: number;
  readonly distinctIds: number;
  readonly idSum: string;
  /** Sum of `rowDigest` over all rows. */
  readonly checksum: string;
  /** Rows that the load counts where some take the place of others or delete them; left out = `rows`. */
  readonly loaded?: number;
  /** Rows that must be rejected, and those that WHERE leaves out. */
  readonly filtered: number;
  readonly unselected: number;
  /** Messages that give rows (empty ones, markers and aborted ones do not count). */
  readonly consumed: number;
  /** Messages of aborted transactions, where they are known. */
  readonly aborted?: number;
  /** 1 = every message is one row, so that no message can be rejected twice. */
  readonly rowsPerMessage?: number;
  /** Next offset by partition once everything is loaded. */
  readonly endOffsets?: Readonly<Record<string, string>>;
}

/** The first 60 bits of the MD5 of the row's values as SQL prints them, joined by `|`, NULL as `\N`. */
export function rowDigest(values: readonly (string | null)[]): bigint {
  const text = values.map((value) => value ?? '\\N').join('|');
  return BigInt(`0x${hash('md5', text).slice(0, 15)}`);
}

/** Adds rows up as they are produced. */
export class ManifestBuilder {
  readonly #columns: readonly string[];
  #rows = 0;
  #loaded = 0;
  readonly #byId = new Map<string, readonly (string | null)[]>();
  #filtered = 0;
  #aborted = 0;
  #empty = 0;
  #idSum = 0n;
  #checksum = 0n;
  readonly #ends = new Map<number, bigint>();

  /** The first column is the id; every id is produced once. */
  constructor(columns: readonly string[]) {
    this.#columns = columns;
  }

  addRow(values: readonly (string | null)[]): void {
    this.#rows += 1;
    this.#loaded += 1;
    this.#idSum += BigInt(values[0] ?? '0');
    this.#checksum += rowDigest(values);
  }

  /** A row of a table with keys: it takes the place of the one that was added with its id before. */
  putRow(values: readonly (string | null)[]): void {
    this.#remove(values[0] ?? '');
    this.#byId.set(values[0] ?? '', values);
    this.addRow(values);
  }

  /** A message that deletes the row of an id, if there is one. */
  deleteRow(id: string): void {
    this.#loaded += 1;
    this.#remove(id);
  }

  #remove(id: string): void {
    const values = this.#byId.get(id);
    if (values === undefined) return;
    this.#byId.delete(id);
    this.#rows -= 1;
    this.#idSum -= BigInt(id);
    this.#checksum -= rowDigest(values);
  }

  addFiltered(count = 1): void {
    this.#filtered += count;
  }

  addAborted(count: number): void {
    this.#aborted += count;
  }

  addEmpty(count = 1): void {
    this.#empty += count;
  }

  /** Messages written so far that must be accounted for, markers apart. */
  get messages(): number {
    return this.#loaded + this.#filtered + this.#aborted + this.#empty;
  }

  get rows(): number {
    return this.#rows;
  }

  setEnd(partition: number, nextOffset: bigint): void {
    this.#ends.set(partition, nextOffset);
  }

  build(): Manifest {
    return {
      idColumn: this.#columns[0] ?? 'id',
      columns: this.#columns,
      rows: this.#rows,
      loaded: this.#loaded,
      distinctIds: this.#rows,
      idSum: String(this.#idSum),
      checksum: String(this.#checksum),
      filtered: this.#filtered,
      unselected: 0,
      consumed: this.#loaded + this.#filtered,
      aborted: this.#aborted,
      rowsPerMessage: 1,
      endOffsets: Object.fromEntries([...this.#ends].map(([p, end]) => [String(p), String(end)])),
    };
  }
}
