// Compactions that run and the latest that ended, for the views. Kept in memory: what a restart forgets is in the
// transactions still.
import type { Clock } from '../base/clock.ts';
import type { TableId, TransactionId } from '../base/ids.ts';
import type { SnapshotTable } from '../catalog/catalog.ts';
import type { DataFile } from '../model/table.ts';
import type { JobReport } from './compaction-job.ts';
import { sum } from './sum.ts';

const KEPT = 200;

export interface CompactionRecord {
  /** Null until it began. */
  readonly transactionId: TransactionId | null;
  readonly tableId: TableId;
  readonly databaseName: string;
  readonly tableName: string;
  /** Of a table without partitions the table's own name. */
  readonly partitionName: string;
  readonly inputFiles: number;
  readonly inputRows: number;
  readonly inputBytes: number;
  /** Null until it was staged. */
  readonly outputBytes: number | null;
  /** Rows deleted from the inputs meanwhile that were carried over to the output. */
  readonly carriedRows: number;
  /** How often the turn was left to a load. */
  readonly yields: number;
  readonly startedMs: number;
  readonly stagedMs: number | null;
  readonly finishedMs: number | null;
  /** Null while it runs and where it was done. */
  readonly error: string | null;
}

type Written = { -readonly [K in keyof CompactionRecord]: CompactionRecord[K] };

/** Writes one record while its job runs. */
export class RecordWriter {
  readonly #record: Written;

  constructor(record: Written) {
    this.#record = record;
  }

  report(clock: Clock): JobReport {
    const record = this.#record;
    return {
      begun: (transactionId) => {
        record.transactionId = transactionId;
      },
      staged: (outputs) => {
        record.stagedMs = clock.nowMs();
        record.outputBytes = sum(outputs.map((file) => file.sizeBytes));
      },
      carried: (rows) => {
        record.carriedRows = rows;
      },
      yielded: () => {
        record.yields += 1;
      },
    };
  }

  /** `error` null: it was done. */
  end(atMs: number, error: string | null): void {
    this.#record.finishedMs = atMs;
    this.#record.error = error;
  }
}

export class CompactionHistory {
  /** Oldest first. */
  readonly #records: Written[] = [];

  begin(
    { table, partitions }: Pick<SnapshotTable, 'table' | 'partitions'>,
    inputs: readonly DataFile[],
    startedMs: number,
  ): RecordWriter {
    // Inputs are of one partition.
    const place = inputs[0]?.partition;
    const partition = partitions.find(({ id }) => place?.kind === 'id' && place.id === id);
    const record: Written = {
      transactionId: null,
      tableId: table.id,
      databaseName: table.databaseName,
      tableName: table.name,
      partitionName: partition?.name ?? table.name,
      inputFiles: inputs.length,
      inputRows: sum(inputs.map((file) => file.rowCount - file.deletedRows)),
      inputBytes: sum(inputs.map((file) => file.sizeBytes)),
      outputBytes: null,
      carriedRows: 0,
      yields: 0,
      startedMs,
      stagedMs: null,
      finishedMs: null,
      error: null,
    };
    this.#records.push(record);
    if (this.#records.length > KEPT) this.#records.shift();
    return new RecordWriter(record);
  }

  /** Newest first. */
  list(): readonly CompactionRecord[] {
    return this.#records.toReversed().map((record) => ({ ...record }));
  }
}
