// Small clauses that many statements share: PROPERTIES, COMMENT, IF EXISTS, LIKE and WHERE of SHOW.
import { type AppError, fail } from '../../base/errors.ts';
import type { DatabaseName } from '../ast/ddl.ts';
import type { Property } from '../ast/node.ts';
import type { JobName } from '../ast/routine-load.ts';
import type { ShowFilter } from '../ast/show.ts';
import type { Cursor } from './cursor.ts';

/** `( "k" = "v", ... )`. */
export function parsePropertyList(cursor: Cursor): readonly Property[] {
  return cursor.parenthesised(() => {
    const { pos } = cursor.token;
    const key = cursor.string();
    cursor.expect('=');
    return { pos, key, value: cursor.string() };
  });
}

/** `[PROPERTIES (...)]`. */
export function parseProperties(cursor: Cursor): readonly Property[] {
  return cursor.take('PROPERTIES') ? parsePropertyList(cursor) : [];
}

/** `[COMMENT 'text']`. */
export function parseComment(cursor: Cursor): string | null {
  return cursor.take('COMMENT') ? cursor.string() : null;
}

/** `[IF NOT EXISTS]`. */
export function parseIfNotExists(cursor: Cursor): boolean {
  if (!cursor.take('IF')) return false;
  cursor.expectAll('NOT', 'EXISTS');
  return true;
}

/** `[IF EXISTS]`. */
export function parseIfExists(cursor: Cursor): boolean {
  if (!cursor.take('IF')) return false;
  cursor.expect('EXISTS');
  return true;
}

/** `[catalog.]database`. */
export function parseDatabaseName(cursor: Cursor): DatabaseName {
  const { pos, name } = cursor.identifier();
  if (!cursor.take('.')) {
    cursor.settle();
    return { pos, catalog: null, name };
  }
  return { pos, catalog: name, name: cursor.nameAfterPoint() };
}

/** `[db.]job`. */
export function parseJobName(cursor: Cursor): JobName {
  const { pos, catalog, name } = parseDatabaseName(cursor);
  return { pos, database: catalog, name };
}

/** `[FROM|IN [catalog.]db]`. */
export function parseFromDatabase(cursor: Cursor): DatabaseName | null {
  return cursor.take('FROM') || cursor.take('IN') ? parseDatabaseName(cursor) : null;
}

/** `[LIKE 'pattern' | WHERE expr]`. */
export function parseShowFilter(cursor: Cursor): ShowFilter {
  const like = cursor.take('LIKE') ? cursor.string() : null;
  const where = like === null && cursor.take('WHERE') ? cursor.grammar.expression(cursor) : null;
  return { like, where };
}

/** A form that StarRocks or MySQL has and Millrace does not: says so instead of a misleading syntax error. */
export function notSupported(what: string, hint = ''): AppError {
  return fail('NOT_SUPPORTED', { what, hint });
}
