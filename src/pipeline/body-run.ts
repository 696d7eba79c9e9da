// One load whose rows come as a body: reads batches, stages them while the next is read, and counts over all of them.
// Makes nothing visible: what it staged is one transaction's, and everything is freed whatever its end. A load over
// its filter ratio is read to its end all the same, since its counts are of the whole body.
import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { AppError, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Random } from '../base/random.ts';
import type { Connection } from '../engine/duckdb.ts';
import { expandBody, MAX_RATIO } from '../formats/compression/expand-body.ts';
import type { StagedLoad } from '../model/insert-plan.ts';
import type {
  BegunTransaction,
  BodyLoadPlan,
  PartitionProgress,
  StagedTable,
} from '../model/load-plan.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { PackedBatch } from './decode/packed-batch.ts';
import type { ScratchSpace } from './decode/scratch.ts';
import { GatheredRows, gathersRows } from './gathered-rows.ts';
import { KeptRejects } from './kept-rejects.ts';
import { batchProgress } from './progress.ts';
import type { BatchMemory } from './source/body/body-batch.ts';
import { BodySource } from './source/body/body-source.ts';
import { fileLines } from './source/body/file-lines.ts';
import { GuardedBody } from './source/body/guarded-body.ts';
import { openSplitter } from './source/body/open-splitter.ts';
import type { StagedRows, Stager } from './stage.ts';
import type { RawBatch } from './types.ts';

export interface BodyServices {
  readonly clock: Clock;
  /** Shared by all loads of the process. */
  readonly memory: BatchMemory;
  readonly connections: ConnectionPool;
  readonly scratch: ScratchSpace;
  /** Private directory for bodies that are read from disk. */
  readonly spoolDirectory: string;
  readonly random: Random;
  readonly openStager: (plan: BodyLoadPlan) => Promise<Stager>;
  /** Is told how many bytes came, each of which leaves garbage outside the heap. */
  readonly onBytes: (bytes: number) => void;
}

/** Batches staged at once, where their order does not matter. */
const STAGING_AT_ONCE = 2;
/** The longest that a timer can wait: 24 days. */
const FOREVER_MS = 2 ** 31 - 1;
/** Reasons of rejected rows that go back with the result. */
const SAMPLES = 3;

/**
 * BODY_FILTERED: a larger share of the rows was filtered than the plan allows; BODY_NO_ROWS: all of them were, and the
 * plan allows that, but wants some. `counts` are of the whole body; `rejected` holds the first of the rows: close it.
 */
export class FilteredLoad extends AppError {
  readonly counts: StagedLoad;
  readonly rejected: KeptRejects;

  constructor(plan: BodyLoadPlan, counts: StagedLoad, rejected: KeptRejects) {
    const isOver = isOverRatio(plan, counts.rowsFiltered, counts.rowsLoaded);
    super(isOver ? 'BODY_FILTERED' : 'BODY_NO_ROWS', {
      filtered: counts.rowsFiltered,
      rows: counts.rowsFiltered + counts.rowsLoaded,
      ratio: plan.maxFilterRatio,
      samples: counts.errorSamples.slice(0, 1).join(''),
    });
    this.counts = counts;
    this.rejected = rejected;
  }
}

type Begun = Pick<BegunTransaction, 'transactionId' | 'label'>;

/**
 * Stages the rows of the body. Throws FilteredLoad, BODY_*, COMPRESSED_DATA_CORRUPT, what the body
 * throws, LOAD_*, engine and storage errors; what it had written then is without effect, and the body is not read on.
 */
export async function runBodyLoad(
  plan: BodyLoadPlan,
  begun: Begun,
  body: AsyncIterable<Uint8Array>,
  services: BodyServices,
  signal: AbortSignal,
): Promise<StagedLoad> {
  const stager = await services.openStager(plan);
  const { target } = plan;
  const gathered = gathersRows(target)
    ? new GatheredRows(await services.connections.connect(), target)
    : null;
  const load = new BodyLoad(plan, begun, stager, gathered, services, signal);
  try {
    return await load.run(body);
  } finally {
    await gathered?.close();
  }
}

class BodyLoad {
  readonly #plan: BodyLoadPlan;
  readonly #begun: Begun;
  readonly #stager: Stager;
  readonly #gathered: GatheredRows | null;
  readonly #services: BodyServices;
  /** Ends everything: the caller's signal, or a batch that failed. */
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  readonly #atOnce: number;
  readonly #kept: KeptRejects;
  readonly #files: StagedTable['files'][number][] = [];
  readonly #rejectedFiles: StagedTable['files'][number][] = [];
  readonly #samples: string[] = [];
  /** Settles when every batch so far is counted; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #staging = 0;
  #wakeReader: (() => void) | null = null;
  #failure: AppError | null = null;
  /** Of a body that is compressed or a file: what makes rows' bytes of it. */
  #decoding: AsyncGenerator<Uint8Array, void, undefined> | null = null;
  #rowsLoaded = 0;
  #rowsFiltered = 0;
  #rowsUnselected = 0;
  #readMs = 0;
  #writeMs = 0;

