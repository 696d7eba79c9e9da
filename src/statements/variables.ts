// System variables: reading and checking values; the variables themselves are in variable-table.ts.
import { fail } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { analysisError } from '../loads/properties.ts';
import { storedTimeZone } from '../loads/time-zone.ts';
import type { SystemValue } from '../query/catalog.ts';
import type { Services, Session } from './types.ts';
import { SQL_MODES, SYSTEM_VARIABLES, type VariableRow } from './variable-table.ts';

export { PRODUCT_VERSION, SERVER_VERSION } from './variable-table.ts';

/** A variable's text in a scope; undefined when unknown. */
export function variableText(
  name: string,
  scope: 'session' | 'global',
  session: Session,
  globals: ReadonlyMap<string, string>,
): string | undefined {
  const row = Object.hasOwn(SYSTEM_VARIABLES, name) ? SYSTEM_VARIABLES[name] : undefined;
  if (row === undefined) return undefined;
  const own = scope === 'session' ? session.variables.get(name) : undefined;
  return own ?? globals.get(name) ?? row.default;
}

/** The same, typed for `SELECT @@x`. */
export function variableValue(
  name: string,
  scope: 'session' | 'global',
  session: Session,
  globals: ReadonlyMap<string, string>,
): SystemValue | undefined {
  const value = variableText(name, scope, session, globals);
  if (value === undefined) return undefined;
  const type = SYSTEM_VARIABLES[name]?.type;
  if (type === 'int') return BigInt(value);
  if (type === 'bool') return value === 'true';
  return value;
}

/** The known variables whose names are most like this one. */
export function nearestVariables(name: string): readonly string[] {
  return nearest(name, Object.keys(SYSTEM_VARIABLES), 3);
}

/** The row of a variable. Throws UNKNOWN_VARIABLE with the nearest ones. */
function rowOf(name: string): VariableRow {
  const row = Object.hasOwn(SYSTEM_VARIABLES, name) ? SYSTEM_VARIABLES[name] : undefined;
  if (row !== undefined) return row;
  const near = nearestVariables(name).map((known) => `'${known}'`);
  throw fail('UNKNOWN_VARIABLE', { name, nearest: near.join(', ') });
}

/** May the statement set it in this scope? Throws UNKNOWN_VARIABLE, SQL_ANALYZE as StarRocks words it. */
export function checkSettable(name: string, scope: 'session' | 'global'): void {
  const row = rowOf(name);
  if (row.readOnly === true) throw analysisError(`Variable '${name}' is a read only variable`);
  if (scope === 'session' && row.scope === 'global') {
    throw analysisError(
      `Variable '${name}' is a GLOBAL variable and should be set with SET GLOBAL`,
    );
  }
}

/** What SET GLOBAL x = DEFAULT stores. Throws UNKNOWN_VARIABLE. */
export function defaultOf(name: string): string {
  return rowOf(name).default;
}

/** Checks a new value; returns its stored form. Throws UNKNOWN_VARIABLE, SQL_ANALYZE as StarRocks words it. */
export function checkVariable(
  name: string,
  value: string,
  scope: 'session' | 'global' = 'session',
): string {
  const row = rowOf(name);
  checkSettable(name, scope);
  const wrong = (): Error =>
    analysisError(`Variable '${name}' can't be set to the value of '${value}'`);
  switch (row.type) {
    case 'text':
      if (name === 'time_zone') return checkTimeZone(value, wrong);
      return value;
    case 'int':
      if (!/^-?\d{1,19}$/.test(value.trim())) throw wrong();
      return inRange(row, value.trim(), wrong);
    case 'double':
      if (value.trim() === '' || !Number.isFinite(Number(value))) throw wrong();
      return inRange(row, value.trim(), wrong);
    case 'ratio':
      if (value.trim() === '' || !(Number(value) >= 0 && Number(value) <= 1)) throw wrong();
      return value.trim();
    case 'word':
      if (!(row.words ?? []).includes(value.trim().toLowerCase())) throw wrong();
      return value.trim();
    case 'modes':
      return checkModes(value, wrong);
    case 'bool': {
      const lower = value.trim().toLowerCase();
      if (['1', 'true', 'on'].includes(lower)) return 'true';
      if (['0', 'false', 'off'].includes(lower)) return 'false';
      throw wrong();
    }
  }
}

function inRange({ min, max }: VariableRow, value: string, wrong: () => Error): string {
  if (min !== undefined && Number(value) < min) throw wrong();
  if (max !== undefined && Number(value) > max) throw wrong();
  return value;
}

/** Names of modes, or their bits as a number, as drivers give back what they read. */
function checkModes(value: string, wrong: () => Error): string {
  if (/^\d{1,19}$/.test(value)) return value;
  const modes = value.split(',').map((mode) => mode.trim());
  for (const mode of modes) if (mode !== '' && !SQL_MODES.has(mode.toUpperCase())) throw wrong();
  return modes.filter((mode) => mode !== '').join(',');
}

function checkTimeZone(value: string, wrong: () => Error): string {
  const zone = storedTimeZone(value);
  if (zone === null) throw wrong();
  return zone;
}

/** All variables of a scope as SHOW VARIABLES lists them. Booleans print as `true` and `false`. */
export function listVariables(
  scope: 'session' | 'global',
  session: Session,
  { globals }: Pick<Services, 'globals'>,
): string[][] {
  return Object.keys(SYSTEM_VARIABLES).map((name) => [
    name,
    variableText(name, scope, session, globals) ?? '',
  ]);
}
