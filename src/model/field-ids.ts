// Iceberg field ids of columns and of what is inside them: list elements, map keys and values, struct
// fields each have their own id, in the order in which they are met from the outside in.
import { asId, type FieldId } from '../base/ids.ts';
import { quoteIdentifier } from './duckdb-text.ts';
import type { SqlType } from './sql-type.ts';
import type { ColumnSchema } from './table.ts';

/** How many parts of the type have an id of their own. */
export function nestedParts(type: SqlType): number {
  return partsOf(type).reduce((sum, part) => sum + 1 + nestedParts(part.type), 0);
}

/** Levels of ARRAY, MAP and STRUCT around the innermost type: 0 for a scalar. */
export function nestingDepth(type: SqlType): number {
  const parts = partsOf(type);
  return parts.length === 0 ? 0 : 1 + Math.max(...parts.map((part) => nestingDepth(part.type)));
}

/** The parts directly inside, with the names that DuckDB and Iceberg give them. */
function partsOf(type: SqlType): readonly { readonly name: string; readonly type: SqlType }[] {
  switch (type.kind) {
    case 'ARRAY':
      return [{ name: 'element', type: type.element }];
    case 'MAP':
      return [
        { name: 'key', type: type.key },
        { name: 'value', type: type.value },
      ];
    case 'STRUCT':
      return type.fields;
    default:
      return [];
  }
}

/** Ids for the columns of a new table: 1, 2, ... for the columns, then for what is inside them. */
export function numberColumns(
  columns: readonly Omit<ColumnSchema, 'fieldId' | 'nestedIds'>[],
): readonly ColumnSchema[] {
  let next = columns.length + 1;
  return columns.map((column, index) => {
    const fieldId = asId<FieldId>(index + 1);
    const count = nestedParts(column.type);
    if (count === 0) return { ...column, fieldId };
    const nestedIds = Array.from({ length: count }, (_, i) => asId<FieldId>(next + i));
    next += count;
    return { ...column, fieldId, nestedIds };
  });
}

/** The first id that no column has. */
export function nextFieldId(columns: readonly ColumnSchema[]): number {
  const ids = columns.flatMap(({ fieldId, nestedIds }) => [fieldId, ...(nestedIds ?? [])]);
  return 1 + Math.max(0, ...ids.map(Number));
}

/** The column's value in COPY's FIELD_IDS: `5`, or `{__duckdb_field_id: 5, element: 6}`. */
export function fieldIdsSql(column: ColumnSchema): string {
  const ids = [...(column.nestedIds ?? [])];
  return idsOf(column.type, column.fieldId, ids);
}

/** Takes the ids of the type's parts from the front of `rest`. */
function idsOf(type: SqlType, own: FieldId, rest: FieldId[]): string {
  const parts = partsOf(type).flatMap((part) => {
    const id = rest.shift();
    return id === undefined ? [] : [`${quoteIdentifier(part.name)}: ${idsOf(part.type, id, rest)}`];
  });
  return parts.length === 0 ? String(own) : `{__duckdb_field_id: ${own}, ${parts.join(', ')}}`;
}
