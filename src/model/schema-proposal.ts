// What the messages of a load ask of the columns of its table (CN -> FE): plain data, which crosses as the text of an
// error's field.
import type { SqlType } from './sql-type.ts';

export interface ProposedColumn {
  readonly name: string;
  readonly type: SqlType;
}

export interface SchemaProposal {
  /** Fields that the table has no column for. */
  readonly add: readonly ProposedColumn[];
  /** Columns that hold all their values and the new ones under the type. */
  readonly widen: readonly ProposedColumn[];
  /** Columns that the messages do not fit, and no safe change would make them. */
  readonly conflicts: readonly SchemaConflict[];
}

export interface SchemaConflict {
  readonly column: string;
  /** What the messages have; null = the schema has no such field any more, and the column is NOT NULL. */
  readonly type: SqlType | null;
}

/** What a load that may change its table has to know of it. */
export interface EvolutionSpec {
  /** Columns that are loaded from a field, whose name may differ in upper and lower case. */
  readonly columns: readonly EvolvingColumn[];
  /** All other names that are no news: further fields, columns that are not loaded from a field. */
  readonly known: readonly string[];
}

export interface EvolvingColumn extends ProposedColumn {
  readonly field: string;
  /** A row without the field is rejected. */
  readonly isRequired: boolean;
}

export function encodeProposal(proposal: SchemaProposal): string {
  return JSON.stringify(proposal);
}

/** Of a text that `encodeProposal` made. */
export function decodeProposal(text: string): SchemaProposal {
  return JSON.parse(text) as SchemaProposal;
}
