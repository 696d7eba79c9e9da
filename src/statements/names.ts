// Which names databases, tables, columns, jobs and volumes may have. Names become parts of object keys
// and labels, so blanks, slashes and control characters are refused. SOURCE: StarRocks, identifiers.
import { analysisError } from '../loads/properties.ts';
import { isObjectName } from '../model/object-name.ts';

const LONGEST_DATABASE = 256;
const SHOWN_CHARACTERS = 100;

/** Throws SQL_ANALYZE `Incorrect <what> name '<name>'`. */
export function checkName(
  what: 'database' | 'table' | 'column' | 'partition' | 'job' | 'storage volume' | 'task',
  name: string,
): void {
  const isLong = what === 'database' && name.length > LONGEST_DATABASE;
  if (isObjectName(name) && !isLong) return;
  const shown = name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}...` : name;
  throw analysisError(`Incorrect ${what} name '${shown}'`);
}
