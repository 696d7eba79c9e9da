// The key index on the CN's disk: per data file, which never changes, a file that tells in which rows keys are. It is
// a cache: what is missing, damaged or does not fit is read from the data files instead, and built behind the loads,
// one at a time. Bounded in bytes on disk and in memory.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { fail } from '../../base/errors.ts';
import { asId, type VolumeId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { Semaphore } from '../../base/queue.ts';
import type { DataFile, TableSchema, VolumeSpec } from '../../model/table.ts';
import type { Engine } from '../duckdb.ts';
import type { FileResolver } from '../plan-sources.ts';
import { type BuildOrder, buildSidecar } from './build.ts';
import { type Digests, type KeyDigest, keyDigest } from './digest.ts';
import {
  FilterCache,
  findRows,
  makeScratch,
  partId,
  type Scratch,
  type SearchedIndex,
} from './search.ts';
import {
  readHeader,
  SidecarDamaged,
  type SidecarHeader,
  type SidecarOf,
  sidecarBytes,
  verify,
} from './sidecar.ts';

/** Indexes searched at once, by all batches. */
const SEARCHES_AT_ONCE = 4;
/** Some 64 MB of digests, as the engine gives them and as they are searched. */
const DEFAULT_MAX_BATCH_ROWS = 2_000_000;
/** Smaller files are read in any case: compaction makes larger ones of them soon. */
const MIN_FILE_ROWS = 200_000;
/** So are files that compaction merges within some commits: building their index costs more than reading them till then. */
const PASSING_ROWS = 1_000_000;
const PASSING_BYTES = 16 * 1024 * 1024;
/** Orders that may wait; more are asked for again by the next batch. */
const MAX_WAITING = 4096;
/** A file whose index could not be built is left alone for so long. */
const RETRY_MS = 60_000;
const MAX_FAILED = 4096;
/** What was used within this long does not give way to another index. */
const IN_USE_MS = 10 * 60_000;
/** Files asked about at once. */
const ASKED_AT_ONCE = 500;
const SUFFIX = '.keys';

export interface KeyIndexOptions {
  /** Belongs to this process alone; made when missing. */
  readonly directory: string;
  /** Bytes on disk; 0 = no index. */
  readonly maxBytes: number;
  /** Bytes of filters that are kept in memory. */
  readonly memoryBytes: number;
  /** Where all files together have fewer rows, they are read instead. */
  readonly minRows: number;
  /** The digests of a batch are in memory: a larger one is looked up by reading. */
  readonly maxBatchRows?: number;
  /** Of the metadata. */
  readonly incarnation: string;
  readonly engine: Engine;
  readonly resolve: FileResolver;
  readonly clock: Clock;
  readonly log: Log;
}

export interface KeyIndexLoad {
  readonly files: number;
  readonly bytes: number;
  readonly memoryBytes: number;
  readonly builds: number;
  readonly failedBuilds: number;
  /** Data files that were looked up in: through their index; by reading them although they are large enough for one. */
  readonly indexedLookUps: number;
  readonly readLookUps: number;
}

/** Which files of a batch can be looked up in. */
export interface IndexedFiles {
  readonly digest: KeyDigest;
  /** Places in the list of files. */
  readonly indexed: readonly number[];
}

type KeptFile = Pick<DataFile, 'volumeId' | 'key' | 'sizeBytes'>;

interface Entry {
  readonly path: string;
  sizeBytes: number;
  usedMs: number;
  /** Null: lies there from an earlier life, and was not looked at yet. */
  header: SidecarHeader | null;
}

export class KeyIndex {
  readonly #options: KeyIndexOptions;
  readonly #engineVersion: string;
  /** By name of the data file. */
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Map<string, BuildOrder>();
  /** When it may be tried again. */
  readonly #failed = new Map<string, number>();
  readonly #filters: FilterCache;
  /** Buffers that no search uses now. */
  readonly #scratch: Scratch[] = [];
  readonly #searches = new Semaphore(SEARCHES_AT_ONCE);
  readonly #stop = new AbortController();
  #bytes = 0;
  #working: Promise<void> | null = null;
  #counts = { builds: 0, failedBuilds: 0, indexedLookUps: 0, readLookUps: 0 };

  private constructor(options: KeyIndexOptions, engineVersion: string) {
    this.#options = options;
    this.#engineVersion = engineVersion;
    this.#filters = new FilterCache(options.memoryBytes);
  }

  /** Takes over what lies in the directory; what a killed process was writing is removed. */
  static async open(options: KeyIndexOptions): Promise<KeyIndex> {
    const [row] = await options.engine.withConnection((connection) =>
      connection.rows('SELECT version()'),
    );
    const index = new KeyIndex(options, String(row?.[0]));
    await index.#rebuild();
    return index;
  }

  load(): KeyIndexLoad {
    return {
      files: this.#entries.size,
      bytes: this.#bytes,
      memoryBytes: this.#filters.bytes,
      ...this.#counts,
    };
  }

  /**
   * The files that have an index that can be searched now. Those that should have one and do not are noted: theirs
   * is built behind. `keys`: the key columns only.
   */
  choose(
    files: readonly DataFile[],
    keys: TableSchema,
    volumes: readonly VolumeSpec[],
    batchRows: number,
  ): IndexedFiles | null {
    const { incarnation, minRows, maxBytes, clock } = this.#options;
    const { maxBatchRows = DEFAULT_MAX_BATCH_ROWS } = this.#options;
    const digest =
      maxBytes === 0 ? null : keyDigest(keys.columns, incarnation, this.#engineVersion);
    const rows = files.reduce((sum, { rowCount }) => sum + rowCount, 0);
    if (digest === null || rows < minRows || batchRows > maxBatchRows) return null;
    const minFileRows = Math.min(minRows, MIN_FILE_ROWS);
    const passingRows = Math.min(minRows, PASSING_ROWS);
    const indexed: number[] = [];
    for (const [place, file] of files.entries()) {
      const isPassing = file.rowCount < passingRows && file.sizeBytes < PASSING_BYTES;
      if (file.rowCount < minFileRows || isPassing) continue;
      const of = this.#of(file, digest);
      const entry = this.#entries.get(of.file);
      if (entry !== undefined) entry.usedMs = clock.nowMs();
      if (entry?.header === undefined || entry.header === null || !isOf(entry.header, of)) {
        this.#counts.readLookUps += 1;
        this.#order({ file, volumes, keys, digest, of });
      } else {
        this.#counts.indexedLookUps += 1;
        indexed.push(place);
      }
    }
    return indexed.length === 0 ? null : { digest, indexed };
  }

  /**
   * Per file the rows that have one of the digests, deleted ones too; null where it has to be read after all: its
   * index turned out to be damaged, or is gone. Throws the signal's reason.
   */
  async find(
    files: readonly DataFile[],
    digest: KeyDigest,
    wanted: Digests,
    signal: AbortSignal,
  ): Promise<readonly (Uint32Array | null)[]> {
    return await Promise.all(
      files.map((file) =>
        this.#searches.run(() => this.#find(this.#of(file, digest), wanted, signal)),
      ),
    );
  }

  async #find(of: SidecarOf, wanted: Digests, signal: AbortSignal): Promise<Uint32Array | null> {
    const entry = this.#entries.get(of.file);
    if (entry?.header === undefined || entry.header === null) return null;
    const searched: SearchedIndex = { path: entry.path, header: entry.header };
    const scratch = this.#scratch.pop() ?? makeScratch();
    try {
      return await findRows(searched, wanted, this.#filters, scratch, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#options.log.warn('a key index could not be read', { file: of.file, error });
      if (error instanceof SidecarDamaged || isGone(error)) await this.#remove(of.file);
      return null;
    } finally {
      this.#scratch.push(scratch);
    }
  }

  /** Resolves when nothing is being built or checked any more. */
  async settled(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  /** Ends what is being built. Before the engine is closed. */
  async close(): Promise<void> {
    this.#stop.abort(fail('CANCELLED'));
    this.#waiting.clear();
    await this.settled();
  }

  /**
   * Removes the indexes of data files that no table has any more. `areLive` answers for files in the order asked.
   */
  async sweep(
    areLive: (files: readonly Pick<DataFile, 'volumeId' | 'key'>[]) => Promise<readonly boolean[]>,
  ): Promise<number> {
    let removed = 0;
    const names = [...this.#entries.keys()];
    for (let from = 0; from < names.length; from += ASKED_AT_ONCE) {
      const asked = names.slice(from, from + ASKED_AT_ONCE);
      const live = await areLive(asked.map((name) => fileOf(name)));
      for (const [index, name] of asked.entries()) {
        if (live[index] !== false) continue;
        await this.#remove(name);
        removed += 1;
      }
    }
    return removed;
  }

  #of(file: DataFile, digest: KeyDigest): SidecarOf {
    return {
      file: nameOf(this.#options.incarnation, file),
      digest: digest.id,
      isExact: digest.isExact,
      rowCount: file.rowCount,
    };
  }

  #order(order: BuildOrder): void {
    const { file: name } = order.of;
    if (this.#stop.signal.aborted || this.#waiting.size >= MAX_WAITING) return;
    if (this.#waiting.has(name)) return;
    const againMs = this.#failed.get(name);
    if (againMs !== undefined && againMs > this.#options.clock.nowMs()) return;
    this.#failed.delete(name);
    this.#waiting.set(name, order);
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  /** One after the other: loads and queries need the cores, too. */
  async #work(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [name, order] = next;
      try {
        if (!(await this.#takeOver(name, order.of))) await this.#build(order);
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#noteFailed(name, error);
      } finally {
        this.#waiting.delete(name);
      }
    }
  }

  #noteFailed(name: string, error: unknown): void {
    this.#counts.failedBuilds += 1;
    this.#options.log.warn('a key index was not built; its file is read instead', {
      file: name,
      error,
    });
    for (const oldest of this.#failed.keys()) {
      if (this.#failed.size < MAX_FAILED) break;
      this.#failed.delete(oldest);
    }
    this.#failed.set(name, this.#options.clock.nowMs() + RETRY_MS);
  }

  /** Checks what an earlier life left; false when there is nothing of use. */
  async #takeOver(name: string, of: SidecarOf): Promise<boolean> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    if (entry.header === null) {
      try {
        const file = await open(entry.path, 'r');
        try {
          const header = await readHeader(file);
          if (isOf(header, of)) {
            await verify(file, header);
            entry.header = header;
            return true;
          }
        } finally {
          await file.close();
        }
      } catch (error) {
        if (!(error instanceof SidecarDamaged) && !isGone(error)) throw error;
        this.#options.log.warn('a key index is damaged and built anew', { file: name, error });
      }
    } else if (isOf(entry.header, of)) return true;
    await this.#remove(name);
    return false;
  }

  async #build(order: BuildOrder): Promise<void> {
    const { clock } = this.#options;
    const { file: name, rowCount, isExact } = order.of;
    const needed = sidecarBytes(rowCount, isExact);
    if (!(await this.#makeRoom(needed))) {
      throw new Error(`${needed} bytes do not fit into what the key index may take`);
    }
    const { directory } = this.#options;
    // It may have been lost since.
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, fileNameOf(name));
    const header = await buildSidecar(order, path, this.#options, this.#stop.signal);
    const { sizeBytes } = header;
    this.#entries.set(name, { path, sizeBytes, usedMs: clock.nowMs(), header });
    this.#bytes += sizeBytes;
    this.#counts.builds += 1;
  }

  /** What nobody has asked for lately gives way; what is in use does not, else two tables would push each other out. */
  async #makeRoom(bytes: number): Promise<boolean> {
    const { maxBytes, clock } = this.#options;
    const oldest = [...this.#entries].sort(([, a], [, b]) => a.usedMs - b.usedMs);
    for (const [name, { usedMs }] of oldest) {
      if (this.#bytes + bytes <= maxBytes) return true;
      if (clock.nowMs() - usedMs < IN_USE_MS) return false;
      await this.#remove(name);
    }
    return this.#bytes + bytes <= maxBytes;
  }

  async #remove(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#bytes -= entry.sizeBytes;
    const parts = entry.header?.parts.length ?? 0;
    for (let part = 0; part < parts; part += 1) this.#filters.delete(partId(entry.path, part));
    await rm(entry.path, { force: true });
  }

  async #rebuild(): Promise<void> {
    const { directory, maxBytes } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const found of await readdir(directory)) {
      const path = join(directory, found);
      const name = found.endsWith(SUFFIX) && maxBytes > 0 ? await readName(path) : null;
      if (name === null || fileNameOf(name) !== found || !name.startsWith(this.#prefix)) {
        await rm(path, { recursive: true, force: true });
        continue;
      }
      const { size, mtimeMs } = await stat(path);
      this.#entries.set(name, { path, sizeBytes: size, usedMs: mtimeMs, header: null });
      this.#bytes += size;
    }
    await this.#makeRoom(0);
  }

  get #prefix(): string {
    return `${this.#options.incarnation}\n`;
  }
}

function isOf(header: SidecarHeader, of: SidecarOf): boolean {
  return (
    header.file === of.file &&
    header.digest === of.digest &&
    header.isExact === of.isExact &&
    header.rowCount === of.rowCount
  );
}

/** The data file that a header names; null where there is none to read. */
async function readName(path: string): Promise<string | null> {
  try {
    const file = await open(path, 'r');
    try {
      return (await readHeader(file)).file;
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

function nameOf(incarnation: string, { volumeId, key, sizeBytes }: KeptFile): string {
  return `${incarnation}\n${volumeId}\n${sizeBytes}\n${key}`;
}

/** The other way round. */
function fileOf(name: string): Pick<DataFile, 'volumeId' | 'key'> {
  const [, volumeId = '', , ...key] = name.split('\n');
  return { volumeId: asId<VolumeId>(Number(volumeId)), key: key.join('\n') };
}

function fileNameOf(name: string): string {
  return `${createHash('sha256').update(name).digest('hex')}${SUFFIX}`;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
