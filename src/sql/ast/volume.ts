// Statements about storage volumes. Readonly plain data; secrets in properties are in clear text here,
// so these nodes must never be logged.
import type { Identifier, Node, Property } from './node.ts';

export type VolumeStatement =
  | CreateStorageVolume
  | AlterStorageVolume
  | DropStorageVolume
  | ShowStorageVolumes
  | DescribeStorageVolume
  | SetDefaultStorageVolume;

export interface CreateStorageVolume extends Node {
  readonly kind: 'create_storage_volume';
  readonly ifNotExists: boolean;
  readonly name: Identifier;
  /** Upper case: `S3`, `HDFS`, `AZBLOB`...; which types exist is not checked here. */
  readonly type: string;
  readonly locations: readonly string[];
  readonly comment: string | null;
  readonly properties: readonly Property[];
}

export interface AlterStorageVolume extends Node {
  readonly kind: 'alter_storage_volume';
  readonly name: Identifier;
  readonly comment: string | null;
  readonly properties: readonly Property[];
}

export interface DropStorageVolume extends Node {
  readonly kind: 'drop_storage_volume';
  readonly ifExists: boolean;
  readonly name: Identifier;
}

export interface ShowStorageVolumes extends Node {
  readonly kind: 'show_storage_volumes';
  readonly like: string | null;
}

export interface DescribeStorageVolume extends Node {
  readonly kind: 'describe_storage_volume';
  readonly name: Identifier;
}

export interface SetDefaultStorageVolume extends Node {
  readonly kind: 'set_default_storage_volume';
  readonly name: Identifier;
}