  constructor(
    plan: BodyLoadPlan,
    begun: Begun,
    stager: Stager,
    gathered: GatheredRows | null,
    services: BodyServices,
    signal: AbortSignal,
  ) {
    this.#plan = plan;
    this.#begun = begun;
    this.#stager = stager;
    this.#gathered = gathered;
    this.#services = services;
    this.#signal = AbortSignal.any([signal, this.#ending.signal]);
    this.#kept = new KeptRejects(services.scratch);
    // Ids go up with the rows, and of a key the last row counts.
    const counts = plan.transform.outputs.some(({ column }) => column.autoIncrement === true);
    this.#atOnce = gathered !== null || counts ? 1 : STAGING_AT_ONCE;
  }

  async run(body: AsyncIterable<Uint8Array>): Promise<StagedLoad> {
    const counted = new CountedBody(body, this.#services.onBytes);
    const source = this.#open(counted);
    let isKept = false;
    try {
      await this.#readAll(source);
      await this.#tail;
      if (this.#failure !== null) throw this.#failure;
      const result = await this.#result(counted.bytes);
      if (this.#isOverRatio || this.#isNothingLeft) {
        isKept = true;
        throw new FilteredLoad(this.#plan, { ...result, tables: [] }, this.#kept);
      }
      return result;
    } catch (thrown) {
      this.#ending.abort(toAppError(thrown));
      await this.#tail;
      throw this.#failure ?? thrown;
    } finally {
      await source.close();
      // It ends soon: what it reads was given up with the load.
      await this.#decoding?.return().catch(() => undefined);
      if (!isKept) this.#kept.close();
    }
  }

  #open(body: AsyncIterable<Uint8Array>): BodySource {
    const { source } = this.#plan;
    const { clock, memory } = this.#services;
    const { compression, maxBytes } = source;
    const { format } = this.#plan;
    const isPlain = compression === 'none' && format.kind !== 'file';
    return new BodySource({
      ...memory,
      ...openSplitter(this.#plan),
      body: isPlain ? body : this.#decode(body),
      clock,
      maxBytes,
      // What is made of a body may come long after it.
      idleTimeoutMs: isPlain ? source.idleTimeoutMs : FOREVER_MS,
    });
  }

  /** The rows' bytes of a body that is compressed, a file, or both. */
  #decode(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    this.#decoding = this.#decoded(body);
    return this.#decoding;
  }

  #decoded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const { format, source, transform, limits } = this.#plan;
    const { clock, connections, spoolDirectory, random } = this.#services;
    const { compression, maxBytes, idleTimeoutMs } = source;
    const signal = this.#signal;
    const guarded = new GuardedBody(body, { clock, idleTimeoutMs, signal });
    const expanded = expandBody(compression, guarded, { maxBytes, maxRatio: MAX_RATIO });
    if (format.kind !== 'file') return expanded;
    return fileLines(format.container, expanded, {
      wanted: this.#stager.keyForms,
      timeZone: transform.timeZone,
      maxLineBytes: limits.maxMessageBytes,
      connect: () => connections.connect(),
      spoolDirectory,
      random,
      signal,
    });
  }

  async #readAll(source: BodySource): Promise<void> {
    const { clock } = this.#services;
    for (;;) {
      const startMs = clock.monotonicMs();
      const raw = await source.read(this.#signal);
      this.#readMs += clock.monotonicMs() - startMs;
      if (raw === null) return;
      failpoint('body.after-read');
      this.#launch(raw, clock.monotonicMs());
      await this.#slot();
      // Packing is synchronous: others get their turn in between.
      await clock.sleep(0, this.#signal);
    }
  }

  /** Waits until a further batch may be staged, so that no more than one is read meanwhile. */
  async #slot(): Promise<void> {
    while (this.#staging > this.#atOnce) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = resolve;
      await promise;
      this.#wakeReader = null;
    }
  }

  /** Sends a batch on its way. It is counted when those before it are; its memory is free then. */
  #launch(raw: RawBatch, startMs: number): void {
    const { clock } = this.#services;
    this.#staging += 1;
    const before = this.#tail;
    const staged = (this.#atOnce === 1 ? before : Promise.resolve()).then(() => this.#stage(raw));
    staged.catch(() => undefined);
    this.#tail = before
      .then(async () => this.#countBatch(await staged))
      .catch((thrown: unknown) => this.#fail(toAppError(thrown)))
      .then(() => {
        raw.release();
        this.#writeMs += clock.monotonicMs() - startMs;
        this.#staging -= 1;
        this.#wakeReader?.();
      });
  }

  async #stage(raw: RawBatch): Promise<StagedPart> {
    let packed: PackedBatch | null = null;
    try {
      this.#signal.throwIfAborted();
      await this.#stager.prepare(raw, this.#signal);
      const lines = this.#stager.pack(raw);
      packed = lines;
      const { connections } = this.#services;
      const gathered = this.#gathered;
      return gathered === null
        ? await connections.use((connection) => this.#stageRows(lines, connection))
        : await connections.turn(() => this.#stageRows(lines, gathered.connection));
    } finally {
      packed?.file.close();
    }
  }

  async #stageRows(packed: PackedBatch, connection: Connection): Promise<StagedPart> {
    const stager = this.#stager;
    const begun = this.#begun;
    const rows = await stager.stageRows(
      packed,
      begun,
      connection,
      this.#signal,
      null,
      this.#gathered,
    );
    failpoint('body.after-stage');
    const [progress] = batchProgress(packed, rows.drops);
    const counts = present(progress, 'counts of a batch');
    // Where no row may be filtered the load fails: they are shown by what is kept of them.
    const isKept = rows.rejected.count > 0 && this.#plan.maxFilterRatio > 0;
    const rejected = isKept
      ? await stager.stageRejected(rows.rejected, begun, connection, this.#signal)
      : null;
    const full =
      this.#gathered?.isFull === true
        ? await stager.stageGathered(this.#gathered, begun, this.#signal)
        : null;
    return { rows, counts, rejected, full };
  }

  #countBatch({ rows, counts, rejected, full }: StagedPart): void {
    this.#rowsLoaded += counts.rowsLoaded;
    this.#rowsFiltered += counts.rowsFiltered;
    this.#rowsUnselected += counts.rowsUnselected;
    for (const { files } of rows.tables) this.#files.push(...files);
    this.#files.push(...(full?.files ?? []));
    this.#rejectedFiles.push(...(rejected?.files ?? []));
    const missing = SAMPLES - this.#samples.length;
    if (missing > 0) this.#samples.push(...rows.rejected.samples(missing));
    this.#kept.add(rows.rejected, this.#stager.rejectContext(this.#begun));
  }

  #fail(error: AppError): void {
    this.#failure ??= error;
    this.#ending.abort(error);
  }

  async #result(bodyBytes: number): Promise<StagedLoad> {
    const { target, rejected } = this.#plan;
    const tables: StagedTable[] = [];
    const gathered = await this.#stageGathered();
    // Of a table with keys it is all of the load.
    if (gathered?.keyed !== undefined) tables.push(gathered);
    else this.#files.push(...(gathered?.files ?? []));
    if (this.#files.length > 0) tables.push({ tableId: target.tableId, files: this.#files });
    if (this.#rejectedFiles.length > 0)
      tables.push({ tableId: rejected.tableId, files: this.#rejectedFiles });
    return {
      tables,
      rowsLoaded: this.#rowsLoaded,
      rowsFiltered: this.#rowsFiltered,
      rowsUnselected: this.#rowsUnselected,
      errorSamples: this.#samples,
      bodyBytes,
      readMs: Math.round(this.#readMs),
      writeMs: Math.round(this.#writeMs),
    };
  }

  async #stageGathered(): Promise<StagedTable | null> {
    const gathered = this.#gathered;
    if (gathered === null || this.#isOverRatio) return null;
    const { clock, connections } = this.#services;
    const startMs = clock.monotonicMs();
    const staged = await connections.turn(() =>
      this.#stager.stageGathered(gathered, this.#begun, this.#signal),
    );
    this.#writeMs += clock.monotonicMs() - startMs;
    return staged;
  }

  get #isOverRatio(): boolean {
    return isOverRatio(this.#plan, this.#rowsFiltered, this.#rowsLoaded);
  }

  get #isNothingLeft(): boolean {
    const isEmpty = this.#rowsLoaded === 0 && this.#rowsFiltered > 0;
    return isEmpty && this.#plan.emptyIsError === true;
  }
}

function isOverRatio({ maxFilterRatio }: BodyLoadPlan, filtered: number, loaded: number): boolean {
  return filtered > (filtered + loaded) * maxFilterRatio;
}

interface StagedPart {
  readonly rows: StagedRows;
  readonly counts: PartitionProgress;
  readonly rejected: StagedTable | null;
  /** Gathered rows that were enough for files. */
  readonly full: StagedTable | null;
}

/** The body as it comes, and how much of it came. */
class CountedBody implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #onBytes: (bytes: number) => void;
  bytes = 0;

  constructor(body: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void) {
    this.#body = body;
    this.#onBytes = onBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const inner = this.#body[Symbol.asyncIterator]();
    return {
      next: async () => {
        const result = await inner.next();
        if (result.done !== true) {
          this.bytes += result.value.length;
          this.#onBytes(result.value.length);
        }
        return result;
      },
      return: async () => {
        await inner.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
