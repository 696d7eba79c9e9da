// The splitter of a plan's format, and how long a row of it may be.

import { type AppError, fail } from '../../../base/errors.ts';
import type { BodyLoadPlan, JsonFormatSpec } from '../../../model/load-plan.ts';
import { fieldKinds } from '../../transform/typed-fields.ts';
import { csvSplitter } from './csv-rows.ts';
import { jsonSplitter } from './json-documents.ts';
import type { BodySplitter } from './splitter.ts';

export interface OpenedSplitter {
  readonly splitter: BodySplitter;
  readonly maxRowBytes: number;
  readonly largeRow: (row: number, bytes: number, limitBytes: number) => AppError;
}

/** What rows of files are by then. */
const LINES: JsonFormatSpec = {
  kind: 'json',
  jsonpaths: null,
  jsonRoot: '',
  stripOuterArray: false,
};

/** Throws NOT_SUPPORTED for a format that bodies cannot have. */
export function openSplitter(plan: BodyLoadPlan): OpenedSplitter {
  const { format, source, limits } = plan;
  switch (format.kind) {
    case 'csv':
      return {
        splitter: csvSplitter(format, source.skipHeader, fieldKinds(plan)),
        maxRowBytes: limits.maxMessageBytes,
        largeRow: (row, _, limit) => fail('BODY_ROW_TOO_LARGE', { row, limit }),
      };
    case 'json':
      return {
        splitter: jsonSplitter(format),
        maxRowBytes: source.maxDocumentBytes,
        largeRow: (_, size, limit) => fail('BODY_JSON_TOO_LARGE', { size, limit }),
      };
    case 'file':
      return {
        splitter: jsonSplitter(LINES),
        maxRowBytes: limits.maxMessageBytes,
        largeRow: (row, _, limit) => fail('BODY_ROW_TOO_LARGE', { row, limit }),
      };
    case 'avro':
    case 'protobuf':
    case 'raw':
      throw fail('NOT_SUPPORTED', { what: `a body of format ${format.kind}`, hint: '' });
  }
}
