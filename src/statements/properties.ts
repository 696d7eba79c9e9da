// Small things that statement texts share: property lists and quoting.
import { analysisError } from '../loads/properties.ts';
import type { Property } from '../sql/ast/node.ts';

/** PROPERTIES as a map. A key given twice with different values is an error. */
export function propertyMap(properties: readonly Property[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const { key, value } of properties) {
    if (out[key] !== undefined && out[key] !== value) {
      throw analysisError(`Property '${key}' is given twice with different values`);
    }
    out[key] = value;
  }
  return out;
}

/** `name` in backticks. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** "text" with quotes and backslashes escaped, as StarRocks prints comments and properties. */
export function quoteText(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
