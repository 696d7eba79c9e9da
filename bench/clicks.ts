// Click messages as the quick start's gen.py makes them (about 80 bytes), in record batches, and a fast
// producer that sends ready-made batches.
import { systemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { APIS } from '../src/kafka/protocol/apis.ts';
import type { CompressionName } from '../src/kafka/protocol/batch-header.ts';
import { encodeRecordBatch } from '../src/kafka/protocol/record-batch-encoder.ts';
import { RawClient } from '../test/support/embedded-broker.ts';

export const BATCH_ROWS = 10_000;
const TEMPLATES = 32;
const PAGES = [
  'https://www.starrocks.io/',
  'https://www.starrocks.io/blog',
  'https://www.starrocks.io/product/community',
  'https://docs.starrocks.io/',
];

/** Values of one batch; batch numbers repeat after 32. */
export function clickValues(batch: number): Buffer[] {
  const random = seededRandom((batch % TEMPLATES) + 1);
  return Array.from({ length: BATCH_ROWS }, () =>
    Buffer.from(
      `{ "uid": ${random.below(10_000)}, "site": "${PAGES[random.below(4)]}", "vtime": ${1718034793 + random.below(3600)} } `,
    ),
  );
}

/** Record batches of clicks (or of other values), one per template. */
export function clickBatches(
  compression: CompressionName,
  values: (batch: number) => Buffer[] = clickValues,
): Buffer[] {
  return Array.from({ length: TEMPLATES }, (_, batch) =>
    encodeRecordBatch(
      values(batch).map((value) => ({ value })),
      { compression, timestampMs: systemClock.nowMs() },
    ),
  );
}

/** Writes `rows` clicks to the topic, round robin over its partitions. */
export async function produceClicks(options: {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly rows: number;
  readonly compression: CompressionName;
  /** BATCH_ROWS messages; clicks as JSON when left out. */
  readonly values?: (batch: number) => Buffer[];
}): Promise<void> {
  const batches = clickBatches(options.compression, options.values);
  const client = await RawClient.connect(options.port);
  try {
    for (let batch = 0; batch < options.rows / BATCH_ROWS; batch += 1) {
      const records = batches[batch % TEMPLATES] ?? Buffer.alloc(0);
      const index = batch % options.partitions;
      const answer = await client.call(APIS.Produce, 9, {
        acks: 1,
        timeoutMs: 10_000,
        topicData: [{ name: options.topic, partitionData: [{ index, records }] }],
      });
      const error = answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
      if (error !== 0) throw new Error(`produce failed with error ${error}`);
    }
  } finally {
    client.close();
  }
}
