// How newer values of some columns lie beside a data file: the columns of an overlay object, and when a partial
// update is written as one. Pure.
import { asId, type FieldId } from '../base/ids.ts';
import type { PartialUpdateMode } from './load-plan.ts';
import { sortColumns } from './sort-key.ts';
import type { ColumnSchema, DataFile, TableSchema } from './table.ts';

/** What the object calls the data file that a row is of, and the row's position in it. */
export const OVERLAY_PART = '__part';
export const OVERLAY_ROW = '__row';

/**
 * So many overlays a data file may have: reading it joins each. Partial updates write whole rows then, until a
 * compaction has put the overlays into a new file.
 */
export const MAX_OVERLAYS = 8;

/** In mode auto: fewer rows are as quickly written whole, and are read faster. */
const AUTO_MIN_ROWS = 10_000;
/** In mode auto: the most columns of an overlay, as a part of those that are not the key. */
const AUTO_MAX_SHARE = 0.3;

/** Not among the columns of any table. SOURCE: Iceberg table spec, the range of reserved field ids, and its `pos`. */
const PART_FIELD = asId<FieldId>(2_147_483_447);
const ROW_FIELD = asId<FieldId>(2_147_483_545);

/** Schema of an overlay object with these columns of its table. */
export function overlaySchema(columns: readonly ColumnSchema[]): TableSchema {
  const place = (fieldId: FieldId, name: string, kind: 'INT' | 'BIGINT'): ColumnSchema => ({
    fieldId,
    name,
    type: { kind },
    nullable: false,
    isKey: false,
    defaultValue: null,
    comment: '',
  });
  return {
    keysType: 'DUP_KEYS',
    columns: [
      place(PART_FIELD, OVERLAY_PART, 'INT'),
      place(ROW_FIELD, OVERLAY_ROW, 'BIGINT'),
      ...columns,
    ],
  };
}

export interface PartialWrite {
  readonly mode: PartialUpdateMode;
  /** Columns that get values, none of the key. */
  readonly written: readonly ColumnSchema[];
  /** Rows that come. */
  readonly rowCount: number;
  /** Files whose rows they may be. */
  readonly files: readonly DataFile[];
}

/**
 * Is a partial update written as an overlay? Never where a column of the sort key changes (rows of a file lie in its
 * order), where there is nothing but keys, or where a file has MAX_OVERLAYS already. Mode auto does it for many rows
 * and few columns.
 */
export function writesColumns(
  schema: TableSchema,
  { mode, written, rowCount, files }: PartialWrite,
): boolean {
  const sorted = new Set(sortColumns(schema).map(({ name }) => name));
  if (written.length === 0 || written.some(({ name }) => sorted.has(name))) return false;
  if (files.some(({ overlays = [] }) => overlays.length >= MAX_OVERLAYS)) return false;
  switch (mode) {
    case 'row':
      return false;
    case 'column':
      return true;
    case 'auto': {
      const values = schema.columns.filter(({ isKey }) => !isKey).length;
      return rowCount >= AUTO_MIN_ROWS && written.length <= values * AUTO_MAX_SHARE;
    }
  }
}
