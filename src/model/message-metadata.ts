// What a load can use of a message beside its value: names and types of the metadata columns.
import { type SqlType, STRING_LENGTH } from './sql-type.ts';

const TEXT: SqlType = { kind: 'VARCHAR', length: STRING_LENGTH };

/**
 * `_timestamp` is in the job's time zone, NULL where the message has none. `_key` is the key as text, in base64 where
 * its bytes are no UTF-8. `_headers` is an object; a name that occurs again has an array of its values.
 */
export const METADATA_COLUMNS = {
  _topic: TEXT,
  _partition: { kind: 'INT' },
  _offset: { kind: 'BIGINT' },
  _timestamp: { kind: 'DATETIME' },
  _key: TEXT,
  _headers: { kind: 'JSON' },
} as const satisfies Readonly<Record<string, SqlType>>;

export type MetadataName = keyof typeof METADATA_COLUMNS;

export const METADATA_NAMES: readonly MetadataName[] = [
  '_topic',
  '_partition',
  '_offset',
  '_timestamp',
  '_key',
  '_headers',
];

/** The metadata column of that name, whatever its case; null = there is none. */
export function metadataNamed(name: string): MetadataName | null {
  const lower = name.toLowerCase();
  return METADATA_NAMES.find((known) => known === lower) ?? null;
}

/** Key in a packed line under which a metadata column travels: no message is likely to have it. */
export function metadataKey(name: MetadataName): string {
  return `__message${name}`;
}

/** Key of the whole message in a packed line, where paths need it apart from its metadata. */
export const DOCUMENT_KEY = '__message';
