// What becomes of the rows of a load, whatever brings them: which fields they have, which columns are made of them,
// which of them are loaded. Checked; the way from it to a plan is in compile.ts.
import type { PropertyMap } from '../properties.ts';

/** One entry of COLUMNS: a source field, or a derived column with its expression as text. */
export interface ColumnMapping {
  readonly name: string;
  readonly expression: string | null;
}

/** JSON-safe. */
export interface RowDefinition {
  /** Checked: booleans and words in lower case. */
  readonly properties: PropertyMap;
  readonly columns: readonly ColumnMapping[] | null;
  /**
   * Of a load with `route`: what that calls its tables, in their order. They are the names that the tables had
   * when the load was made: a table that is renamed is still found.
   */
  readonly tables?: readonly string[];
  readonly where: string | null;
  /** As the user wrote it, before escapes are read; null = default. */
  readonly columnSeparator: string | null;
  readonly rowDelimiter: string | null;
  readonly timeZone: string;
  /** PARTITION (p, ...); absent: all. */
  readonly partitions?: { readonly names: readonly string[]; readonly temporary: boolean };
}

/** A property that is a boolean: false when it is absent. */
export function isSet({ properties }: Pick<RowDefinition, 'properties'>, key: string): boolean {
  return properties[key] === 'true';
}
