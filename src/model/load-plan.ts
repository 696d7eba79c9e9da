// LoadPlan (FE -> CN) and StagedBatch (CN -> FE): plain data, structured-clone safe. Every load kind
// uses these two; only the source part differs. Nothing in here is visible to a reader until commit.
import type {
  DeleteFileId,
  Epoch,
  FieldId,
  FileId,
  JobId,
  TableId,
  TableVersion,
  TransactionId,
  VolumeId,
} from '../base/ids.ts';
import type { MetadataName } from './message-metadata.ts';
import type { PartitionRouting } from './partition-routing.ts';
import type { EvolutionSpec } from './schema-proposal.ts';
import type { SqlType } from './sql-type.ts';
import type { ColumnSchema, StagedFile, StagedObject, TableSchema, VolumeSpec } from './table.ts';

/** How to reach a Kafka-compatible cluster. `properties` are librdkafka keys without `property.`. */
export interface KafkaConnectionSpec {
  /** `host:port` entries. */
  readonly brokers: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** The bytes of files that properties name as `FILE:name`, by that name. Secrets: never logged. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export interface KafkaSourceSpec extends TopicPartitions {
  readonly kind: 'kafka';
  readonly connection: KafkaConnectionSpec;
  readonly isolation: 'read_committed' | 'read_uncommitted';
  /** Further topics that the task reads; absent = none. */
  readonly others?: readonly TopicPartitions[];
}

/** How a body is compressed. */
export type BodyCompression = 'none' | 'gzip' | 'bzip2' | 'lz4_frame' | 'zstd' | 'deflate';

/** Rows that come as the body of a request. */
export interface BodySourceSpec {
  readonly kind: 'body';
  readonly compression: BodyCompression;
  /** So many rows at its beginning are none (CSV). */
  readonly skipHeader: number;
  /** Most bytes of the body, after it was expanded. */
  readonly maxBytes: number;
  /** Most bytes of one document that has to be held whole (JSON); Infinity = no limit but `maxBytes`. */
  readonly maxDocumentBytes: number;
  /** The body is given up where nothing of it came for as long. */
  readonly idleTimeoutMs: number;
}

export interface TopicPartitions {
  readonly topic: string;
  /** Of the topic that the offsets are of: another one has other messages there. Absent where it is not known. */
  readonly topicId?: string;
  /** Those of this task; `offset`: the next one to read. */
  readonly partitions: readonly { readonly partition: number; readonly offset: bigint }[];
}

/** What change events are wrapped in. */
export type EnvelopeKind = 'debezium' | 'canal' | 'maxwell';

export interface JsonFormatSpec {
  readonly kind: 'json';
  /** One path per source field; null = simple mode: fields are matched to keys by name. */
  readonly jsonpaths: readonly string[] | null;
  /** '' = none. */
  readonly jsonRoot: string;
  readonly stripOuterArray: boolean;
  /** Absent: messages are rows. */
  readonly envelope?: EnvelopeKind;
}

export interface CsvFormatSpec {
  readonly kind: 'csv';
  readonly columnSeparator: string;
  readonly rowDelimiter: string;
  readonly trimSpace: boolean;
  /** Single byte as text, '' = none. */
  readonly enclose: string;
  readonly escape: string;
}

/** Messages in the wire format of Confluent's schema registry. */
export interface AvroFormatSpec {
  readonly kind: 'avro';
  /** With its credentials. */
  readonly registryUrl: string;
  /** As for JSON, over the record as JSON. */
  readonly jsonpaths: readonly string[] | null;
  /** Absent: messages are rows. */
  readonly envelope?: EnvelopeKind;
}

/** Confluent's wire format with the path of the message type in its file, or, with a file, messages alone. */
export interface ProtobufFormatSpec {
  readonly kind: 'protobuf';
  /** With its credentials; '' where there is a file. */
  readonly registryUrl: string;
  /** A .proto file or a compiled descriptor, and the full name of the messages' type in it. */
  readonly file?: { readonly name: string; readonly bytes: Uint8Array; readonly message: string };
  readonly jsonpaths: readonly string[] | null;
}

/** Source field of format raw. */
export const RAW_FIELD = '_value';

/** The whole payload is the one source field. */
export interface RawFormatSpec {
  readonly kind: 'raw';
}

/** What a body of rows may be as a whole: files with a schema of their own. */
export const FILE_CONTAINERS = ['avro', 'parquet', 'arrow', 'orc'] as const;
export type FileContainer = (typeof FILE_CONTAINERS)[number];

/** The body is one file, whose rows become JSON objects of its columns. */
export interface FileFormatSpec {
  readonly kind: 'file';
  readonly container: FileContainer;
  /** As for JSON, over a row as JSON; null = columns by their names. */
  readonly jsonpaths: readonly string[] | null;
}

export type FormatSpec =
  | JsonFormatSpec
  | CsvFormatSpec
  | AvroFormatSpec
  | ProtobufFormatSpec
  | RawFormatSpec
  | FileFormatSpec;

/** What the messages are wrapped in; null = they are rows. */
export function envelopeOf(format: FormatSpec): EnvelopeKind | null {
  return format.kind === 'json' || format.kind === 'avro' ? (format.envelope ?? null) : null;
}

/** The paths of the source fields; null = they are keys by name, or there are no keys. */
export function jsonpathsOf(format: FormatSpec): readonly string[] | null {
  return format.kind === 'csv' || format.kind === 'raw' ? null : format.jsonpaths;
}

/** One target column and where its value comes from. */
export interface LoadOutput {
  readonly column: ColumnSchema;
  readonly from: /** A source field by name, converted from text to the column's type. */
    | { readonly kind: 'field'; readonly field: string }
    /** DuckDB SQL over the source fields (each a VARCHAR named by its quoted identifier), made by the FE's analyser. */
    | { readonly kind: 'expression'; readonly duckdbSql: string; readonly type: SqlType }
    /** Not loaded: the column's default or NULL. */
    | { readonly kind: 'default' }
    /** DuckDB SQL of the column's own type over the other columns of the table, by their quoted names. */
    | { readonly kind: 'generated'; readonly duckdbSql: string };
}

/** An array of which each element makes a row. It is a further field, for outputs, expressions and WHERE. */
export interface LoadUnnest {
  readonly name: string;
  /** DuckDB SQL over the source fields and metadata: a list, or the text of a JSON array. */
  readonly duckdbSql: string;
  /** An element of 'json' is a VARCHAR, as the fields are; one of a list has the list's type. */
  readonly of: 'list' | 'json';
  /** The source field that it is, where it is no other expression. */
  readonly field: string | null;
}

export interface LoadTransform {
  /** Source field names in order (CSV position / jsonpaths order / JSON keys in simple mode). */
  readonly fields: readonly string[];
  readonly outputs: readonly LoadOutput[];
  /** What expressions and WHERE use of the messages beside their fields; absent = nothing. */
  readonly metadata?: readonly MetadataName[];
  /** Arrays of a message side by side, whose elements make a row each; absent = a row is a row. */
  readonly unnest?: readonly LoadUnnest[];
  /**
   * What becomes of a row (`__op`), as text: `0` or `upsert` or NULL = it is written, `1` or `delete` = the row
   * of its key goes. Null: every row is written. Only where the target has keys.
   */
  readonly operation: LoadOutput | null;
  /** Null: each row takes the whole place of the old one of its key. With `partial`, `outputs` are the columns given. */
  readonly update: UpdateRule | null;
  /** DuckDB SQL predicate over fields and outputs, null = load all. Rows where it is not TRUE are unselected. */
  readonly whereSql: string | null;
  readonly strictMode: boolean;
  readonly timeZone: string;
  /** Names of the columns that rows of a file are sorted by; empty = as they come. */
  readonly sortBy: readonly string[];
}

export interface LoadTarget {
  readonly tableId: TableId;
  readonly databaseName: string;
  readonly tableName: string;
  readonly volume: VolumeSpec;
  /** Key prefix for the table's files in the volume. */
  readonly prefix: string;
  /** `rewrittenVersion` of the table that was planned over; absent: 0. */
  readonly rewrittenVersion?: number;
  /** The table's property `compression`; absent = the default. */
  readonly compression?: string;
  /** Columns by which a new row takes the place of an old one; null = every row stays. */
  readonly keys: readonly string[] | null;
  /** Which partition a row belongs to; absent in a table without partitions. */
  readonly routing?: PartitionRouting;
}

/** The key columns of a table in which rows replace rows; null for the others. */
export function replacingKeys(schema: TableSchema): readonly string[] | null {
  switch (schema.keysType) {
    case 'PRIMARY_KEYS':
    case 'UNIQUE_KEYS':
      return schema.columns.filter((column) => column.isKey).map((column) => column.name);
    case 'DUP_KEYS':
    case 'AGG_KEYS':
      return null;
  }
}

/** A table that rows go to, and what becomes of them there. */
export interface LoadedTable {
  readonly target: LoadTarget;
  readonly transform: LoadTransform;
}

/** Of a job that loads several tables: which row goes to which. */
export interface LoadRoutes {
  /** DuckDB SQL over source fields, metadata and elements: the name of a table. */
  readonly duckdbSql: string;
  /** What it calls the tables, in their order. */
  readonly names: readonly string[];
  /** What becomes of a row of none of the tables: it is rejected, or unselected. */
  readonly unmatched: 'reject' | 'skip';
  /** The tables behind the plan's own. All read the same fields, metadata and arrays. */
  readonly further: readonly LoadedTable[];
}

/** All tables of a plan. */
export function loadedTables({ target, transform, routes }: LoadPlan): readonly LoadedTable[] {
  return [{ target, transform }, ...(routes?.further ?? [])];
}

export interface LoadLimits {
  readonly maxBatchRows: number;
  readonly maxBatchBytes: number;
  /** The most a batch may wait for more data. */
  readonly maxBatchIntervalMs: number;
  /** What the loader aims at between produce and visible (milliseconds). */
  readonly freshnessMs: number;
  /** Largest single message that is loaded; a larger one becomes a rejected row. */
  readonly maxMessageBytes: number;
  /** So many bytes of a rejected message are kept. */
  readonly keptMessageBytes: number;
  /** The most that writing a batch's files may take; absent = as long as it takes. */
  readonly taskTimeoutMs?: number;
}

export interface LoadPlan {
  /** Null: a load without a job. */
  readonly jobId: JobId | null;
  /** Of a load without a job its label. */
  readonly jobName: string;
  readonly userName: string;
  readonly target: LoadTarget;
  /** Where rejected rows go: the system table `_statistics_.rejected_records`, in the same volume. */
  readonly rejected: LoadTarget;
  readonly source: KafkaSourceSpec | BodySourceSpec;
  readonly format: FormatSpec;
  readonly transform: LoadTransform;
  /** Absent: all rows go to the one table. */
  readonly routes?: LoadRoutes;
  readonly limits: LoadLimits;
  /** What the load may ask of its table where messages have more than it; absent = nothing. */
  readonly evolution?: EvolutionSpec;
  /** A topic of the same brokers that rejected messages are sent to before their batch commits; absent = none. */
  readonly deadLetterTopic?: string;
  /** A message that cannot be parsed fails its batch, and the job pauses; absent = it is a rejected row. */
  readonly pausesOnParseError?: true;
}

/** The plan of a job's task. */
export interface KafkaLoadPlan extends LoadPlan {
  readonly jobId: JobId;
  readonly source: KafkaSourceSpec;
}

/** The plan of a load whose rows come with the request. */
export interface BodyLoadPlan extends LoadPlan {
  readonly jobId: null;
  readonly source: BodySourceSpec;
  /** Share of filtered rows of all that are not unselected, 0 to 1, over which the load fails. */
  readonly maxFilterRatio: number;
  /** A body without any row to load fails, too. */
  readonly emptyIsError?: boolean;
}

/** A running task: a plan plus the lease under which it may commit. */
export interface TaskAssignment {
  readonly taskId: string;
  readonly epoch: Epoch;
  readonly plan: KafkaLoadPlan;
}

export type SkipCause = 'control' | 'aborted' | 'empty' | 'gap';

/** What one batch did to one partition: position moved and the ledger's numbers. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** Begin position (next offset before this batch): the commit compares it. */
  readonly fromOffset: bigint;
  /** Next offset after this batch. */
  readonly toOffset: bigint;
  /** Offsets between from and to are messages received + gaps; received = consumed + skipped except gaps. */
  readonly receivedMessages: number;
  readonly consumedMessages: number;
  readonly skipped: Readonly<Record<SkipCause, number>>;
  /** Bytes of the values of consumed messages. */
  readonly receivedBytes: number;
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly rowsUnselected: number;
  /** Timestamp of the last consumed message, ms since the epoch; null when none was consumed. */
  readonly lastTimestampMs: number | null;
  /** End offset of the partition as last seen (LSO for read_committed). */
  readonly latestOffset: bigint;
}

