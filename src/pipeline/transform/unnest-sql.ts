// UNNEST of a load: lines -> a row for each element of their arrays, several arrays side by side. Must never let a
// line disappear unheard: `load_rows` is called for each of them, those without rows too.
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import type { LoadUnnest } from '../../model/load-plan.ts';
import { ROWS_FUNCTION } from './drop-code.ts';
import { type FieldSql, guarded, suspectSql } from './field-sql.ts';

/** Rows of one message: an engine holds the elements of some thousand messages at once. */
export const MAX_ELEMENTS = 1_000_000;

export interface Unnesting {
  /** The elements, as further fields. */
  readonly fields: readonly FieldSql[];
  /**
   * SELECT of the columns `kept`, the elements and `__ordinal`, over a SELECT of lines that has `kept`, the marks and
   * `__ordinal`, that of the line. Rows are in the order of lines and elements.
   */
  rowsSql(
    linesSql: string,
    slot: number,
    kept: readonly string[],
    marks: readonly string[],
  ): string;
  /** SELECT of a number that the rows do not go above. */
  countSql(linesSql: string): string;
}

/** Null without any. `firstField`: how many fields there are before the elements. */
export function unnesting(unnests: readonly LoadUnnest[], firstField: number): Unnesting | null {
  if (unnests.length === 0) return null;
  const lists = unnests.map((_, index) => `__list${index}`);
  const lengths = lists.map((list) => `coalesce(len(${list}), 0)`);
  const refused = unnests.flatMap(({ of }, index) => [
    `WHEN ${of === 'json' ? `__kind${index} NOT IN ('ARRAY', 'LARGE', 'NULL')` : 'false'} THEN ${-1 - 2 * index}`,
    `WHEN ${of === 'json' ? `__kind${index} = 'LARGE'` : `len(${lists[index]}) > ${MAX_ELEMENTS}`} THEN ${-2 - 2 * index}`,
  ]);
  // A level for each step: what is named twice in one level would be computed twice.
  const counted = (linesSql: string): string => {
    const values = unnests.map(
      ({ duckdbSql }, index) => `${guarded(duckdbSql)} AS __value${index}`,
    );
    const kinds = unnests.map(
      ({ of }, index) => `${kindSql(of, `__value${index}`)} AS __kind${index}`,
    );
    const arrays = unnests.map(({ of }, index) => `${listSql(of, index)} AS ${lists[index]}`);
    const valued = `SELECT *, ${values.join(', ')} FROM (${linesSql})`;
    const known = `SELECT *, ${kinds.join(', ')} FROM (${valued})`;
    const listed = `SELECT *, ${arrays.join(', ')} FROM (${known})`;
    return `SELECT *, CASE ${refused.join(' ')} ELSE greatest(${lengths.join(', ')}) END AS __count FROM (${listed})`;
  };
  return {
    fields: unnests.map(({ name, of }, index) => ({
      name,
      text: quoteIdentifier(name),
      json: of === 'json' ? `__json${firstField + index}` : quoteIdentifier(name),
      isBase64: false,
      element: of,
    })),
    rowsSql: (linesSql, slot, kept, marks) => {
      const heard = `SELECT *, ${ROWS_FUNCTION}(${slot}, __ordinal, ${suspectSql(marks)}, __count) AS __first FROM (${counted(linesSql)})`;
      const elements = lists.map(
        (list, index) => `unnest(CASE WHEN __first >= 0 THEN ${list} END) AS __element${index}`,
      );
      const place = 'unnest(CASE WHEN __first >= 0 THEN range(__count) END) AS __place';
      const exploded = `SELECT ${[...kept, '__first', ...elements, place].join(', ')} FROM (${heard})`;
      const named = unnests.flatMap(({ name, of }, index) =>
        elementSql(of, `__element${index}`, quoteIdentifier(name), `__json${firstField + index}`),
      );
      return `SELECT ${[...kept, ...named, '__first + __place AS __ordinal'].join(', ')} FROM (${exploded})`;
    },
    countSql: (linesSql) =>
      `SELECT CAST(coalesce(sum(greatest(__count, 0)), 0) AS BIGINT) FROM (${counted(linesSql)})`,
  };
}

/** What the value of an UNNEST is: NULL, ARRAY, LARGE (too many elements), or something else for no array. */
function kindSql(of: LoadUnnest['of'], value: string): string {
  if (of === 'list') return `CASE WHEN ${value} IS NOT NULL THEN 'ARRAY' END`;
  const type = `coalesce(TRY(json_type(${value})), 'NONE')`;
  // An element takes two bytes, so that usual texts need not be counted.
  const isLarge = `strlen(${value}) > ${2 * MAX_ELEMENTS} AND TRY(json_array_length(${value})) > ${MAX_ELEMENTS}`;
  return `CASE WHEN ${value} IS NULL THEN NULL WHEN ${isLarge} THEN 'LARGE' ELSE ${type} END`;
}

function listSql(of: LoadUnnest['of'], index: number): string {
  const value = `__value${index}`;
  if (of === 'list') return value;
  return `CASE WHEN __kind${index} = 'ARRAY' THEN json_extract(${value}, '$[*]') END`;
}

function elementSql(
  of: LoadUnnest['of'],
  element: string,
  name: string,
  json: string,
): readonly string[] {
  if (of === 'list') return [`${element} AS ${name}`];
  return [
    `json_extract_string(${element}, '$') AS ${name}`,
    `nullif(CAST(${element} AS VARCHAR), 'null') AS ${json}`,
  ];
}
