// The two ways in which expanding fails, worded alike for all formats.
import { type AppError, fail } from '../../base/errors.ts';

/** LIMIT_EXCEEDED: the data expands to more than allowed. `actualBytes` is what is known, '' = only that it is more. */
export function tooLarge(format: string, limitBytes: number, actualBytes?: number): AppError {
  return fail('LIMIT_EXCEEDED', {
    what: `the expanded size of ${format} data`,
    actual: actualBytes === undefined ? `over ${limitBytes} bytes` : `${actualBytes} bytes`,
    limit: `${limitBytes} bytes`,
    hint: 'send smaller batches, or raise the limit',
  });
}

/** COMPRESSED_DATA_CORRUPT with the library's reason. */
export function corrupt(format: string, detail: string, cause?: unknown): AppError {
  return fail('COMPRESSED_DATA_CORRUPT', { codec: format, detail }, cause);
}
