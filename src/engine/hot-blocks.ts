// Row groups that look-ups ask for again and again, kept in memory as ready-made result rows: answering from
// them costs no statement of the engine. Keyed on files, which never change, so nothing is ever stale; which
// files a query may see is the plan's to say. Bounded in bytes; filled behind the queries, one group at a time.
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { readParquetSql, readSelectList } from '../model/parquet-layout.ts';
import type { LookUp, LookUpComparison, QueryPlan, QueryScan } from '../model/query-plan.ts';
import { type DataFile, patchesOf, type TableSchema, type VolumeSpec } from '../model/table.ts';
import type { StatementOptions } from './connection.ts';
import type { Engine } from './duckdb.ts';
import { groupMayHold, type RowGroup, readRowGroups } from './file-groups.ts';
import { HotBlock } from './hot-block.ts';
import type { FileResolver } from './plan-sources.ts';

/** A look-up in more files or row groups than these is left to the engine. */
const MAX_FILES = 16;
const MAX_GROUPS = 4;
/** Rows of a group that may be looked at one by one, and bytes of an answer. */
const MAX_ROWS = 4096;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Files whose row groups are known, groups that are counted, and groups known to be of no use. */
const MAX_KNOWN_FILES = 512;
const MAX_COUNTED = 4096;
/** Most row groups that the known files may have, all together. */
const MAX_KNOWN_GROUPS = 20_000;
/** Asked for so often, a group is worth reading while there is room. */
const HOT_TOUCHES = 2;
/** A full memory takes a group that was asked for so much more often than the one it drops: reading costs as much as some queries. */
const WORTH_TOUCHES = 16;
/** After so many look-ups all counts are halved: what was hot must stay so. */
const FADE_AFTER = 4096;
/** Reads that may wait; what is asked for beyond them is asked for again. */
const MAX_WAITING = 16;
const READ_TIMEOUT_MS = 30_000;

export interface HotBlocksOptions {
  readonly engine: Engine;
  readonly resolve: FileResolver;
  /** Most bytes of rows kept; 0 = none. While a group is read it takes up to half as much on top. */
  readonly maxBytes: number;
  /** Told when a group could not be read; queries go to the engine and meet the cause there. */
  readonly onFailed: (error: unknown) => void;
}

export interface HotAnswer {
  /** Row packets. */
  readonly packets: Buffer;
  readonly rowCount: number;
  readonly nextSequence: number;
}

/** What a block of a group holds: the same for all queries of one form. */
interface Shape {
  readonly schema: TableSchema;
  readonly lookUp: LookUp;
  /** Names of the columns that are compared, each once; a block is in the order of the first. */
  readonly keys: readonly string[];
  readonly id: string;
}

interface Wanted {
  readonly file: DataFile;
  readonly group: RowGroup;
  readonly id: string;
}

interface Kept {
  readonly block: HotBlock;
  hits: number;
}

export class HotBlocks {
  readonly #options: HotBlocksOptions;
  /** By file. */
  readonly #groups = new Map<string, readonly RowGroup[]>();
  /** By group and shape, the one unused for longest first. */
  readonly #blocks = new Map<string, Kept>();
  #usedBytes = 0;
  #knownGroups = 0;
  readonly #touches = new Map<string, number>();
  #lookUps = 0;
  readonly #useless = new Set<string>();
  readonly #waiting = new Map<string, () => Promise<void>>();
  readonly #stop = new AbortController();
  #reading: Promise<void> | null = null;

  constructor(options: HotBlocksOptions) {
    this.#options = options;
  }

