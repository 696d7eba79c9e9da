// One topic into many tables: the property `route`, an expression that gives the name of a row's table.
import type { LoadRoutes } from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import { compileLoadExpression, type LoadExpressionOptions } from '../../query/load-expression.ts';
import { isString } from '../../query/types.ts';
import { parseExpression } from '../../sql/parse.ts';
import { analysisError } from '../properties.ts';
import type { RowDefinition } from './definition.ts';
import { refuseInner } from './unnest.ts';

/** Tables of one job: each has a statement of its own for every batch. */
const MAX_TABLES = 64;

/** Null: all rows go to the one table. `names`: what the expression may name. Throws SQL_ANALYZE. */
export function compileRoute(
  definition: RowDefinition,
  tables: readonly TableInfo[],
  names: readonly string[],
  options: LoadExpressionOptions,
): Omit<LoadRoutes, 'further'> | null {
  const text = definition.properties['route'] ?? '';
  checkTables(definition, tables, text);
  if (text === '') return null;
  const expression = parseExpression(text);
  refuseInner(expression);
  const { duckdbSql, type } = compileLoadExpression(expression, names, options);
  if (!isString(type) && type.kind !== 'NULL')
    throw analysisError(`route must give the name of a table, a text: it is a ${type.kind}`);
  return {
    duckdbSql,
    names: definition.tables ?? tables.map(({ name }) => name),
    unmatched: unmatchedOf(definition),
  };
}

/** With the names by which `route` calls the tables, from now on. */
export function withTableNames<D extends RowDefinition>(
  definition: D,
  tables: readonly Pick<TableInfo, 'name'>[],
): D {
  const isRouted = (definition.properties['route'] ?? '') !== '';
  if (!isRouted || definition.tables !== undefined) return definition;
  return { ...definition, tables: tables.map(({ name }) => name) };
}

function unmatchedOf({ properties }: RowDefinition): LoadRoutes['unmatched'] {
  return properties['route_unmatched'] === 'skip' ? 'skip' : 'reject';
}

function checkTables(
  { partitions, properties }: RowDefinition,
  tables: readonly TableInfo[],
  route: string,
): void {
  if (route === '' && properties['route_unmatched'] !== undefined)
    throw analysisError('route_unmatched needs the property route');
  if (tables.length === 1) return;
  if (route === '') {
    throw analysisError(
      "a routine load job of several tables needs the property route: an expression that gives the name of each row's table",
    );
  }
  if (tables.length > MAX_TABLES)
    throw analysisError(`a routine load job has at most ${MAX_TABLES} tables`);
  const ids = new Set(tables.map(({ id }) => id));
  if (ids.size < tables.length) throw analysisError('a table is named twice');
  if (partitions !== undefined)
    throw analysisError('PARTITION is not possible in a routine load job of several tables');
}
