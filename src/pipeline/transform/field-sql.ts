// Parts that the levels of a load's statement share: its fields, lines without values, the user's expressions.
import type { LoadUnnest } from '../../model/load-plan.ts';

export interface FieldSql {
  readonly name: string;
  /** The field as text, over the columns of the read. */
  readonly text: string;
  /** The field as JSON text (a string keeps its quotes). */
  readonly json: string;
  /** The text is base64 of the value's bytes. */
  readonly isBase64: boolean;
  /** Of an UNNEST: 'json' = an element of a JSON array, whatever the format of the messages; null = of the line. */
  readonly element: LoadUnnest['of'] | null;
}

/** True where no column of a line has a value: it may not have been parsed. */
export function suspectSql(marks: readonly string[]): string {
  return marks.length === 0 ? 'false' : marks.map((mark) => `${mark} IS NULL`).join(' AND ');
}

/** An error in an expression (overflow, bad argument) makes it NULL for its row. TRY refuses volatile functions. */
export function guarded(sql: string): string {
  return /\b(random|uuid|gen_random_uuid|uuidv[47]|setseed)\s*\(/i.test(sql)
    ? `(${sql})`
    : `TRY(${sql})`;
}
