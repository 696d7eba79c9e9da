// Spark with StarRocks' official connector while the server dies in the middle of its loads and comes back: the connector
// tries again by itself, and in the end each row is there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sparkWrite } from '../peers/stream-load.ts';
import { LOAD_STRIKES, StruckServer } from '../support/struck-server.ts';

const ROWS = 2000;
const LINES = Array.from({ length: ROWS }, (_, id) => JSON.stringify({ id, name: `n${id}` }));

describe('kill -9 in the middle of loads', () => {
  for (const strike of LOAD_STRIKES)
    test(`of ${strike.what}: no row is lost, each is once in a PRIMARY KEY table`, async (t) => {
      const struck = await StruckServer.open(t, strike);
      await struck.makeTable('plain', 'id INT NOT NULL, name VARCHAR(50)', 'DUPLICATE');
      await struck.makeTable('keyed', 'id INT NOT NULL, name VARCHAR(50)', 'PRIMARY');
      const writes = ['plain', 'keyed'].map((table) =>
        sparkWrite(struck.target, table, 'id INT, name STRING', LINES, {
          'starrocks.write.flush.interval.ms': '1000',
          'starrocks.write.max.retries': '60',
          'starrocks.write.retry.interval.ms': '500',
          // A load that is tried again has the same label.
          'starrocks.write.enable.transaction-stream-load': 'false',
          'story.pause-ms': '25',
        }),
      );
      await struck.strike(['plain', 'keyed']);
      for (const { code, stderr } of await Promise.all(writes)) assert.equal(code, 0, stderr);
      const [all, ...right] = await struck.counts('plain');
      assert.deepEqual(right, [ROWS, all]);
      assert.deepEqual(await struck.counts('keyed'), [ROWS, ROWS, ROWS]);
    });
});
