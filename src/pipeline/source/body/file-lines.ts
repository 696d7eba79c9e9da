// A body that is one file -> its rows as lines of JSON, which then go the way of a JSON body. Avro and Arrow are read
// as they come; Parquet and ORC files say at their end where their rows are, so they wait on disk until they are whole.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../base/errors.ts';
import type { Random } from '../../../base/random.ts';
import type { Connection } from '../../../engine/connection.ts';
import { parquetLines } from '../../../engine/parquet-lines.ts';
import { arrowLines } from '../../../formats/lines/arrow-lines.ts';
import { avroLines } from '../../../formats/lines/avro-lines.ts';
import type { LinesOptions } from '../../../formats/lines/line-pieces.ts';
import { orcLines } from '../../../formats/lines/orc-lines.ts';
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
  orc: 'ORC',
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
      return spooledLines(body, container, options, (path) => fromParquet(path, options));
    case 'orc':
      return spooledLines(body, container, options, (path) => fromOrc(path, options));
  }
}

/** The lines of the file that the body is, when it is whole. */
async function* spooledLines(
  body: AsyncIterable<Uint8Array>,
  container: FileContainer,
  { spoolDirectory, random }: FileLinesOptions,
  read: (path: string) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const path = join(spoolDirectory, `body-${random.uuid()}.${container}`);
  try {
    await spool(path, body, container);
    yield* read(path);
  } finally {
    await rm(path, { force: true });
  }
}

async function* fromParquet(path: string, options: FileLinesOptions): AsyncGenerator<Buffer> {
  const connection = await options.connect();
  try {
    yield* parquetLines(connection, path, options, options.signal);
  } finally {
    await connection.close();
  }
}

async function* fromOrc(path: string, options: FileLinesOptions): AsyncGenerator<Buffer> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const read = (offset: number, length: number): Buffer => {
      const bytes = Buffer.allocUnsafe(length);
      for (let done = 0; done < length; ) {
        const count = readSync(file, bytes, done, length - done, offset + done);
        if (count === 0) throw new MalformedFile('a part of it lies outside of it');
        done += count;
      }
      return bytes;
    };
    for (const piece of orcLines({ size, read }, options)) {
      options.signal.throwIfAborted();
      yield piece;
    }
  } finally {
    closeSync(file);
  }
}

async function spool(
  path: string,
  body: AsyncIterable<Uint8Array>,
  container: FileContainer,
): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_SPOOL_BYTES)
        throw fail('BODY_SPOOL_FULL', {
          limit: MAX_SPOOL_BYTES,
          format: CONTAINER_NAMES[container],
        });
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
