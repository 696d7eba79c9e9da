// The property tables of all load kinds by their names: for the docs, and for the test that what two of them share has
// one spec. A new load kind is entered here.
import { INSERT_PROPERTIES } from './insert/properties.ts';
import type { PropertyTable } from './properties.ts';
import { JOB_PROPERTIES } from './routine/properties.ts';
import { STREAM_LOAD_HEADERS } from './stream/properties.ts';
import { TRANSACTION_HEADERS } from './transaction/properties.ts';

export const LOAD_KINDS: Readonly<Record<string, PropertyTable>> = {
  INSERT: INSERT_PROPERTIES,
  'Routine Load': JOB_PROPERTIES,
  'Stream Load': STREAM_LOAD_HEADERS,
  'Transactions of Stream Loads': TRANSACTION_HEADERS,
};