  /** Bytes of rows kept now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * The rows of a look-up whose groups are all here, the first packet under `firstSequence`. Null for everything
   * else; what is missing is read behind it once it was asked for often enough.
   */
  answer(plan: QueryPlan, firstSequence: number): HotAnswer | null {
    const { lookUp } = plan;
    const [scan] = plan.scans;
    if (lookUp === undefined || scan === undefined || plan.scans.length > 1) return null;
    if (this.#options.maxBytes === 0 || scan.files.length > MAX_FILES) return null;
    // The blocks know nothing of deleted rows, of overlays, nor where a row lies.
    if (scan.positions === true || scan.files.some((file) => patchesOf(file).length > 0)) {
      return null;
    }
    // Rows of one key may lie in several places, and are one only when they are merged.
    if (scan.schema.keysType === 'AGG_KEYS') return null;
    const shape = shapeOf(lookUp, scan);
    const wanted = shape === null ? null : this.#wanted(plan, scan, shape);
    if (shape === null || wanted === null) return null;
    this.#fade();
    const blocks = wanted.map((one) => this.#block(one, shape, plan.volumes));
    if (!blocks.every((block) => block !== null)) return null;
    return copyRows(blocks, shape, firstSequence);
  }

  /** Resolves when nothing is being read any more. */
  async settled(): Promise<void> {
    while (this.#reading !== null) await this.#reading;
  }

  /** Stops reading and forgets everything. Before the engine is closed. */
  async close(): Promise<void> {
    this.#stop.abort(fail('CANCELLED'));
    this.#waiting.clear();
    await this.settled();
    this.#blocks.clear();
    this.#groups.clear();
    this.#usedBytes = 0;
  }

  /** The groups that may hold rows; null while files are unknown, or where there are too many of them. */
  #wanted(plan: QueryPlan, { files }: QueryScan, shape: Shape): readonly Wanted[] | null {
    const fieldIds = shape.lookUp.comparisons.map(({ column }) => fieldIdOf(shape.schema, column));
    const wanted: Wanted[] = [];
    let areKnown = true;
    for (const file of files) {
      const fileId = `${file.volumeId}/${file.key}`;
      const groups = this.#groups.get(fileId);
      if (groups === undefined) {
        areKnown = false;
        this.#later(`file ${fileId}`, () => this.#readGroups(fileId, file, plan.volumes));
        continue;
      }
      for (const [index, group] of groups.entries()) {
        const mayHold = shape.lookUp.comparisons.every((comparison, at) =>
          groupMayHold(group, fieldIds[at] ?? -1, comparison),
        );
        if (!mayHold) continue;
        if (wanted.length >= MAX_GROUPS) return null;
        wanted.push({ file, group, id: `${fileId}#${index} ${shape.id}` });
      }
    }
    return areKnown ? wanted : null;
  }

  #block(wanted: Wanted, shape: Shape, volumes: readonly VolumeSpec[]): HotBlock | null {
    const kept = this.#blocks.get(wanted.id);
    if (kept === undefined) {
      if (this.#isHot(wanted.id)) {
        this.#later(wanted.id, () => this.#readBlock(wanted, shape, volumes));
      }
      return null;
    }
    kept.hits += 1;
    this.#blocks.delete(wanted.id);
    this.#blocks.set(wanted.id, kept);
    return kept.block;
  }

  /** Counts, and tells whether the group should be read. */
  #isHot(id: string): boolean {
    if (this.#useless.has(id)) return false;
    const touches = (this.#touches.get(id) ?? 0) + 1;
    this.#touches.set(id, touches);
    dropOldest(this.#touches, MAX_COUNTED);
    const [oldest] = this.#blocks.values();
    const usualBytes = this.#usedBytes / Math.max(1, this.#blocks.size);
    if (oldest === undefined || this.#usedBytes + usualBytes <= this.#options.maxBytes) {
      return touches >= HOT_TOUCHES;
    }
    return touches >= oldest.hits + WORTH_TOUCHES;
  }

  #fade(): void {
    this.#lookUps += 1;
    if (this.#lookUps % FADE_AFTER !== 0) return;
    for (const kept of this.#blocks.values()) kept.hits >>= 1;
    for (const [id, touches] of this.#touches) this.#touches.set(id, touches >> 1);
  }

  #later(id: string, read: () => Promise<void>): void {
    if (this.#stop.signal.aborted || this.#useless.has(id)) return;
    if (this.#waiting.has(id) || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(id, read);
    this.#reading ??= this.#readAll();
  }

  async #readAll(): Promise<void> {
    for (const [id, read] of this.#waiting) {
      try {
        await read();
      } catch (error) {
        this.#neverMind(id);
        if (!this.#stop.signal.aborted) this.#options.onFailed(error);
      }
      // Only now: it is not asked for twice.
      this.#waiting.delete(id);
    }
    this.#reading = null;
  }

  #neverMind(id: string): void {
    this.#useless.add(id);
    dropOldest(this.#useless, MAX_COUNTED);
  }

  async #readGroups(fileId: string, file: DataFile, volumes: readonly VolumeSpec[]): Promise<void> {
    const groups = await this.#withFile(file, volumes, (path, limits) =>
      this.#options.engine.withConnection((connection) => readRowGroups(connection, path, limits)),
    );
    if (groups.length > MAX_KNOWN_GROUPS / 4) {
      this.#neverMind(`file ${fileId}`);
      return;
    }
    this.#groups.set(fileId, groups);
    this.#knownGroups += groups.length;
    for (const [oldest, its] of this.#groups) {
      if (this.#groups.size <= MAX_KNOWN_FILES && this.#knownGroups <= MAX_KNOWN_GROUPS) break;
      this.#groups.delete(oldest);
      this.#knownGroups -= its.length;
    }
  }

  async #readBlock(wanted: Wanted, shape: Shape, volumes: readonly VolumeSpec[]): Promise<void> {
    const { maxBytes, engine } = this.#options;
    const block = await this.#withFile(wanted.file, volumes, (path, limits) =>
      engine.withConnection(async (connection) =>
        HotBlock.read(await connection.stream(blockSql(shape, wanted.group, path), limits), {
          columnCount: shape.lookUp.columns.length,
          keyCount: shape.keys.length,
          rowCount: wanted.group.rowCount,
          maxBytes: maxBytes / 4,
        }),
      ),
    );
    const touches = this.#touches.get(wanted.id) ?? 0;
    this.#touches.delete(wanted.id);
    if (block === null || block.sizeBytes > maxBytes / 4) {
      this.#neverMind(wanted.id);
      return;
    }
    for (const [id, { block: oldest }] of this.#blocks) {
      if (this.#usedBytes + block.sizeBytes <= maxBytes) break;
      this.#blocks.delete(id);
      this.#usedBytes -= oldest.sizeBytes;
    }
    this.#blocks.set(wanted.id, { block, hits: touches });
    this.#usedBytes += block.sizeBytes;
  }

  /** The file stays at its path while `work` reads it. */
  async #withFile<T>(
    file: DataFile,
    volumes: readonly VolumeSpec[],
    work: (path: string, limits: StatementOptions) => Promise<T>,
  ): Promise<T> {
    const { signal } = this.#stop;
    const pinned = await this.#options.resolve([file], volumes, signal);
    try {
      const path = present(pinned.paths[0], 'path of a file');
      return await work(path, { signal, timeoutMs: READ_TIMEOUT_MS });
    } finally {
      pinned.release();
    }
  }
}

/** Null for a table with a column of the name that the engine's row numbers have. */
function shapeOf(lookUp: LookUp, { schema }: QueryScan): Shape | null {
  // What is to be equal comes first: it leaves the fewest rows.
  const inOrder = lookUp.comparisons.toSorted(
    (a, b) => Number(b.op === '=') - Number(a.op === '='),
  );
  const keys = [...new Set(inOrder.map(({ column }) => column))];
  const names = new Set([...keys, ...lookUp.columns.map(({ name }) => name)]);
  const columns = schema.columns.filter(({ name }) => names.has(name));
  if (columns.some(({ name }) => name.toLowerCase() === 'file_row_number')) return null;
  const known = columns.map(({ fieldId, name, type, initialDefault = null }) => [
    fieldId,
    name,
    type,
    initialDefault,
  ]);
  // Everything that blockSql is made of.
  const id = JSON.stringify([known, lookUp.columns.map(({ sql }) => sql), keys]);
  return { schema: { ...schema, columns }, lookUp, keys, id };
}

function fieldIdOf(schema: TableSchema, name: string): number {
  return present(
    schema.columns.find((column) => column.name === name),
    'a compared column',
  ).fieldId;
}

function blockSql({ schema, lookUp, keys }: Shape, group: RowGroup, path: string): string {
  const columns = lookUp.columns.map(({ sql }, index) => `${sql} AS c${index}`);
  const compared = keys.map(
    (name, index) => `CAST(${quoteIdentifier(name)} AS BIGINT) AS k${index}`,
  );
  const source = readParquetSql(schema, [path], group.rowCount);
  return `SELECT ${[...columns, ...compared].join(', ')} FROM (
    SELECT ${readSelectList(schema)}, file_row_number FROM ${source}
  ) WHERE file_row_number >= ${group.firstRow} AND file_row_number < ${group.firstRow + group.rowCount}
  ORDER BY k0 NULLS LAST`;
}

/** Null when the answer is not small. */
function copyRows(
  blocks: readonly HotBlock[],
  { lookUp, keys }: Shape,
  firstSequence: number,
): HotAnswer | null {
  const { comparisons, offset, most } = lookUp;
  const keyOf = comparisons.map(({ column }: LookUpComparison) => keys.indexOf(column));
  const found: { readonly block: HotBlock; readonly row: number }[] = [];
  for (const block of blocks) {
    const rows = block.find(comparisons, keyOf, MAX_ROWS);
    if (rows === null) return null;
    for (const row of rows) found.push({ block, row });
  }
  const shown = found.slice(offset, most === null ? undefined : offset + most);
  const sizeBytes = shown.reduce((sum, { block, row }) => sum + block.rowBytes(row), 0);
  if (sizeBytes > MAX_ANSWER_BYTES) return null;
  const packets = Buffer.allocUnsafe(sizeBytes);
  let at = 0;
  shown.forEach(({ block, row }, index) => {
    at = block.copyRow(row, packets, at, firstSequence + index);
  });
  return {
    packets,
    rowCount: shown.length,
    nextSequence: (firstSequence + shown.length) & 0xff,
  };
}

function dropOldest(of: Map<string, unknown> | Set<string>, most: number): void {
  for (const key of of.keys()) {
    if (of.size <= most) return;
    of.delete(key);
  }
}
