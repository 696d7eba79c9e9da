// Sends rejected messages to a job's dead-letter topic, before their batch commits: at least once. A batch that dies
// between the two is read and sent again; topic, partition and offset in the headers tell. Bounded: so many bytes wait
// to be sent, and staging waits for them. Must never let a batch commit whose messages were refused.
import type { Clock } from '../base/clock.ts';
import { fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { BatchProducer } from '../kafka/client/batch-producer.ts';
import { encodeRecordBatch, type RecordToEncode } from '../kafka/protocol/record-batch-encoder.ts';
import type { BegunTransaction } from '../model/load-plan.ts';
import type { RejectedRow } from './transform/error-rows.ts';
import type { RejectedMessage, RejectedRows } from './transform/rejected-rows.ts';
import type { SourceTrouble } from './types.ts';

export interface DeadLettersOptions {
  readonly producer: Pick<BatchProducer, 'send' | 'partitionCount' | 'close'>;
  readonly topic: string;
  /** `database.job`. */
  readonly job: string;
  readonly clock: Clock;
  readonly onTrouble: (trouble: SourceTrouble | null) => void;
}

/** A batch of records is sent when it holds so much: below what brokers take by default. */
const BATCH_BYTES = 512 * 1024;
const BATCH_RECORDS = 1_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2_000;
/** Trouble that lasts longer ends the task: the scheduler shows it and starts another with its own back-off. */
const TROUBLE_LIMIT_MS = 15_000;

interface Pending {
  records: RecordToEncode[];
  bytes: number;
}

export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /**
   * Sends each message of the rows once, with what is wrong with its first row. Throws DEAD_LETTER_REFUSED (user),
   * DEAD_LETTER_UNAVAILABLE (retry), the signal's reason.
   */
  async send(
    rejected: RejectedRows,
    begun: Pick<BegunTransaction, 'transactionId' | 'label'>,
    signal: AbortSignal,
  ): Promise<void> {
    const partitions = await this.#retried(signal, () =>
      this.#options.producer.partitionCount(this.#options.topic),
    );
    const pending = new Map<number, Pending>();
    const seen = new Set<number>();
    for (const { record, row } of rejected.located()) {
      if (seen.has(record) || row.source === null) continue;
      seen.add(record);
      const letter = this.#letter(rejected.message(record), row, begun);
      const partition = row.source.partition % partitions;
      const batch = pending.get(partition) ?? { records: [], bytes: 0 };
      pending.set(partition, batch);
      batch.records.push(letter.record);
      batch.bytes += letter.bytes;
      if (batch.bytes < BATCH_BYTES && batch.records.length < BATCH_RECORDS) continue;
      pending.delete(partition);
      await this.#sendBatch(partition, batch.records, signal);
    }
    for (const [partition, { records }] of pending) {
      await this.#sendBatch(partition, records, signal);
    }
    failpoint('dead-letters.sent');
  }

  close(): void {
    this.#options.producer.close();
  }

  #letter(
    { key, value, headers, timestampMs }: RejectedMessage,
    row: RejectedRow,
    { transactionId, label }: Pick<BegunTransaction, 'transactionId' | 'label'>,
  ): { readonly record: RecordToEncode; readonly bytes: number } {
    const errors = [
      ['topic', row.source?.topic],
      ['partition', row.source?.partition],
      ['offset', row.source?.offset],
      ['connector.name', this.#options.job],
      ['exception.class.name', row.code],
      ['exception.message', row.message],
    ].map(([name, text]) => header(`__connect.errors.${name}`, String(text)));
    const own = [
      header('__millrace.errors.transaction', String(transactionId)),
      header('__millrace.errors.label', label),
      ...(row.column === null ? [] : [header('__millrace.errors.column', row.column)]),
    ];
    const all = [...headers, ...errors, ...own];
    const headerBytes = all.reduce(
      (sum, one) => sum + one.key.length + (one.value?.length ?? 0),
      0,
    );
    return {
      record: { key, value, headers: all, ...(timestampMs < 0 ? {} : { timestampMs }) },
      bytes: (key?.length ?? 0) + (value?.length ?? 0) + headerBytes,
    };
  }

  async #sendBatch(
    partition: number,
    records: readonly RecordToEncode[],
    signal: AbortSignal,
  ): Promise<void> {
    const { producer, topic, clock } = this.#options;
    const encoded = (sent: readonly RecordToEncode[]): Buffer =>
      encodeRecordBatch(sent, { compression: 'lz4', timestampMs: clock.nowMs() });
    try {
      await this.#retried(signal, () => producer.send(topic, partition, encoded(records)));
    } catch (thrown) {
      if (toAppError(thrown).code !== 'KAFKA_MESSAGE_TOO_LARGE') throw thrown;
      if (records.length > 1) {
        for (const record of records) await this.#sendBatch(partition, [record], signal);
        return;
      }
      // What is wrong with it still arrives; the message itself is in the table of rejected rows.
      const emptied = records.map((record) => withoutValue(record));
      await this.#retried(signal, () => producer.send(topic, partition, encoded(emptied)));
    }
  }

  async #retried<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { clock, topic, onTrouble } = this.#options;
    const startedMs = clock.monotonicMs();
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        const result = await work();
        if (attempt > 1) onTrouble(null);
        return result;
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.code === 'KAFKA_MESSAGE_TOO_LARGE') throw error;
        if (error.kind !== 'retry') {
          throw fail('DEAD_LETTER_REFUSED', { topic, detail: error.message }, error);
        }
        const message = `the dead-letter topic ${topic}: ${error.fullMessage}`;
        if (clock.monotonicMs() - startedMs > TROUBLE_LIMIT_MS) {
          throw fail('DEAD_LETTER_UNAVAILABLE', { topic, detail: error.message }, error);
        }
        onTrouble({ message, attempts: attempt });
        await clock.sleep(Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS), signal);
      }
    }
  }
}

function withoutValue(record: RecordToEncode): RecordToEncode {
  const omitted = header('__millrace.errors.value.omitted', String(record.value?.length ?? 0));
  return { ...record, value: null, headers: [...(record.headers ?? []), omitted] };
}

function header(key: string, text: string): { readonly key: string; readonly value: Buffer } {
  return { key, value: Buffer.from(text) };
}
