// One topic, table and Routine Load job of one name in database `bad`, for tests of what a job does
// with its input: send messages, read back rows, rejected rows, state and ledger.
import assert from 'node:assert/strict';
import type { KafkaAdmin } from '../../src/kafka/client/admin.ts';
import { type LedgerTotals, readLedger } from './ledger.ts';
import { showJob, untilState } from './load-job.ts';
import type { TestServer } from './start-server.ts';

const DATABASE = 'bad';

export interface LoadCaseOptions {
  /** Topic, table and job. */
  readonly name: string;
  /** Columns of CREATE TABLE. */
  readonly columns: string;
  /** Behind the columns. */
  readonly keys?: string;
  /** Clauses between ON table and PROPERTIES. */
  readonly load?: string;
  /** Job properties; `format` is json unless it is given. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further properties of FROM KAFKA. */
  readonly source?: Readonly<Record<string, string>>;
  readonly partitions?: number;
}

export interface RejectedRecord {
  readonly raw: string | null;
  readonly code: string;
  readonly message: string;
  readonly column: string | null;
  readonly source: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly timestamp: number;
    readonly key: string | null;
  };
}

export class LoadCase {
  readonly name: string;
  readonly #server: TestServer;
  readonly #admin: KafkaAdmin;
  readonly #options: LoadCaseOptions;

  constructor(server: TestServer, admin: KafkaAdmin, options: LoadCaseOptions) {
    this.name = options.name;
    this.#server = server;
    this.#admin = admin;
    this.#options = options;
  }

  /** Topic and table; the job is made by `start`. */
  static async prepare(
    server: TestServer,
    admin: KafkaAdmin,
    options: LoadCaseOptions,
  ): Promise<LoadCase> {
    await server.sql(`CREATE DATABASE IF NOT EXISTS ${DATABASE}`);
    await admin.createTopic(options.name, options.partitions ?? 1);
    await server.sql(
      `CREATE TABLE ${DATABASE}.${options.name} (${options.columns}) ${options.keys ?? ''}`,
    );
    return new LoadCase(server, admin, options);
  }

  /** CREATE ROUTINE LOAD from the beginning. */
  async start(): Promise<void> {
    const { name, load = '', properties = {}, source = {} } = this.#options;
    const list = (entries: Readonly<Record<string, string>>): string =>
      Object.entries(entries)
        .map(([key, value]) => `"${key}" = '${value.replaceAll("'", "\\'")}'`)
        .join(', ');
    const kafka = {
      kafka_broker_list: this.#server.bootstrap,
      kafka_topic: name,
      'property.kafka_default_offsets': 'OFFSET_BEGINNING',
      ...source,
    };
    await this.#server.sql(
      `CREATE ROUTINE LOAD ${DATABASE}.${name} ON ${name} ${load} PROPERTIES (${list({ format: 'json', ...properties })}) FROM KAFKA (${list(kafka)})`,
    );
  }

  /** Sends to partition 0, in this order; null = no value. */
  async send(values: readonly (string | Buffer | null)[], key?: string): Promise<void> {
    await this.#admin.send(
      values.map((value) => ({
        topic: this.name,
        partition: 0,
        value: typeof value === 'string' ? Buffer.from(value) : value,
        ...(key === undefined ? {} : { key: Buffer.from(key) }),
      })),
    );
  }

  /** Waits until all that was sent to partition 0 is behind the job, whatever became of it. */
  async untilConsumed(timeoutMs = 30_000): Promise<void> {
    const end = await this.#admin.endOffset(this.name, 0);
    await this.#server.until(
      `SELECT max(TO_OFFSET) FROM information_schema.routine_load_ledger WHERE DB_NAME = '${DATABASE}' AND JOB_NAME = '${this.name}' AND PARTITION_ID = 0`,
      (value) => value !== null && BigInt(value) >= end,
      timeoutMs,
    );
  }

  /** Rows of the table as lists of texts. */
  async rows(select = '*', orderBy = '1'): Promise<readonly (readonly (string | null)[])[]> {
    const { rows } = await this.#server.sql(
      `SELECT ${select} FROM ${DATABASE}.${this.name} ORDER BY ${orderBy}`,
    );
    return rows;
  }

  /** Rejected rows in the order of their messages. */
  async rejected(): Promise<RejectedRecord[]> {
    const { rows } = await this.#server.sql(
      `SELECT raw_record, error_code, error_message, error_column, source_info FROM _statistics_.rejected_records
       WHERE target_database = '${DATABASE}' AND target_table = '${this.name}'
       ORDER BY get_json_int(source_info, '$.partition'), get_json_int(source_info, '$.offset')`,
    );
    return rows.map(([raw = null, code, message, column = null, source]) => ({
      raw,
      code: code ?? '',
      message: message ?? '',
      column,
      source: JSON.parse(source ?? '{}') as RejectedRecord['source'],
    }));
  }

  /** Rows of load_tracking_logs by the statement that SHOW ROUTINE LOAD prints. */
  async trackingLogs(): Promise<string[]> {
    const sql = (await this.show())['TrackingSQL'] ?? '';
    assert.match(sql, /^select tracking_log from information_schema\.load_tracking_logs where/);
    return (await this.#server.sql(sql)).rows.map((row) => row[0] ?? '').sort();
  }

  show(): Promise<Record<string, string>> {
    return showJob(this.#server, `${DATABASE}.${this.name}`);
  }

  untilState(state: string, timeoutMs?: number): Promise<Record<string, string>> {
    return untilState(this.#server, `${DATABASE}.${this.name}`, state, timeoutMs);
  }

  async command(words: 'PAUSE' | 'RESUME' | 'STOP'): Promise<void> {
    await this.#server.sql(`${words} ROUTINE LOAD FOR ${DATABASE}.${this.name}`);
  }

  ledger(): Promise<LedgerTotals> {
    return readLedger(this.#server, this.name);
  }
}