export interface StagedTable {
  readonly tableId: TableId;
  readonly files: readonly StagedFile[];
  /** Rows of files committed before that leave the table in the same commit. */
  readonly deletes?: StagedDeletes;
  /** Newer values for rows of files committed before, which stay where they are. Only with `resolvedAt`. */
  readonly overlay?: StagedOverlay;
  /**
   * The version that keys or rows were looked up at, under the table's turn: the commit is valid only as the
   * next version after it. Absent: other commits in between do no harm (their rows are not looked at), as long
   * as the files that `deletes` touches and their deletes are what they were.
   */
  readonly resolvedAt?: TableVersion;
  /** Of a batch for a table with keys: the FE has its keys resolved under the table's turn before it commits. */
  readonly keyed?: StagedKeys;
}

/** What a batch means for the rows that a table with keys has already. */
export interface StagedKeys {
  /** Keys whose rows go: an object with the key columns only, which never becomes part of the table. */
  readonly deletes: StagedFile | null;
  /** Rows of the batch that a later one with the same key made superfluous. */
  readonly replacedRows: number;
  /** Rows that depend on the old ones of their keys: the data file is made of them when they are resolved. */
  readonly draft?: DraftRows;
  /**
   * Batches of one transaction that meet old rows in different ways: they are applied one after the other when they
   * are resolved. Then there is nothing else in the staged table.
   */
  readonly steps?: readonly StagedTable[];
}

