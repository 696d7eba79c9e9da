// Branded ids: a number of one kind cannot be passed where another kind is meant. Ids of catalog
// objects start at 10001 (as StarRocks' do) and stay far below 2^53.

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type DatabaseId = Brand<number, 'DatabaseId'>;
export type TableId = Brand<number, 'TableId'>;
export type VolumeId = Brand<number, 'VolumeId'>;
export type JobId = Brand<number, 'JobId'>;
export type TransactionId = Brand<number, 'TransactionId'>;
/** One partition of a table, unique over all tables. */
export type PartitionId = Brand<number, 'PartitionId'>;
export type FileId = Brand<number, 'FileId'>;
/** A position-delete object. Given out by the same counter as FileId: a later one is larger. */
export type DeleteFileId = Brand<number, 'DeleteFileId'>;
/** A table's version: 1 when created, +1 with each commit that touches it. */
export type TableVersion = Brand<number, 'TableVersion'>;
/** A lease's epoch: grows by one with each new holder; every commit checks it. */
export type Epoch = Brand<number, 'Epoch'>;
/** Iceberg field id of a column, never reused within a table. */
export type FieldId = Brand<number, 'FieldId'>;

/** Gives a raw number its brand; for the places where ids are made or read back. */
export function asId<B extends Brand<number, string>>(value: number): B {
  return value as B;
}
