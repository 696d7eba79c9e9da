// Flink with StarRocks' official connector while the server dies in the middle of its loads and comes back: the connector
// tries again, or the job goes on from its last checkpoint. At least once loses no row; exactly once has each row once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CommandResult } from '../peers/processes.ts';
import { flinkWrite } from '../peers/stream-load.ts';
import { LOAD_STRIKES, StruckServer, TRANSACTION_STRIKES } from '../support/struck-server.ts';

const ROWS = 2000;
const COLUMNS =
  'id INT NOT NULL, name VARCHAR(50), price DECIMAL(10, 2), `day` DATE, `at` DATETIME, good BOOLEAN, ratio DOUBLE';
const CHANGES = Array.from({ length: ROWS }, (_, id) =>
  ['+I', id, `n${id}`, '0.25', '2024-02-29', '2024-02-29T23:59:58', true, '0.5'].join('\t'),
);

/** A job that writes for some seconds, and begins again from its last checkpoint when it fails. */
function write(
  struck: StruckServer,
  table: string,
  semantic: 'at-least-once' | 'exactly-once',
  options: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const kind = table === 'keyed' ? 'upsert' : 'append';
  return flinkWrite(struck.target, table, kind, CHANGES, {
    'sink.properties.format': 'json',
    'sink.properties.strip_outer_array': 'true',
    'sink.semantic': semantic,
    'sink.buffer-flush.interval-ms': '1000',
    'sink.label-prefix': `flink-${table}`,
    'story.pause-ms': '25',
    'story.restarts': '60',
    ...options,
  });
}

async function end(jobs: readonly Promise<CommandResult>[]): Promise<void> {
  for (const { code, stderr } of await Promise.all(jobs)) assert.equal(code, 0, stderr);
}

describe('at least once, kill -9 in the middle of loads', () => {
  for (const strike of LOAD_STRIKES)
    test(`of ${strike.what}: no row is lost, each is once in a PRIMARY KEY table`, async (t) => {
      const struck = await StruckServer.open(t, strike);
      await struck.makeTable('plain', COLUMNS, 'DUPLICATE');
      await struck.makeTable('keyed', COLUMNS, 'PRIMARY');
      // With transactions and automatic commits the connector (1.2.10) forgets a transaction whose commit failed.
      const options = { 'sink.at-least-once.use-transaction-stream-load': 'false' };
      const jobs = ['plain', 'keyed'].map((table) =>
        write(struck, table, 'at-least-once', options),
      );
      await struck.strike(['plain', 'keyed']);
      await end(jobs);
      const [all, ...right] = await struck.counts('plain');
      assert.deepEqual(right, [ROWS, all]);
      assert.deepEqual(await struck.counts('keyed'), [ROWS, ROWS, ROWS]);
    });
});

/** Of the two phases of a checkpoint. */
describe('exactly once, kill -9 in the middle of transactions', () => {
  for (const strike of TRANSACTION_STRIKES)
    test(`of ${strike.what}: each row is there once`, async (t) => {
      const struck = await StruckServer.open(t, strike);
      await struck.makeTable('plain', COLUMNS, 'DUPLICATE');
      const job = write(struck, 'plain', 'exactly-once');
      await struck.strike(['plain']);
      await end([job]);
      assert.deepEqual(await struck.counts('plain'), [ROWS, ROWS, ROWS]);
    });
});
