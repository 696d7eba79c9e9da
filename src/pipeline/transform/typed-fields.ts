// Which fields of CSV rows the engine's reader may give as numbers and times, where all of a batch are spelled plainly:
// that is far cheaper than to convert their text. Only where nothing but columns of such types is made of them.
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import type { LoadPlan } from '../../model/load-plan.ts';
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { FIELD_KIND, type FieldKind } from '../source/body/line-scan.ts';
import { allOutputs } from './drop-code.ts';

/** What each field of a row is looked at for. */
export function fieldKinds(plan: LoadPlan): readonly FieldKind[] {
  const { fields, outputs, whereSql, operation } = plan.transform;
  if (!mayBeTyped(plan)) return fields.map(() => FIELD_KIND.text);
  const columns = new Set(outputs.map(({ column }) => column.name.toLowerCase()));
  const wanted = new Map<string, Set<FieldKind>>();
  for (const output of operation === null ? outputs : [...outputs, operation]) {
    if (output.from.kind !== 'field') continue;
    const field = output.from.field.toLowerCase();
    const kinds = wanted.get(field) ?? new Set();
    kinds.add(output === operation ? FIELD_KIND.text : kindOf(output.column.type));
    wanted.set(field, kinds);
  }
  const seen = new Set<string>();
  return fields.map((name) => {
    const field = name.toLowerCase();
    const isSecond = seen.has(field);
    seen.add(field);
    // WHERE sees the column of that name; where there is none, the field's text.
    const isText = !columns.has(field) && whereSql?.includes(quoteIdentifier(name)) === true;
    const [kind = FIELD_KIND.text, ...others] = wanted.get(field) ?? [];
    return isSecond || isText || others.length > 0 ? FIELD_KIND.text : kind;
  });
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
