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
  return Array.from({ length: TEMPLATES }, (_, batch) => recordBatch(compression, values, batch));
}

function recordBatch(
  compression: CompressionName,
  values: (batch: number) => Buffer[],
  batch: number,
): Buffer {
  return encodeRecordBatch(
    values(batch).map((value) => ({ value })),
    { compression, timestampMs: systemClock.nowMs() },
  );
}

/** Values of one batch that hardly repeat: 48-bit numbers and texts of their own in each message. */
export function randomValues(batch: number): Buffer[] {
  const random = seededRandom((batch % TEMPLATES) + 5000);
  return Array.from({ length: BATCH_ROWS }, () => {
    const id = random.below(2 ** 24) * 2 ** 24 + random.below(2 ** 24);
    const path = random.below(2 ** 31).toString(36);
    return Buffer.from(
      `{ "uid": ${id}, "site": "https://docs.starrocks.io/${path}", "vtime": ${1718034793 + random.below(2 ** 30)} } `,
    );
  });
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
  /** Every batch is made by itself, instead of the same 32 again and again. */
  readonly distinct?: boolean;
}): Promise<void> {
  const { compression, values = clickValues } = options;
  const made = options.distinct === true ? [] : clickBatches(compression, values);
  const client = await RawClient.connect(options.port);
  try {
    for (let batch = 0; batch < options.rows / BATCH_ROWS; batch += 1) {
      const records = made[batch % TEMPLATES] ?? recordBatch(compression, values, batch);
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
