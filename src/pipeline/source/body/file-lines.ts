// A body that is one file -> its rows as lines of JSON, which then go the way of a JSON body. Avro and Arrow are read
// as they come; a Parquet file says at its end where its rows are, so it waits on disk until it is whole.
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../base/errors.ts';
import type { Random } from '../../../base/random.ts';
import type { Connection } from '../../../engine/connection.ts';
import { parquetLines } from '../../../engine/parquet-lines.ts';
import { arrowLines } from '../../../formats/lines/arrow-lines.ts';
import { avroLines } from '../../../formats/lines/avro-lines.ts';
import type { LinesOptions } from '../../../formats/lines/line-pieces.ts';
import { MalformedMessage } from '../../../formats/malformed.ts';
import { MalformedFile } from '../../../formats/malformed-file.ts';
import type { FileContainer } from '../../../model/load-plan.ts';

export interface FileLinesOptions extends LinesOptions {
  /** A connection of the body's own. */
  readonly connect: () => Promise<Connection>;
  /** Private directory for bodies that wait on disk. */
  readonly spoolDirectory: string;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** The most of a body that waits on disk. */
const MAX_SPOOL_BYTES = 16 * 1024 ** 3;

/** What messages call it. */
export const CONTAINER_NAMES: Readonly<Record<FileContainer, string>> = {
  avro: 'Avro',
  parquet: 'Parquet',
  arrow: 'Arrow',
};

/** Throws BODY_FILE_MALFORMED, BODY_SPOOL_FULL, DISK_FULL, and what the body throws. */
export async function* fileLines(
  container: FileContainer,
  body: AsyncIterable<Uint8Array>,
  options: FileLinesOptions,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* linesOf(container, body, options);
  } catch (thrown) {
    if (!(thrown instanceof MalformedFile) && !(thrown instanceof MalformedMessage)) throw thrown;
    const format = CONTAINER_NAMES[container];
    throw fail('BODY_FILE_MALFORMED', { format, detail: thrown.message }, thrown);
  }
}

function linesOf(
  container: FileContainer,
  body: AsyncIterable<Uint8Array>,
  options: FileLinesOptions,
): AsyncIterable<Buffer> {
  switch (container) {
    case 'avro':
      return avroLines(body, options);
    case 'arrow':
      return arrowLines(body, options);
    case 'parquet':
      return spooledLines(body, options);
  }
}

async function* spooledLines(
  body: AsyncIterable<Uint8Array>,
  options: FileLinesOptions,
): AsyncGenerator<Buffer> {
  const path = join(options.spoolDirectory, `body-${options.random.uuid()}.parquet`);
  try {
    await spool(path, body);
    const connection = await options.connect();
    try {
      yield* parquetLines(connection, path, options, options.signal);
    } finally {
      await connection.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}

async function spool(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_SPOOL_BYTES)
        throw fail('BODY_SPOOL_FULL', { limit: MAX_SPOOL_BYTES, format: CONTAINER_NAMES.parquet });
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, done);
        done += bytesWritten;
      }
    }
  } catch (thrown) {
    const isFull = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC';
    throw isFull ? fail('DISK_FULL', { path }, thrown) : thrown;
  } finally {
    await file.close();
  }
}
