// One column of CREATE TABLE (and of ADD COLUMN): from what was written to what the catalog keeps. Messages as
// StarRocks words them where it has them. SOURCE: StarRocks docs, CREATE TABLE, AUTO_INCREMENT, Generated columns.
import type { NewColumn } from '../catalog/catalog.ts';
import { analysisError } from '../loads/properties.ts';
import { printSqlType } from '../model/sql-type.ts';
import type { KeysType } from '../model/table.ts';
import type { ColumnDefinition } from '../sql/ast/ddl.ts';
import { printExpression } from '../sql/print.ts';
import { aggregatedType, checkAggregateType } from './aggregate-kinds.ts';
import { checkColumnType, isKeyType } from './column-types.ts';
import { columnDefault } from './default-values.ts';

export interface ColumnPlace {
  readonly keysType: KeysType;
  readonly isKey: boolean;
}

/** A column as the catalog keeps it, without its ids. Throws SQL_ANALYZE. */
export function columnOf(definition: ColumnDefinition, place: ColumnPlace): NewColumn {
  const { name, aggregate } = definition;
  const type = aggregatedType(aggregate, definition.type);
  checkColumnType(name, type);
  if (place.isKey && !isKeyType(type)) {
    const instead = type.kind === 'FLOAT' || type.kind === 'DOUBLE' ? ', use decimal instead' : '';
    throw analysisError(
      `Invalid data type of key column '${name}': '${printSqlType(type)}'${instead}`,
    );
  }
  checkAggregate(definition, place);
  const nullable = nullability(definition, place);
  if (!nullable && definition.defaultValue?.kind === 'null') {
    throw analysisError(`Can not set null default value to non nullable column: ${name}`);
  }
  return {
    name,
    type,
    nullable,
    isKey: place.isKey,
    ...columnDefault({ ...definition, type }),
    ...(aggregate === null ? {} : { aggregate }),
    ...(definition.autoIncrement ? { autoIncrement: true } : {}),
    ...generated(definition),
    comment: definition.comment ?? '',
  };
}

function checkAggregate(definition: ColumnDefinition, place: ColumnPlace): void {
  const { name, aggregate, type } = definition;
  if (place.isKey) {
    if (aggregate === null) return;
    throw analysisError(`Key column[${name}] should not specify aggregate type.`);
  }
  if (place.keysType === 'AGG_KEYS') {
    if (definition.generated !== null) {
      throw analysisError('Generated Column does not support AGG table');
    }
    if (aggregate === null) {
      throw analysisError(
        `AGG_KEYS table should specify aggregate type for non-key column[${name}]`,
      );
    }
    checkAggregateType(name, aggregate, type);
  } else if (aggregate !== null) {
    throw analysisError(
      `${place.keysType} table should not specify aggregate type for non-key column[${name}]`,
    );
  }
}

/** What is not said: keys of PRIMARY KEY tables and AUTO_INCREMENT are never NULL, everything else may be. */
function nullability(definition: ColumnDefinition, place: ColumnPlace): boolean {
  const { name, nullable } = definition;
  if (place.isKey && place.keysType === 'PRIMARY_KEYS') {
    if (nullable === true) throw analysisError(`primary key column[${name}] cannot be nullable`);
    return false;
  }
  if (definition.autoIncrement) {
    if (definition.type.kind !== 'BIGINT') {
      throw analysisError('The AUTO_INCREMENT column must be BIGINT');
    }
    if (nullable === true) throw analysisError(`AUTO_INCREMENT column ${name} must be NOT NULL`);
    if (definition.defaultValue !== null) {
      throw analysisError(`AUTO_INCREMENT column ${name} can not have a default value`);
    }
    return false;
  }
  // Rows that do not give it bring NULL, which keeps the old value.
  if (definition.aggregate === 'REPLACE_IF_NOT_NULL') return true;
  return nullable ?? true;
}

function generated(definition: ColumnDefinition): Pick<NewColumn, 'generated'> {
  const { name, generated: expression } = definition;
  if (expression === null) return {};
  if (definition.nullable === false) {
    throw analysisError(`Generated Column ${name} must be nullable`);
  }
  if (definition.defaultValue !== null || definition.autoIncrement) {
    throw analysisError(`Generated Column ${name} can not have a default value or AUTO_INCREMENT`);
  }
  return { generated: printExpression(expression) };
}
