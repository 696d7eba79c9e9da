// Separators as StarRocks reads them: `\t`, `\n`, `\\x01`, `\x0D0A`, up to 50 bytes.
import { analysisError } from '../properties.ts';

const MAX_SEPARATOR_BYTES = 50;
const NAMED: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  '0': '\0',
  '\\': '\\',
};

/** The bytes that a separator's text stands for. Throws SQL_ANALYZE when empty, too long or not hex. */
export function parseEscapes(text: string): string {
  const hex = /^\\?\\x((?:[0-9a-fA-F]{2})+)$/.exec(text) ?? /^0x((?:[0-9a-fA-F]{2})+)$/i.exec(text);
  const separator =
    hex?.[1] !== undefined
      ? Buffer.from(hex[1], 'hex').toString('latin1')
      : text.replace(/\\(.)/g, (whole, letter: string) => NAMED[letter] ?? whole);
  const bytes = Buffer.byteLength(separator, 'utf8');
  if (bytes === 0) throw analysisError('Delimiter cannot be empty or null');
  if (bytes > MAX_SEPARATOR_BYTES) {
    throw analysisError(
      `Delimiter is ${bytes} bytes, more than the limit of ${MAX_SEPARATOR_BYTES}`,
    );
  }
  return separator;
}
