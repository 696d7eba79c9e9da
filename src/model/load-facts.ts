// What a load without a job tells of itself: part of its transaction's attachment, whether it became visible or not.
// SHOW LOAD, SHOW STREAM LOAD, information_schema and get_load_state read it from there. Plain JSON, no secrets.

/** As StarRocks names them in stream_loads and loads; a transaction of several loads is one of its own. */
export type LoadType = 'STREAM_LOAD' | 'INSERT' | 'TRANSACTION_STREAM_LOAD';

export interface LoadFacts {
  readonly loadType: LoadType;
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly rowsUnselected: number;
  /** Of the body as it came; 0 where there is none. */
  readonly bodyBytes: number;
  /** When the request came, ms since the epoch. */
  readonly startedMs: number;
  /** What its parts took, in ms. Those that it did not come to are 0. */
  readonly beginMs: number;
  readonly planMs: number;
  readonly readMs: number;
  readonly writeMs: number;
  /** Null in the attachment of the commit itself, which does not know how long it takes. */
  readonly commitMs: number | null;
  /** What was asked for, by the name of the header or property. Never credentials. */
  readonly properties: Readonly<Record<string, string>>;
  /** `file` of the link to its rejected rows; null = there are none. */
  readonly trackingFile: string | null;
  /** First few reasons of rejected rows. */
  readonly errorSamples: readonly string[];
  /** Code of the error that it failed with; absent: it did not, or nobody told. */
  readonly errorCode?: string;
  /** IP address of the client; null = not known. */
  readonly clientAddress: string | null;
}
