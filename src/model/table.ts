// Tables, columns, volumes and data files as plain data: what the catalog stores, the analyser
// resolves against, and the FE sends to a CN.
import type {
  DatabaseId,
  DeleteFileId,
  FieldId,
  FileId,
  TableId,
  TransactionId,
  VolumeId,
} from '../base/ids.ts';
import type { Partitioning, StagedPartition } from './partition.ts';
import type { SqlType } from './sql-type.ts';

export interface ColumnSchema {
  readonly fieldId: FieldId;
  /** Ids of list elements, map keys and values, struct fields, outermost first; absent where there are none. */
  readonly nestedIds?: readonly FieldId[];
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
  readonly isKey: boolean;
  /** DEFAULT as text: a value, or a function as column-default.ts reads it; null when there is none. */
  readonly defaultValue: string | null;
  /** The default is a text that only looks like a function. */
  readonly defaultIsText?: true;
  /** How values of one key become one; in value columns of AGGREGATE KEY tables only. */
  readonly aggregate?: AggregateKind;
  readonly autoIncrement?: true;
  /** Expression over other columns that computes this one, as SQL in the printer's form. */
  readonly generated?: string;
  readonly comment: string;
  /** What rows of files without the column hold, as text: it was added later. Absent = NULL. */
  readonly initialDefault?: string;
  /** Its key in the statistics of files, which outlives a rename; absent = its name. Read by `statsKey`. */
  readonly statsName?: string;
}

export type AggregateKind =
  | 'SUM'
  | 'MAX'
  | 'MIN'
  | 'REPLACE'
  | 'REPLACE_IF_NOT_NULL'
  | 'BITMAP_UNION'
  | 'HLL_UNION'
  | 'PERCENTILE_UNION';

export type KeysType = 'DUP_KEYS' | 'PRIMARY_KEYS' | 'UNIQUE_KEYS' | 'AGG_KEYS';

export interface TableSchema {
  readonly keysType: KeysType;
  readonly columns: readonly ColumnSchema[];
  /** ORDER BY of the table, by field id so that a rename keeps it; absent: rows lie in the order of the key. */
  readonly sortKey?: readonly FieldId[];
}

export interface TableInfo {
  readonly id: TableId;
  readonly databaseId: DatabaseId;
  readonly databaseName: string;
  readonly name: string;
  readonly schema: TableSchema;
  readonly volumeId: VolumeId;
  /** Key prefix of the table's files inside its volume, without a trailing slash. */
  readonly prefix: string;
  readonly comment: string;
  /** Columns of DISTRIBUTED BY HASH; empty = random. */
  readonly distributedBy: readonly string[];
  readonly buckets: number | null;
  /** PROPERTIES as the user gave them, validated. */
  readonly properties: Readonly<Record<string, string>>;
  readonly createdMs: number;
  /** The newest version whose files were written anew for other columns; absent: none was. */
  readonly rewrittenVersion?: number;
  /** PARTITION BY; absent for a table without partitions. */
  readonly partitioning?: Partitioning;
}

export type VolumeType = 'S3' | 'HDFS' | 'AZBLOB' | 'ADLS2' | 'GS' | 'LOCAL';

/** A storage volume with its secrets in clear text: only inside processes, never logged or shown. */
export interface VolumeSpec {
  readonly id: VolumeId;
  readonly name: string;
  readonly type: VolumeType;
  /** `s3://bucket/prefix` or `file:///absolute/dir`. */
  readonly location: string;
  /** Full property set, keys as in `aws.s3.endpoint`. */
  readonly params: Readonly<Record<string, string>>;
}

/** An object that a transaction staged. Immutable; its key carries the transaction's id. */
export interface StagedObject {
  readonly volumeId: VolumeId;
  /** Key inside the volume. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly rowCount: number;
}

/** A data file that a transaction staged. */
export interface StagedFile extends StagedObject {
  /** Per top-level column, by `statsKey`: min and max as text, null count. Absent where the writer had none. */
  readonly columnStats: Readonly<Record<string, ColumnStats>>;
  /** Where its rows belong, all of them; absent in a table without partitions. */
  readonly partition?: StagedPartition;
}

export interface ColumnStats {
  readonly min: string | null;
  readonly max: string | null;
  readonly nullCount: number;
}

/** A committed file as a reader sees it at one version of its table. */
export interface DataFile extends StagedFile {
  readonly id: FileId;
  readonly transactionId: TransactionId;
  /** Objects that name deleted rows of it, oldest first. A position may be in more than one. */
  readonly deletes: readonly DeleteFile[];
  /** Rows of `rowCount` that are deleted. */
  readonly deletedRows: number;
  /** Newer values of some of its columns, oldest first; absent: none. Its statistics know nothing of them. */
  readonly overlays?: readonly FileOverlay[];
}

/** Volumes that a reader of the file needs: its own first. */
export function volumesOfFile(file: DataFile): readonly VolumeId[] {
  return [file.volumeId, ...patchesOf(file).map((object) => object.volumeId)];
}

/** Rows of all overlays of the file: only grows while it is live. */
export function overlaidRows({ overlays = [] }: Pick<DataFile, 'overlays'>): number {
  return overlays.reduce((sum, { rows }) => sum + rows, 0);
}

/** All objects that change what the file holds: deletes, then overlays. */
export function patchesOf({
  deletes,
  overlays = [],
}: Pick<DataFile, 'deletes' | 'overlays'>): readonly DeleteFile[] {
  return [...deletes, ...overlays.map(({ object }) => object)];
}

/** The newest object that changes what the file holds; null = none does. Ids only rise. */
export function newestPatch(file: Pick<DataFile, 'deletes' | 'overlays'>): DeleteFileId | null {
  return patchesOf(file).reduce<DeleteFileId | null>(
    (newest, { id }) => (newest === null || id > newest ? id : newest),
    null,
  );
}

/** A committed object of Iceberg v2 position deletes; `rowCount` = its positions, of one or many data files. */
export interface DeleteFile extends StagedObject {
  readonly id: DeleteFileId;
}

/**
 * A committed object with newer values of some columns for rows of data files, each row with its place; sorted by
 * place. `rowCount` = its rows, of one or many data files.
 */
export interface OverlayFile extends DeleteFile {
  /** Its columns. */
  readonly fieldIds: readonly FieldId[];
}

/** What an overlay holds of one data file. */
export interface FileOverlay {
  readonly object: OverlayFile;
  /** What the object calls the data file. */
  readonly part: number;
  readonly rows: number;
}