/** Rows of a table with keys as they came: an object that never becomes part of the table. */
export interface DraftRows {
  readonly file: StagedFile;
  readonly rule: UpdateRule;
  /** Its columns; all others of the table keep what the old row has, or get their default. */
  readonly given: readonly string[];
  /** Which columns those are, in the same order, whatever they are called later. Absent: staged by an older version. */
  readonly fieldIds?: readonly FieldId[];
}

/** How a row meets the old one of its key, where it does not simply take its place. */
export interface UpdateRule {
  /** Columns that a load does not give keep their old values. */
  readonly partial: boolean;
  /** How partial rows are written; absent = 'row'. */
  readonly mode?: PartialUpdateMode;
  /** `merge_condition`: the row counts where its value of this column is the old one's or more; null = always. */
  readonly condition: string | null;
  /** For defaults: IANA name or offset. */
  readonly timeZone: string;
  /** Of partial rows: how the generated columns, which none of them gives, are made of the merged row. */
  readonly generated?: readonly GeneratedOutput[];
}

/**
 * `row`: a whole row takes the place of the old one. `column`: only the columns given are written, as an overlay of
 * the old row. `auto`: one of the two, as `writesColumns` says.
 */
export type PartialUpdateMode = 'row' | 'column' | 'auto';

export interface GeneratedOutput {
  readonly column: string;
  /** Which column that is, whatever it is called later. Absent: staged by an older version. */
  readonly fieldId?: FieldId;
  /** DuckDB SQL of the column's own type over the other columns of the table, by their quoted names. */
  readonly duckdbSql: string;
  /** Names of the columns that it is made of. */
  readonly from: readonly string[];
}

