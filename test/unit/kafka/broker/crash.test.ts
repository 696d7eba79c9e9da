// kill -9 while producers write: whatever was acknowledged is there once and in order afterwards, and
// clients go on by themselves.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, test } from 'node:test';
import { recordsOf } from '../../../../src/kafka/broker/batch-records.ts';
import { APIS } from '../../../../src/kafka/protocol/apis.ts';
import { nextOffsetAfter, readBatchHeader } from '../../../../src/kafka/protocol/batch-header.ts';
import { KAFKA_ERROR } from '../../../../src/kafka/protocol/errors.ts';
import { encodeRecordBatch } from '../../../../src/kafka/protocol/record-batch-encoder.ts';
import { RawClient, temporaryDirectory } from '../../../support/embedded-broker.ts';

const CHILD = path.join(import.meta.dirname, '../../../support/broker-child.ts');

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function spawnBroker(dataDir: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [CHILD, dataDir, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => resolve(Number(data.toString())));
    child.once('exit', (code) => reject(new Error(`broker ended with ${code}`)));
  });
  return { child, port };
}

/** Numbered records of one idempotent producer, until the broker dies. @returns acknowledged count */
async function produceUntilDeath(
  port: number,
  producerId: bigint,
  from: number,
  unsure: number | null,
): Promise<{ acked: number; unsure: number | null }> {
  const client = await RawClient.connect(port);
  let next = from;
  let repeat = unsure;
  for (;;) {
    const count = repeat ?? 1 + (next % 7);
    const records = Array.from({ length: count }, (_, i) => ({
      value: Buffer.from(`#${next + i} ${'x'.repeat(next % 300)}`),
    }));
    const batch = encodeRecordBatch(records, {
      timestampMs: Date.now(),
      producerId,
      producerEpoch: 0,
      baseSequence: next,
    });
    client.send(APIS.Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 't', partitionData: [{ index: 0, records: batch }] }],
    });
    const answer = await client.frame();
    if (answer === null) return { acked: next, unsure: count };
    repeat = null;
    next += count;
  }
}

async function allValues(port: number): Promise<number[]> {
  const client = await RawClient.connect(port);
  const values: number[] = [];
  let next = 0n;
  for (;;) {
    const answer = await client.call(APIS.Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        {
          topic: 't',
          partitions: [{ partition: 0, fetchOffset: next, partitionMaxBytes: 1_000_000 }],
        },
      ],
    });
    const partition = answer.responses[0]?.partitions[0];
    assert.equal(partition?.errorCode, KAFKA_ERROR.NONE);
    const records = partition.records ?? Buffer.alloc(0);
    if (records.length === 0) break;
    for (let at = 0; at < records.length; ) {
      const header = readBatchHeader(records, at);
      assert.equal(header.baseOffset, next, 'offsets without gaps');
      const bytes = records.subarray(at, at + header.totalBytes);
      for (const { raw } of recordsOf(bytes, header)) {
        values.push(Number(/#(\d+) /.exec(raw.toString('latin1'))?.[1]));
      }
      next = nextOffsetAfter(header);
      at += header.totalBytes;
    }
  }
  client.close();
  return values;
}

test('kill -9 at random times loses nothing acknowledged and doubles nothing', async () => {
  const dataDir = temporaryDirectory();
  let { child, port } = await spawnBroker(dataDir);
  const setUp = await RawClient.connect(port);
  await setUp.call(APIS.CreateTopics, 7, {
    topics: [{ name: 't', numPartitions: 1, replicationFactor: 1 }],
  });
  const identity = await setUp.call(APIS.InitProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
  });
  setUp.close();
  let acked = 0;
  let unsure: number | null = null;
  for (let round = 0; round < 4; round += 1) {
    const dying = child;
    setTimeout(() => dying.kill('SIGKILL'), 150 + round * 70);
    const before = acked;
    ({ acked, unsure } = await produceUntilDeath(port, identity.producerId, acked, unsure));
    assert.ok(acked > before, 'something was acknowledged');
    if (round === 2) {
      // A machine that dies may also leave half a batch.
      const partition = path.join(dataDir, 'topics', 't', '0');
      const last = fs
        .readdirSync(partition)
        .filter((name) => name.endsWith('.log'))
        .sort()
        .at(-1);
      fs.appendFileSync(path.join(partition, last ?? ''), Buffer.alloc(37, 1));
    }
    ({ child, port } = await spawnBroker(dataDir));
  }
  const values = await allValues(port);
  assert.ok(values.length >= acked, `${values.length} stored, ${acked} acknowledged`);
  assert.ok(values.length <= acked + (unsure ?? 0), 'at most the unanswered batch more');
  values.forEach((value, index) => {
    assert.equal(value, index);
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  fs.rmSync(dataDir, { recursive: true, force: true });
});
