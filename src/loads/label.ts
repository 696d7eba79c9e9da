// Labels of loads: which texts can be one. SOURCE: StarRocks, FeNameFormat and system limits.
import { analysisError } from './properties.ts';

const LABEL = /^[-\w]{1,128}$/;
const SHOWN_CHARACTERS = 200;

/** Throws SQL_ANALYZE. */
export function checkLabel(label: string | null): void {
  if (label === null || LABEL.test(label)) return;
  throw analysisError(
    `Label format error: '${label.slice(0, SHOWN_CHARACTERS)}' does not match ${LABEL.source}`,
  );
}