/** Rows that leave a table: one position-delete object and what it holds of which data file. */
export interface StagedDeletes {
  readonly object: StagedObject;
  readonly touched: readonly TouchedFile[];
}

/** Newer values of some columns: one object, and what it holds of which data file. */
export interface StagedOverlay {
  readonly object: StagedObject;
  readonly fieldIds: readonly FieldId[];
  readonly touched: readonly OverlaidFile[];
}

export interface OverlaidFile {
  readonly fileId: FileId;
  /** What the object calls the data file. */
  readonly part: number;
  readonly rows: number;
}

export interface TouchedFile {
  readonly fileId: FileId;
  /** Positions of the data file in the object. */
  readonly positions: number;
  /** Those of them that were not deleted before. */
  readonly newPositions: number;
  /** The newest delete object or overlay of the data file that was known; null = none. The commit compares it. */
  readonly newestPatch: DeleteFileId | null;
  /** Older objects whose positions of this file are in the new one too: they are no longer read for it. */
  readonly replaces: readonly DeleteFileId[];
}

/** Everything a batch asks the FE to make visible, in one transaction. Repeating it changes nothing. */
export interface CommitRequest {
  readonly transactionId: TransactionId;
  readonly taskId: string;
  readonly epoch: Epoch;
  readonly jobId: JobId;
  readonly tables: readonly StagedTable[];
  readonly progress: readonly PartitionProgress[];
  /** Wall time this batch took, for Statistic.taskExecuteTimeMs. */
  readonly executeMs: number;
  /** First few reasons for filtered rows, for OtherMsg and the pause reason. */
  readonly errorSamples: readonly string[];
}

export interface CommitResult {
  readonly state: 'VISIBLE' | 'ABORTED';
  readonly versions: readonly { readonly tableId: TableId; readonly version: TableVersion }[];
  /** False when the job was paused, stopped or re-assigned by this commit: the task ends. */
  readonly continueTask: boolean;
}

export interface BegunTransaction {
  readonly transactionId: TransactionId;
  readonly label: string;
  readonly volumeId: VolumeId;
}
