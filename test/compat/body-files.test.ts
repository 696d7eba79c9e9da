// Files as pyarrow and fastavro write them, with all their codecs, become the lines that the program which wrote them
// says, whatever way they are cut into chunks.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parquetLines } from '../../src/engine/parquet-lines.ts';
import { arrowLines } from '../../src/formats/lines/arrow-lines.ts';
import { avroLines } from '../../src/formats/lines/avro-lines.ts';
import type { LinesOptions } from '../../src/formats/lines/line-pieces.ts';
import { orcLines } from '../../src/formats/lines/orc-lines.ts';
import { pythonStory } from '../peers/python.ts';
import { withEngine } from '../support/engine-fixture.ts';
import { withTempDirectory } from '../support/object-store-contract.ts';

const OPTIONS: LinesOptions = { wanted: null, timeZone: '+08:00', maxLineBytes: 1024 * 1024 };

async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + (randomBytes(3).readUIntLE(0, 3) % 5000);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function* fromOrc(path: string): AsyncGenerator<Buffer> {
  const bytes = await readFile(path);
  const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
  yield* orcLines({ size: bytes.length, read }, OPTIONS);
}

async function linesOf(path: string): Promise<string[]> {
  const pieces: Buffer[] = [];
  const gather = async (lines: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of lines) {
      assert.equal(piece.at(-1), 0x0a, 'pieces are whole lines');
      pieces.push(piece);
    }
  };
  const body = inChunks(await readFile(path));
  if (path.endsWith('.avro')) await gather(avroLines(body, OPTIONS));
  else if (/\.arrows?$/.test(path)) await gather(arrowLines(body, OPTIONS));
  else if (path.endsWith('.orc')) await gather(fromOrc(path));
  else if (path.endsWith('.parquet'))
    await withEngine({}, (engine) =>
      engine.withConnection((connection) => gather(parquetLines(connection, path, OPTIONS))),
    );
  else throw new Error(`no reader of ${path}`);
  return Buffer.concat(pieces).toString().trimEnd().split('\n');
}

test('files of pyarrow and fastavro', async (t) => {
  await withTempDirectory(async (folder) => {
    await pythonStory('files.txt', 'body_files.py', [folder]);
    const expected: Readonly<Record<string, readonly string[]>> = JSON.parse(
      await readFile(join(folder, 'expected.json'), 'utf8'),
    );
    assert.ok(Object.keys(expected).length > 25);
    for (const [name, lines] of Object.entries(expected)) {
      await t.test(name, async () => {
        const found = await linesOf(join(folder, name));
        for (const [index, line] of lines.entries()) assert.equal(found[index], line);
        assert.equal(found.length, lines.length);
      });
    }
  });
});
