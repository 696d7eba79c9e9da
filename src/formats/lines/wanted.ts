// Which of a file's columns are wanted as what: fields of a load are matched to columns by name, exactly or else
// without regard to case, as SQL does.
import type { FieldForm } from '../avro/decode.ts';
import { MalformedFile } from '../malformed-file.ts';

/** What each key of a line is wanted as; null = every column, as JSON. */
export type WantedFields = ReadonlyMap<string, FieldForm> | null;

export interface WantedColumn {
  /** Position of the column in the file. */
  readonly index: number;
  /** Name that it has in the lines. */
  readonly key: string;
  readonly form: FieldForm;
}

/** A list of names that messages show at most. */
const SHOWN_NAMES = 20;

/**
 * The wanted columns of a file, in the file's order. A field without a column is NULL in every row; a file that has
 * none of the fields is not what the load is for: MalformedFile.
 */
export function wantedColumns(
  columns: readonly string[],
  wanted: WantedFields,
): readonly WantedColumn[] {
  if (wanted === null) return columns.map((key, index) => ({ index, key, form: 'json' as const }));
  const byIndex = new Map<number, WantedColumn>();
  const found: WantedColumn[] = [];
  for (const [key, form] of wanted) {
    const index = findColumn(columns, key);
    if (index < 0) continue;
    if (byIndex.has(index)) throw new MalformedFile(`two fields want its column ${columns[index]}`);
    const column = { index, key, form };
    byIndex.set(index, column);
    found.push(column);
  }
  if (found.length === 0)
    throw new MalformedFile(
      `it has none of the fields ${shown([...wanted.keys()])}; its columns are ${shown(columns)}`,
    );
  return found.sort((a, b) => a.index - b.index);
}

function findColumn(columns: readonly string[], key: string): number {
  const exact = columns.indexOf(key);
  if (exact >= 0) return exact;
  const lower = key.toLowerCase();
  const first = columns.findIndex((name) => name.toLowerCase() === lower);
  const last = columns.findLastIndex((name) => name.toLowerCase() === lower);
  if (first !== last)
    throw new MalformedFile(`${columns[first]} and ${columns[last]} may both be the field ${key}`);
  return first;
}

function shown(names: readonly string[]): string {
  const some = names.slice(0, SHOWN_NAMES).join(', ');
  return names.length > SHOWN_NAMES ? `${some}, ...` : some;
}
