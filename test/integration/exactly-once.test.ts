// The most telling fault cases, short: a kill in the middle of the commit's SQL, a lost answer, a killed loader
// with a kill of the FE on top. And the checker itself must see each kind of harm.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FaultRig } from '../support/fault-rig.ts';
import type { Manifest } from '../support/manifest.ts';

test('the FE dies in the commit, its next life loses an answer, then the loader and the FE die', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3, { badEvery: 97 });
  await rig.start({ failpoints: 'fe:commit.before-end=kill@2' });
  await rig.load(writer, 'events');
  let writing = writer.trickle(8, 1000, 60);
  await rig.untilDead();
  await rig.start({ failpoints: 'fe:rpc.answer:commit=lose@1' });
  await writing;
  await rig.assertExact();

  writing = writer.trickle(8, 1000, 60);
  rig.killChildIfThere('loader');
  await rig.kill();
  await rig.start();
  await writing;
  await rig.assertExact();

  const expected = writer.manifest.build();
  const run = (manifest: Manifest) => runChecker(rig, manifest);
  const good = await run(expected);
  assert.equal(good.code, 0, good.text);
  assert.match(good.text, /^EXACTLY ONCE/);
  const lost = await run({ ...expected, rows: expected.rows + 1 });
  assert.equal(lost.code, 1);
  assert.match(lost.text, /DIFFERENT rows: is \d+, must be \d+ \(1 missing\)/);
  const doubled = await run({ ...expected, rows: expected.rows - 2 });
  assert.match(doubled.text, /\(2 too many\)/);
  const changed = await run({ ...expected, checksum: `${BigInt(expected.checksum) + 1n}` });
  assert.match(changed.text, /DIFFERENT checksum of all columns/);
  const rejected = await run({ ...expected, filtered: expected.filtered + 1 });
  assert.match(rejected.text, /DIFFERENT rejected rows kept/);
  const short = await run({ ...expected, endOffsets: { 0: '1' } });
  assert.match(short.text, /DIFFERENT ledger: end of partition 0/);
});

function runChecker(
  rig: FaultRig,
  expected: Manifest,
): Promise<{ code: number | null; text: string }> {
  const file = join(rig.dataDir, 'expected.json');
  writeFileSync(file, JSON.stringify(expected));
  const target = ['--table', 'd.events', '--job', 'd.events', '--expected', file];
  const port = String(rig.server.ready.queryPort);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['test/support/checker.ts', '--port', port, ...target]);
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
    });
    child.stderr.on('data', (data) => {
      text += data;
    });
    child.once('close', (code) => resolve({ code, text }));
  });
}
