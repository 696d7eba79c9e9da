// One batch from messages to durable files: pack, COPY, collect rejected rows, count. The numbers must
// add up before anything is handed on: messages, lines, written, dropped. Makes nothing visible.
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
import { encodeProposal } from '../model/schema-proposal.ts';
import { REJECTED_RECORDS_SCHEMA } from '../model/system-tables.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { DeadLetters } from './dead-letters.ts';
import { LineMetadata } from './decode/line-metadata.ts';
import { openPacker } from './decode/open-packer.ts';
import { PackedBatch, type WantsRow } from './decode/packed-batch.ts';
import type { Packer } from './decode/packer.ts';
import type { Registry } from './decode/schema-decoders.ts';
import type { ScratchSpace } from './decode/scratch.ts';
import { SchemaWatch } from './evolve/schema-watch.ts';
import type { GatheredRows } from './gathered-rows.ts';
import { batchProgress } from './progress.ts';
import type { AppendTarget } from './sink/append.ts';
import { stageRejected } from './stage-rejected.ts';
import { type CompiledTransform, compileTransform } from './transform/compile-sql.ts';
import { allOutputs } from './transform/drop-code.ts';
import { DropRecorder, type WantsElement } from './transform/drop-recorder.ts';
import type { RejectContext } from './transform/error-rows.ts';
import { RejectedRows, shownTables } from './transform/rejected-rows.ts';
import type { BatchStatement } from './transform/source-sql.ts';
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
  /** Where rejected messages go besides; absent: nowhere. */
  readonly deadLetters?: DeadLetters;
  /** For tests; a client of the URL when left out. */
  readonly openRegistry?: (url: string) => Registry;
}

/** The rows of a batch: files of the tables that got some, and what became of the others. */
export interface StagedRows {
  readonly tables: readonly StagedTable[];
  readonly drops: DropRecorder;
  readonly rejected: RejectedRows;
}

/** Reasons of filtered rows that go into the commit for OtherMsg. */
const SAMPLES = 3;

