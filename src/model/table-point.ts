// A moment in a table's history, as FOR VERSION AS OF and FOR TIMESTAMP AS OF name it: plain data, read by the
// analyser and by the catalog.

export interface TablePoint {
  /** VERSION: a version of the table. TIMESTAMP: what the table was at a time. */
  readonly unit: 'VERSION' | 'TIMESTAMP';
  /** The version, or milliseconds since the epoch. */
  readonly point: number;
}

/** One text for each point, '' for the table as it is: tables are looked up by it. */
export function pointKey(at: TablePoint | undefined): string {
  return at === undefined ? '' : `${at.unit} ${at.point}`;
}
