// CREATE, ALTER, DROP STORAGE VOLUME. SHOW is in show.ts, SET ... AS DEFAULT in set.ts.
import type { Position } from '../ast/node.ts';
import type { AlterStorageVolume, CreateStorageVolume, DropStorageVolume } from '../ast/volume.ts';
import {
  parseComment,
  parseIfExists,
  parseIfNotExists,
  parseProperties,
  parsePropertyList,
} from './clause.ts';
import type { Cursor } from './cursor.ts';

/** After CREATE STORAGE. */
export function parseCreateStorageVolume(cursor: Cursor, pos: Position): CreateStorageVolume {
  cursor.expect('VOLUME');
  const ifNotExists = parseIfNotExists(cursor);
  const name = cursor.identifierOrString();
  cursor.expectAll('TYPE', '=');
  const type = cursor.identifierOrString().name.toUpperCase();
  cursor.expectAll('LOCATIONS', '=');
  const locations = cursor.parenthesised(() => cursor.string());
  const comment = parseComment(cursor);
  const properties = parseProperties(cursor);
  const kind = 'create_storage_volume';
  return { kind, pos, ifNotExists, name, type, locations, comment, properties };
}

/** After ALTER STORAGE: `VOLUME v {COMMENT [=] 'c' | SET (...)} [,] ...`, at least one. */
export function parseAlterStorageVolume(cursor: Cursor, pos: Position): AlterStorageVolume {
  cursor.expect('VOLUME');
  const name = cursor.identifierOrString();
  let comment: string | null = null;
  const properties = [];
  do {
    if (cursor.expectOneOf(['SET', 'COMMENT']) === 'SET') {
      properties.push(...parsePropertyList(cursor));
    } else {
      cursor.take('=');
      comment = cursor.string();
    }
    cursor.take(',');
  } while (cursor.at('SET') || cursor.at('COMMENT'));
  return { kind: 'alter_storage_volume', pos, name, comment, properties };
}

/** After DROP STORAGE. */
export function parseDropStorageVolume(cursor: Cursor, pos: Position): DropStorageVolume {
  cursor.expect('VOLUME');
  const ifExists = parseIfExists(cursor);
  return { kind: 'drop_storage_volume', pos, ifExists, name: cursor.identifierOrString() };
}
