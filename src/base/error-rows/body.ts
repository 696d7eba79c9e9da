// Errors of loads whose rows come as the body of a request.
import { type ErrorRow, row } from './row.ts';

export const BODY_ERRORS = {
  BODY_FILTERED: row(
    'user',
    'too many filtered rows: {filtered} of {rows}, max_filter_ratio is {ratio}. {samples}',
    'nothing was loaded; mend the data or raise max_filter_ratio, then send it again',
  ),
  BODY_JSON_INCOMPLETE: row(
    'user',
    'Failed to parse the body as JSON: it ends in the middle of a document',
    'nothing was loaded; send the whole body again',
  ),
  BODY_JSON_MALFORMED: row(
    'user',
    'Failed to parse the body as JSON: expected {expected} in the outer array, found: {found}',
    'nothing was loaded; mend the data, then send it again',
  ),
  BODY_JSON_TOO_LARGE: row(
    'user',
    'The size of this batch exceed the max size [{limit}] of json type data data [{size}]. Set ignore_json_size to skip check, although it may lead huge memory consuming.',
    '',
  ),
  BODY_ROW_TOO_LARGE: row(
    'user',
    'row {row} of the body is longer than {limit} bytes',
    'nothing was loaded; check row_delimiter, enclose and escape',
  ),
  BODY_TOO_LARGE: row(
    'user',
    '{what} is larger than {limit} bytes',
    'nothing was loaded; send it in parts, or raise streaming_load_max_mb',
  ),
  BODY_EXPANDS_TOO_MUCH: row(
    'user',
    'a byte of the {compression} body expands to more than {limit} bytes',
    'nothing was loaded; send the body with another compression, or with none',
  ),
  BODY_IDLE: row(
    'user',
    'nothing of the body came for {idleMs} ms: the load was given up',
    'nothing was loaded; send it again',
  ),
  BODY_FILE_MALFORMED: row(
    'user',
    'Failed to parse the body as {format}: {detail}',
    'nothing was loaded; check the format, mend the file, then send it again',
  ),
  BODY_SPOOL_FULL: row(
    'user',
    'the body is larger than the {limit} bytes that a body of format {format} may have: it is kept on disk while it is read',
    'nothing was loaded; send it in parts, or as Avro or Arrow',
  ),
} as const satisfies Record<string, ErrorRow>;
