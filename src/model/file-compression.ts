// Compression of a table's Parquet files, as the table property `compression` says it.
// SOURCE: StarRocks docs, Data compression (names and levels).
import type { LoadTarget } from './load-plan.ts';
import type { TableInfo } from './table.ts';

const CODECS: Readonly<Record<string, string>> = {
  zstd: 'zstd',
  zlib: 'gzip',
  snappy: 'snappy',
  lz4: 'lz4_raw',
};
/** The cheapest to write: small files are written again by compaction. */
const DEFAULT_ZSTD_LEVEL = 1;
const MAX_ZSTD_LEVEL = 22;

/** The default, as SHOW CREATE TABLE prints it. */
export const DEFAULT_COMPRESSION = 'ZSTD';

export interface FileCompression {
  /** DuckDB's name of the codec. */
  readonly codec: string;
  /** Of zstd only. */
  readonly level: number | null;
}

/** Reads `zstd`, `ZSTD(3)`, `LZ4`, ...; null for what is none. */
export function readCompression(text: string): FileCompression | null {
  const match = /^\s*([a-z0-9]+)\s*(?:\(\s*(\d{1,2})\s*\))?\s*$/i.exec(text);
  const codec = CODECS[match?.[1]?.toLowerCase() ?? ''];
  if (match === null || codec === undefined) return null;
  const given = match[2] === undefined ? null : Number(match[2]);
  if (codec !== 'zstd') return given === null ? { codec, level: null } : null;
  const level = given ?? DEFAULT_ZSTD_LEVEL;
  return level >= 1 && level <= MAX_ZSTD_LEVEL ? { codec, level } : null;
}

/** The table's property as targets of loads carry it. */
export function compressionOf({
  properties,
}: Pick<TableInfo, 'properties'>): Pick<LoadTarget, 'compression'> {
  const { compression } = properties;
  return compression === undefined ? {} : { compression };
}
