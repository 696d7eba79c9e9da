// Base64 as StarRocks reads it in the fields of CSV: padding may be missing, spaces mean nothing. The engine's own
// reader takes the strict form; this one is for the few other texts.
// SOURCE: StarRocks, be/src/formats/csv/varbinary_converter.cpp and base64_decode2 (be/src/util/url_coding.cpp).
import { type JsFunction, strictFunction } from './define.ts';

/** The bytes that the text stands for; null = it is no base64. Bits behind the last whole byte are left out. */
export function looseBase64(text: string): Buffer | null {
  const letters = text.replace(/[ \t\r\n]/g, '');
  if (/[^A-Za-z0-9+/=]/.test(letters)) return null;
  let digits = '';
  for (const part of letters.split(/(=+)/)) {
    // One digit of a group is not enough for the byte that padding would end.
    if (part.startsWith('=') && digits.length % 4 === 1) return null;
    if (!part.startsWith('=')) digits += part;
  }
  return Buffer.from(digits, 'base64');
}

export const LOOSE_BASE64_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_loose_base64', ['VARCHAR'], 'BLOB', looseBase64),
];
