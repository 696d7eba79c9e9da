// One batch from messages to durable files: pack, COPY, collect rejected rows, count. The numbers must
// add up before anything is handed on: messages, lines, written, dropped. Makes nothing visible.
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { type AppError, fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Random } from '../base/random.ts';
import type { DropRegistry } from '../engine/drop-function.ts';
import type { Connection } from '../engine/duckdb.ts';
import { zoneOffset } from '../formats/time-text.ts';
import {
  type BegunTransaction,
  type LoadPlan,
  loadedTables,
  type StagedTable,
} from '../model/load-plan.ts';
import { REJECTED_RECORDS_SCHEMA } from '../model/system-tables.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { LineMetadata } from './decode/line-metadata.ts';
import { openPacker } from './decode/open-packer.ts';
import { PackedBatch } from './decode/packed-batch.ts';
import type { Packer } from './decode/packer.ts';
import type { Registry } from './decode/schema-decoders.ts';
import type { ScratchSpace } from './decode/scratch.ts';
import { batchProgress } from './progress.ts';
import { type AppendTarget, appendFile } from './sink/append.ts';
import { type CompiledTransform, compileTransform } from './transform/compile-sql.ts';
import { allOutputs } from './transform/drop-code.ts';
import { DropRecorder } from './transform/drop-recorder.ts';
import { rejectedCopySql, rejectedLine } from './transform/error-rows.ts';
import { RejectedRows } from './transform/rejected-rows.ts';
import type { RawBatch, ReserveIds, SourceTrouble, StagedBatch } from './types.ts';
import { RowWriter } from './write-rows.ts';

export interface StageServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly scratch: ScratchSpace;
  readonly drops: DropRegistry;
  /** Private directory for files on their way to a remote volume. */
  readonly tempDirectory: string;
  /** Stores of the target's and the rejected rows' volume. */
  readonly reserveIds: ReserveIds;
  readonly targetStore: ObjectStore;
  /** Of the further tables of a plan that loads several, in their order. */
  readonly furtherStores?: readonly ObjectStore[];
  readonly rejectedStore: ObjectStore;
  /** Told while something beside the source, such as a schema registry, is asked again and again. */
  readonly onTrouble: (trouble: SourceTrouble | null) => void;
  /** Told of what a job does not load though it is no error, once for each kind. */
  readonly onNotice: (text: string) => void;
  /** For tests; a client of the URL when left out. */
  readonly openRegistry?: (url: string) => Registry;
}

/** Reasons of filtered rows that go into the commit for OtherMsg. */
const SAMPLES = 3;
/** Rejected rows written between two turns of the event loop. */
const REJECTS_PER_TURN = 1_000;

/** Of the column `target_table` of rejected rows. */
const MAX_TABLE_CHARACTERS = 1_000;

/** Of a rejected row that belongs to none of several tables: their names. */
function tableNames(plan: LoadPlan): string {
  return loadedTables(plan)
    .map(({ target }) => target.tableName)
    .join(',')
    .slice(0, MAX_TABLE_CHARACTERS);
}

/** Stages batches of one job; several at once, each with a connection of its own. */
export class Stager {
  readonly #plan: LoadPlan;
  readonly #services: StageServices;
  readonly #transform: CompiledTransform;
  readonly #packer: Packer;
  readonly #metadata: LineMetadata | null;
  readonly #writer: RowWriter;
  readonly #rejected: AppendTarget;
  /** Packing is synchronous, so one buffer serves all batches. */
  readonly #buffer = PackedBatch.newBuffer();

