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

/** `\x01`, `\\x01`, `\x0D0A` and several of them. */
const HEX = /^(?:\\{1,2}x(?:[0-9a-f]{2})+)+$|^0x(?:[0-9a-f]{2})+$/i;

/** The text that a separator stands for. Throws SQL_ANALYZE when it is empty, too long or not UTF-8. */
export function parseEscapes(text: string): string {
  const separator = HEX.test(text)
    ? fromHex(text.replaceAll(/\\+x|^0x/gi, ''))
    : text.replaceAll(/\\(.)/g, (whole, letter: string) => NAMED[letter] ?? whole);
  const bytes = Buffer.byteLength(separator, 'utf8');
  if (bytes === 0) throw analysisError('Delimiter cannot be empty or null');
  if (bytes > MAX_SEPARATOR_BYTES) {
    throw analysisError(
      `Delimiter is ${bytes} bytes, more than the limit of ${MAX_SEPARATOR_BYTES}`,
    );
  }
  return separator;
}

function fromHex(hex: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(hex, 'hex'),
    );
  } catch {
    throw analysisError(`Delimiter 0x${hex} is not UTF-8`);
  }
}
