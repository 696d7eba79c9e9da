// CREATE FILE and DROP FILE. SHOW FILE is one of the lists of show-list.ts.
import type { FileStatement } from '../ast/file.ts';
import type { Position } from '../ast/node.ts';
import { parseFromDatabase, parseProperties } from './clause.ts';
import type { Cursor } from './cursor.ts';

/** After CREATE FILE or DROP FILE: `'name' [FROM|IN db] PROPERTIES (...)`. */
export function parseFile(
  cursor: Cursor,
  pos: Position,
  kind: FileStatement['kind'],
): FileStatement {
  const name = cursor.string();
  const database = parseFromDatabase(cursor);
  return { kind, pos, name, database, properties: parseProperties(cursor) };
}
