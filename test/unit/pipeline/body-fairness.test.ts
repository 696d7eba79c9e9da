// Many loads of bodies at once, fast, slow and stalled ones: all come to an end, none is left behind, and what they
// hold together stays near the limit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { fail } from '../../../src/base/errors.ts';
import { BodyRig, makeBodyPlan } from '../../support/body-load.ts';
import {
  CSV_FORMAT,
  column,
  JSON_FORMAT,
  PipelineFixture,
} from '../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const LIMIT_BYTES = 4 * 1024 * 1024;
const LOADS = 64;
const PIECES = 16;
const PIECE_ROWS = 1_000;
const ID = column('id', { kind: 'BIGINT' }, { nullable: false });
const csv = makeBodyPlan({ columns: [ID], format: CSV_FORMAT });
const json = makeBodyPlan({ columns: [ID], format: JSON_FORMAT });
const piece = Buffer.from(
  Array.from({ length: PIECE_ROWS }, (_, id) => `${String(id).padStart(63, '0')}\n`).join(''),
);

test('64 parallel loads end with fair progress and bounded memory', async () => {
  const rig = new BodyRig(fixture, LIMIT_BYTES);
  const read = new Array<number>(LOADS).fill(0);
  let widest = 0;
  async function* body(load: number): AsyncGenerator<Buffer> {
    for (let n = 0; n < PIECES; n += 1) {
      yield piece;
      read[load] = n + 1;
      widest = Math.max(widest, Math.max(...read) - Math.min(...read));
    }
  }
  const loads = read.map((_, load) => rig.load(csv, body(load)));
  for (const staged of await Promise.all(loads)) {
    assert.equal(staged.rowsLoaded, PIECES * PIECE_ROWS);
    const files = staged.tables.flatMap((table) => table.files);
    // The 64th part of the memory is a piece.
    assert.ok(files.length < PIECES, `${files.length} files of ${PIECES} pieces`);
  }
  assert.ok(rig.memory.peakBytes <= LIMIT_BYTES * 2, `peak ${rig.memory.peakBytes}`);
  // Turns go round, also for loads that begin while others hold most of the memory.
  const most = (PIECES * 5) / 8;
  assert.ok(widest <= most, `one load was ${widest} of ${PIECES} pieces ahead of another`);
  assert.equal(rig.memory.usedBytes, 0);
  await rig.close();
});

test('slow senders and stalled ones do not keep others from the memory they hold', async () => {
  const rig = new BodyRig(fixture, LIMIT_BYTES);
  const stop = new AbortController();
  const stalled = Promise.withResolvers<void>();
  /** Each holds more than its part of the memory, and sends no more. */
  async function* stalledBody(): AsyncGenerator<Buffer> {
    for (let n = 0; n < 4; n += 1) yield piece;
    await stalled.promise;
  }
  async function* unfinishedBody(): AsyncGenerator<Buffer> {
    yield Buffer.from('{"id":1,"text":"');
    for (let n = 0; n < 8; n += 1) yield Buffer.alloc(64_000, 'x');
    await stalled.promise;
  }
  async function* slowBody(): AsyncGenerator<Buffer> {
    for (let n = 0; n < 6; n += 1) {
      await systemClock.sleep(30);
      yield piece;
    }
  }
  async function* fastBody(): AsyncGenerator<Buffer> {
    for (let n = 0; n < PIECES; n += 1) yield piece;
  }
  const hanging = [
    ...Array.from({ length: 30 }, () => rig.load(csv, stalledBody(), stop.signal)),
    ...Array.from({ length: 3 }, () => rig.load(json, unfinishedBody(), stop.signal)),
  ];
  const ended = hanging.map((load) => assert.rejects(load, /interrupted/));
  await systemClock.sleep(100);
  const slow = Array.from({ length: 10 }, () => rig.load(csv, slowBody()));
  const fast = Array.from({ length: 6 }, () => rig.load(csv, fastBody()));
  for (const staged of await Promise.all(fast))
    assert.equal(staged.rowsLoaded, PIECES * PIECE_ROWS);
  for (const staged of await Promise.all(slow)) assert.equal(staged.rowsLoaded, 6_000);
  stop.abort(fail('CANCELLED'));
  await Promise.all(ended);
  stalled.resolve();
  assert.ok(rig.memory.peakBytes <= LIMIT_BYTES * 2.5, `peak ${rig.memory.peakBytes}`);
  assert.equal(rig.memory.usedBytes, 0);
  await rig.close();
});
