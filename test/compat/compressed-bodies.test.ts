// Bodies as gzip, bzip2, lz4 and zstd of this machine compress them, with all their levels and options that change
// the format, expand to the same bytes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type BodyCompression, expandBody } from '../../src/formats/compression/expand-body.ts';
import { debianProgram } from '../peers/processes.ts';

const LIMITS = { maxBytes: 1024 ** 3, maxRatio: 2000 };

const TOOLS: readonly {
  readonly tool: string;
  readonly compression: BodyCompression;
  readonly options: readonly (readonly string[])[];
}[] = [
  { tool: 'gzip', compression: 'gzip', options: [['-1'], ['-9'], ['--rsyncable']] },
  { tool: 'bzip2', compression: 'bzip2', options: [['-1'], ['-9']] },
  {
    tool: 'lz4',
    compression: 'lz4_frame',
    options: [['-1'], ['-9', '-BD'], ['-B4', '-BX'], ['-B5', '-BD', '-BX'], ['--no-frame-crc']],
  },
  { tool: 'zstd', compression: 'zstd', options: [['-1'], ['-19'], ['--no-check'], ['--long=27']] },
];

const TEXTS: Readonly<Record<string, Buffer>> = {
  rows: Buffer.from(
    Array.from({ length: 150_000 }, (_, row) => `${row},user ${row % 977},${row * 0.1},x\n`).join(
      '',
    ),
  ),
  noise: randomBytes(1_200_000),
  zeros: Buffer.alloc(6_000_000),
  nothing: Buffer.alloc(0),
};

async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + (randomBytes(3).readUIntLE(0, 3) % 100_000);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

for (const { tool, compression, options } of TOOLS) {
  test(`what ${tool} makes`, async () => {
    const program = await debianProgram(tool, tool);
    for (const option of options) {
      for (const [name, text] of Object.entries(TEXTS)) {
        const { stdout, status } = spawnSync(program, [...option, '-c', '-q'], {
          input: text,
          maxBuffer: 1024 ** 3,
        });
        assert.equal(status, 0);
        const pieces: Buffer[] = [];
        const body = Buffer.concat([stdout, stdout]);
        for await (const piece of expandBody(compression, inChunks(body), LIMITS))
          pieces.push(piece);
        const same = Buffer.concat(pieces).equals(Buffer.concat([text, text]));
        assert.ok(same, `${tool} ${option.join(' ')} of ${name}`);
      }
    }
  });
}
