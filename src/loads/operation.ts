// `__op`, the pseudo column that says of each row of a load whether it is written or deletes the row of its key.
// SOURCE: StarRocks docs, loading into PRIMARY KEY tables: 0 = UPSERT, 1 = DELETE.
import { asId, type FieldId } from '../base/ids.ts';
import { STRING_LENGTH } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import { OPERATION } from '../pipeline/transform/drop-code.ts';

/** As if it were a column of the table; never stored. */
export const OPERATION_COLUMN: ColumnSchema = {
  fieldId: asId<FieldId>(0),
  name: OPERATION,
  type: { kind: 'VARCHAR', length: STRING_LENGTH },
  nullable: true,
  isKey: false,
  defaultValue: null,
  comment: '',
};

export function isOperation(name: string): boolean {
  return name.toLowerCase() === OPERATION;
}
