// The names that a load can be given.
import { analysisError } from '../loads/properties.ts';

/** SOURCE: StarRocks, system limits: label names. */
const LABEL = /^[-\w]{1,128}$/;

/** Throws SQL_ANALYZE. */
export function checkLabel(label: string | null): void {
  if (label === null || LABEL.test(label)) return;
  throw analysisError(
    `Label format error: '${label.slice(0, 200)}' does not match ${LABEL.source}`,
  );
}
