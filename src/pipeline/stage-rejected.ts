// The rejected rows of a batch become files of `_statistics_.rejected_records`, so many bytes in each: the engine needs
// several times what a COPY reads, and a batch may be all bad and made of large messages.
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Connection } from '../engine/duckdb.ts';
import type { StagedTable } from '../model/load-plan.ts';
import type { ScratchSpace } from './decode/scratch.ts';
import { type AppendTarget, appendFile, type SinkServices } from './sink/append.ts';
import { type RejectContext, rejectedCopySql, rejectedLine } from './transform/error-rows.ts';
import type { RejectedRows } from './transform/rejected-rows.ts';

/** A file ends before its lines are more than this; a larger line has one of its own. */
const FILE_BYTES = 16 * 1024 * 1024;
/** Rejected rows written between two turns of the event loop. */
const REJECTS_PER_TURN = 1_000;

export interface RejectedSink {
  readonly target: AppendTarget;
  readonly services: SinkServices & { readonly clock: Clock; readonly scratch: ScratchSpace };
  readonly transactionId: TransactionId;
  readonly connection: Connection;
  readonly signal: AbortSignal;
}

/** Writes all of them, in order. Throws engine and storage errors; what was written is swept then. */
export async function stageRejected(
  rejected: RejectedRows,
  context: RejectContext,
  sink: RejectedSink,
): Promise<StagedTable['files']> {
  const { clock } = sink.services;
  const files: StagedTable['files'][number][] = [];
  const bytes = Math.min(rejected.approximateBytes, FILE_BYTES);
  let part = new RejectedPart(sink, bytes);
  try {
    let written = 0;
    for (const row of rejected.rows()) {
      const line = Buffer.from(`${rejectedLine(row, context)}\n`);
      if (!part.hasRoomFor(line)) {
        files.push(...(await part.append()));
        part.close();
        part = new RejectedPart(sink, bytes);
      }
      part.write(line);
      written += 1;
      if (written % REJECTS_PER_TURN === 0) await clock.sleep(0, sink.signal);
    }
    files.push(...(await part.append()));
    return files;
  } finally {
    part.close();
  }
}

/** One file's lines. */
class RejectedPart {
  readonly #sink: RejectedSink;
  readonly #file: ReturnType<ScratchSpace['create']>;
  #bytes = 0;
  #longestBytes = 0;
  #rows = 0;

  constructor(sink: RejectedSink, expectedBytes: number) {
    this.#sink = sink;
    this.#file = sink.services.scratch.create(expectedBytes);
  }

  hasRoomFor(line: Buffer): boolean {
    return this.#rows === 0 || this.#bytes + line.length <= FILE_BYTES;
  }

  write(line: Buffer): void {
    this.#file.write(line);
    this.#bytes += line.length;
    this.#longestBytes = Math.max(this.#longestBytes, line.length);
    this.#rows += 1;
  }

  async append(): Promise<StagedTable['files']> {
    const { target, services, transactionId, connection, signal } = this.#sink;
    this.#file.finish();
    const { file } = await appendFile(
      target,
      transactionId,
      services,
      connection,
      (outputPath) => rejectedCopySql(this.#file.path, outputPath, this.#longestBytes),
      (rowCount) => assert(rowCount === this.#rows, 'every rejected row is kept'),
      { signal },
    );
    return file === null ? [] : [file];
  }

  close(): void {
    this.#file.close();
  }
}