/** Stages batches of one job; several at once, each with a connection of its own. */
export class Stager {
  readonly #plan: LoadPlan;
  readonly #services: StageServices;
  readonly #transform: CompiledTransform;
  readonly #packer: Packer;
  /** Null: the table stays as it is. */
  readonly #watch: SchemaWatch | null;
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
    const { evolution } = plan;
    const watch = evolution === undefined ? null : new SchemaWatch(evolution, services.onNotice);
    this.#watch = watch;
    this.#packer = openPacker(plan, this.#transform, {
      ...services,
      ...(watch === null ? {} : { onSchema: (types) => watch.schema(types) }),
    });
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

  /** What the transform wants of a row's top-level keys; null = all of the row, as JSON. */
  get keyForms(): CompiledTransform['keyForms'] {
    return this.#transform.keyForms;
  }

  /** Gets what packing needs, such as schemas. Throws REGISTRY_*. */
  prepare(raw: RawBatch, signal: AbortSignal): Promise<void> {
    return this.#packer.prepare(raw, signal);
  }

  /**
   * Packs a batch that was prepared: synchronous, bound by memory speed. Close the result's file when done. Throws
   * LOAD_SCHEMA_CHANGED: the table is to be changed first, then the batch is read again.
   * @param wants leaves out rows of messages; null = all are wanted.
   */
  pack(raw: RawBatch, wants: WantsRow | null = null): PackedBatch {
    const file = this.#services.scratch.create(raw.heldBytes);
    try {
      // Of a format with schemas those say it all.
      const lines = this.#plan.format.kind === 'json' ? this.#watch : null;
      const packed = new PackedBatch(raw, file, this.#buffer, this.#metadata, wants, lines);
      this.#packer.pack(packed);
      const proposal = this.#watch?.proposal() ?? null;
      if (proposal !== null) {
        const { databaseName, tableName } = this.#plan.target;
        const table = `${databaseName}.${tableName}`;
        throw fail('LOAD_SCHEMA_CHANGED', { table, proposal: encodeProposal(proposal) });
      }
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
    const {
      tables: written,
      drops,
      rejected,
    } = await this.stageRows(packed, begun, connection, signal);
    const tables = [...written];
    if (this.#plan.pausesOnParseError === true && rejected.parseErrors > 0) {
      const samples = rejected.parseErrorSamples(SAMPLES).join('; ');
      throw fail('LOAD_PARSE_ERROR', { count: rejected.parseErrors, samples });
    }
    if (rejected.count > 0) {
      tables.push(await this.stageRejected(rejected, begun, connection, signal));
      await this.#services.deadLetters?.send(rejected, begun, signal);
    }
    return {
      tables,
      progress: batchProgress(packed, drops),
      errorSamples: rejected.samples(SAMPLES),
    };
  }

  /**
   * Writes a packed batch's rows into files of the transaction, and says which were rejected. Closes its file.
   * Throws as stage does. @param wants of the rows of packed lines; null = all are wanted.
   * @param gathered where rows of a table with keys are put, by its connection; null: they are staged at once.
   */
  async stageRows(
    packed: PackedBatch,
    begun: Pick<BegunTransaction, 'transactionId'>,
    connection: Connection,
    signal: AbortSignal,
    wants: WantsElement | null = null,
    gathered: GatheredRows | null = null,
  ): Promise<StagedRows> {
    const packer = this.#packer;
    const textOf =
      this.#plan.format.kind === 'json' ? (line: number) => packer.lineOf(packed, line) : null;
    const asks = wants === null ? {} : { asksAll: true as const };
    const copy = async (): Promise<Pick<StagedRows, 'tables' | 'drops'>> => {
      const drops = new DropRecorder(this.#transform, textOf, wants);
      if (packed.lineCount === 0) return { tables: [], drops };
      return {
        tables: await this.#copy(packed, drops, gathered, asks, begun, connection, signal),
        drops,
      };
    };
    let copied: Pick<StagedRows, 'tables' | 'drops'>;
    try {
      copied = await copy().catch((thrown: unknown) => {
        if (!isCsvError(thrown) || !packed.hasBlocks || packer.packChecked === undefined)
          throw thrown;
        // Some row has not as many fields as it should: it is found and rejected.
        packer.packChecked(packed);
        return copy();
      });
    } finally {
      packed.file.close();
    }
    const { tables, drops } = copied;
    failpoint('task.after-copy');
    const rejected = new RejectedRows(this.#plan, this.#transform, packed, packer, drops);
    return { tables, drops, rejected };
  }

  async #copy(
    packed: PackedBatch,
    drops: DropRecorder,
    gathered: GatheredRows | null,
    asks: Pick<BatchStatement, 'asksAll'>,
    begun: Pick<BegunTransaction, 'transactionId'>,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<readonly StagedTable[]> {
    const { slot, release } = this.#services.drops.acquire(drops);
    const { path: inputPath } = packed.file;
    const { longestLineBytes, form, arePlain } = packed;
    const statement = { inputPath, form, arePlain, longestLineBytes, slot, firstId: 0, ...asks };
    const { transactionId } = begun;
    try {
      const batch = { packed, drops, statement, transactionId, gathered };
      return await this.#writer.write(batch, connection, { signal });
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

  /** Stages the rows that were gathered of all batches of a load; null when there are none. */
  async stageGathered(
    gathered: GatheredRows,
    { transactionId }: Pick<BegunTransaction, 'transactionId'>,
    signal: AbortSignal,
  ): Promise<StagedTable | null> {
    return await this.#writer.writeGathered(gathered, transactionId, { signal });
  }

  /** Writes rejected rows into files of their own. Throws engine and storage errors. */
  async stageRejected(
    rejected: RejectedRows,
    begun: Pick<BegunTransaction, 'transactionId' | 'label'>,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<StagedTable> {
    const files = await stageRejected(rejected, this.rejectContext(begun), {
      target: this.#rejected,
      services: this.#services,
      transactionId: begun.transactionId,
      connection,
      signal,
    });
    return { tableId: this.#plan.rejected.tableId, files };
  }

  /** What all rejected rows of a transaction share. */
  rejectContext({
    label,
    transactionId,
  }: Pick<BegunTransaction, 'transactionId' | 'label'>): RejectContext {
    return {
      nowMs: this.#services.clock.nowMs(),
      loadType: this.#plan.source.kind === 'kafka' ? 'ROUTINE_LOAD' : 'STREAM_LOAD',
      jobId: this.#plan.jobId,
      label,
      transactionId,
      userName: this.#plan.userName,
      database: this.#plan.target.databaseName,
      table: shownTables(this.#plan),
    };
  }
}

/** The engine's CSV reader met a row that it cannot take. */
function isCsvError(thrown: unknown): boolean {
  const detail = String(toAppError(thrown).fields['detail'] ?? '');
  return /CSV Error/.test(detail);
}
