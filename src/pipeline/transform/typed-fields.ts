// Which fields of CSV rows the engine's reader may give as numbers and times, where all of a batch are spelled plainly:
// that is far cheaper than to convert their text. Only where nothing but columns of such types is made of them.
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import type { LoadPlan } from '../../model/load-plan.ts';
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { FIELD_KIND, type FieldKind } from '../source/body/line-scan.ts';
import { allOutputs } from './drop-code.ts';

/** What each field of a row is looked at for. */
export function fieldKinds(plan: LoadPlan): readonly FieldKind[] {
  const { fields } = plan.transform;
  return mayBeTyped(plan)
    ? fields.map((name, index) => kindOfField(plan, name, index))
    : fields.map(() => FIELD_KIND.text);
}

/** The type that the reader gives a field of the kind. */
export function readType(kind: FieldKind): string {
  switch (kind) {
    case FIELD_KIND.text:
      return 'VARCHAR';
    case FIELD_KIND.integer:
      return 'BIGINT';
    case FIELD_KIND.date:
      return 'DATE';
    case FIELD_KIND.datetime:
      return 'TIMESTAMP';
  }
}

/** A value of readType as one of the column's type; NULL where it does not fit. */
export function fromRead(sql: string, type: SqlType): string {
  const target = duckdbType(type);
  return target === readType(kindOf(type)) ? sql : `TRY_CAST(${sql} AS ${target})`;
}

/** Expressions see fields as text. */
function mayBeTyped(plan: LoadPlan): boolean {
  const { metadata = [], unnest = [] } = plan.transform;
  return (
    plan.format.kind === 'csv' &&
    metadata.length + unnest.length === 0 &&
    plan.routes === undefined &&
    allOutputs(plan).every(({ from }) => from.kind !== 'expression')
  );
}

function kindOfField({ transform }: LoadPlan, name: string, index: number): FieldKind {
  const { fields, outputs, whereSql, operation } = transform;
  const isSame = (other: string): boolean => other.toLowerCase() === name.toLowerCase();
  if (fields.findIndex(isSame) !== index) return FIELD_KIND.text;
  // WHERE sees the column of that name; where there is none, the field's text.
  const isSeen = whereSql?.includes(quoteIdentifier(name)) === true;
  if (isSeen && !outputs.some(({ column }) => isSame(column.name))) return FIELD_KIND.text;
  const made = operation === null ? outputs : [...outputs, operation];
  const kinds = new Set(
    made
      .filter(({ from }) => from.kind === 'field' && isSame(from.field))
      .map((output) => (output === operation ? FIELD_KIND.text : kindOf(output.column.type))),
  );
  const [kind = FIELD_KIND.text] = kinds;
  return kinds.size === 1 ? kind : FIELD_KIND.text;
}

function kindOf({ kind }: SqlType): FieldKind {
  switch (kind) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
      return FIELD_KIND.integer;
    case 'DATE':
      return FIELD_KIND.date;
    case 'DATETIME':
      return FIELD_KIND.datetime;
    default:
      return FIELD_KIND.text;
  }
}