  /** Throws LOAD_JSONPATH, REGISTRY_URL and NOT_SUPPORTED for a plan that cannot be compiled. */
  constructor(plan: LoadPlan, services: StageServices) {
    this.#plan = plan;
    this.#services = services;
    this.#transform = compileTransform(plan);
    this.#packer = openPacker(plan, this.#transform, services);
    const { metadata = [], timeZone } = plan.transform;
    const zone = zoneOffset(timeZone);
    const wraps = this.#transform.readsDocument;
    this.#metadata =
      metadata.length === 0 ? null : new LineMetadata({ names: metadata, wraps, zone });
    this.#writer = new RowWriter(plan, this.#transform, services);
    this.#rejected = {
      target: plan.rejected,
      schema: REJECTED_RECORDS_SCHEMA,
      store: services.rejectedStore,
    };
  }

  /** Gets what packing needs, such as schemas. Throws REGISTRY_*. */
  prepare(raw: RawBatch, signal: AbortSignal): Promise<void> {
    return this.#packer.prepare(raw, signal);
  }

  /** Packs a batch that was prepared: synchronous, bound by memory speed. Close the result's file when done. */
  pack(raw: RawBatch): PackedBatch {
    const file = this.#services.scratch.create(raw.heldBytes);
    try {
      const packed = new PackedBatch(raw, file, this.#buffer, this.#metadata);
      this.#packer.pack(packed);
      return packed;
    } catch (thrown) {
      file.close();
      throw thrown;
    }
  }

  /**
   * Writes a packed batch's rows and rejected rows into files of the transaction. Closes its file.
   * Throws LOAD_SQL (user: an expression does not compile), LOAD_PARSE_ERROR, engine and storage errors.
   */
  async stage(
    packed: PackedBatch,
    begun: BegunTransaction,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<StagedBatch> {
    const packer = this.#packer;
    const textOf =
      this.#plan.format.kind === 'json' ? (line: number) => packer.lineOf(packed, line) : null;
    const drops = new DropRecorder(this.#transform, textOf);
    const tables: StagedTable[] = [];
    try {
      if (packed.lineCount > 0) {
        tables.push(...(await this.#copy(packed, drops, begun, connection, signal)));
      }
    } finally {
      packed.file.close();
    }
    failpoint('task.after-copy');
    const rejected = new RejectedRows(this.#plan, this.#transform, packed, this.#packer, drops);
    if (this.#plan.pausesOnParseError === true && rejected.parseErrors > 0) {
      const samples = rejected.parseErrorSamples(SAMPLES).join('; ');
      throw fail('LOAD_PARSE_ERROR', { count: rejected.parseErrors, samples });
    }
    if (rejected.count > 0) {
      const file = await this.#copyRejected(rejected, begun, connection, signal);
      if (file !== null) tables.push({ tableId: this.#plan.rejected.tableId, files: [file] });
    }
    return {
      tables,
      progress: batchProgress(packed, drops),
      errorSamples: rejected.samples(SAMPLES),
    };
  }

  async #copy(
    packed: PackedBatch,
    drops: DropRecorder,
    begun: BegunTransaction,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<readonly StagedTable[]> {
    const { slot, release } = this.#services.drops.acquire(drops);
    const { path: inputPath } = packed.file;
    const { longestLineBytes } = packed;
    const statement = { inputPath, longestLineBytes, slot, firstId: 0 };
    const { transactionId } = begun;
    try {
      return await this.#writer.write({ packed, drops, statement, transactionId }, connection, {
        signal,
      });
    } catch (thrown) {
      throw this.#sqlError(toAppError(thrown));
    } finally {
      release();
    }
  }

  /** SQL that does not compile is the job's COLUMNS or WHERE, where it has some: a person must change them. */
  #sqlError(error: AppError): AppError {
    const tables = loadedTables(this.#plan);
    const hasSql =
      this.#plan.routes !== undefined ||
      tables.some(
        ({ transform }) => transform.whereSql !== null || transform.unnest !== undefined,
      ) ||
      allOutputs(this.#plan).some((o) => o.from.kind === 'expression');
    const detail = String(error.fields['detail'] ?? '');
    if (!hasSql || !/^(Binder|Catalog|Parser) Error/.test(detail)) return error;
    const names = tables.map(({ target }) => target.tableName).join(', ');
    const table = `${this.#plan.target.databaseName}.${names}`;
    return fail('LOAD_SQL', { table, detail }, error);
  }

  async #copyRejected(
    rejected: RejectedRows,
    begun: BegunTransaction,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<StagedTable['files'][number] | null> {
    const { clock, scratch } = this.#services;
    const context = {
      nowMs: clock.nowMs(),
      loadType: 'ROUTINE_LOAD' as const,
      jobId: this.#plan.jobId,
      label: begun.label,
      transactionId: begun.transactionId,
      userName: this.#plan.userName,
      database: this.#plan.target.databaseName,
      table: tableNames(this.#plan),
    };
    const file = scratch.create(rejected.approximateBytes);
    let longest = 0;
    let written = 0;
    try {
      for (const row of rejected.rows()) {
        const line = Buffer.from(`${rejectedLine(row, context)}\n`);
        file.write(line);
        longest = Math.max(longest, line.length);
        written += 1;
        if (written % REJECTS_PER_TURN === 0) await clock.sleep(0, signal);
      }
      file.finish();
      const result = await appendFile(
        this.#rejected,
        begun.transactionId,
        this.#services,
        connection,
        (outputPath) => rejectedCopySql(file.path, outputPath, longest),
        (rowCount) => assert(rowCount === written, 'every rejected row is kept'),
        { signal },
      );
      return result.file;
    } finally {
      file.close();
    }
  }
}
