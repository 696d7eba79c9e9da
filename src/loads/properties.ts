// Properties as data: one table per statement says key, type, check, default and meaning. It feeds
// validation, SHOW and docs/reference/properties.md. Source: StarRocks, CREATE ROUTINE LOAD.
import { fail } from '../base/errors.ts';

export interface PropertySpec {
  readonly type: 'long' | 'double' | 'bool' | 'text' | 'word';
  /** As text; null = no default. */
  readonly default: string | null;
  /** Smallest and largest value of numbers, inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** For `word`: the allowed values in lower case. */
  readonly words?: readonly string[];
  /** What StarRocks says when the check fails. */
  readonly message: string;
  /** What it says of a value that is no number at all, where that differs. */
  readonly formMessage?: string;
  readonly alterable: boolean;
  readonly help: string;
}

export type PropertyTable = Readonly<Record<string, PropertySpec>>;
export type PropertyMap = Readonly<Record<string, string>>;

/** An error in StarRocks' analysis form. */
export function analysisError(detail: string): Error {
  return fail('SQL_ANALYZE', { detail });
}

/**
 * Checks user properties against the table: unknown keys, types and ranges. Returns them with
 * lower-cased keys and normal forms (booleans and words in lower case). Throws SQL_ANALYZE.
 */
export function checkProperties(table: PropertyTable, given: PropertyMap): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [rawKey, value] of Object.entries(given)) {
    const key = rawKey.toLowerCase();
    const spec = Object.hasOwn(table, key) ? table[key] : undefined;
    if (spec === undefined) throw analysisError(`${rawKey} is invalid property`);
    if (Object.hasOwn(out, key)) throw analysisError(`${rawKey} is given twice`);
    out[key] = checkValue(spec, value);
  }
  return out;
}

function checkValue(spec: PropertySpec, value: string): string {
  const refusal = (): Error => analysisError(spec.message.replaceAll('{value}', () => value));
  switch (spec.type) {
    case 'long':
      if (!/^[+-]?\d+$/.test(value.trim())) {
        throw spec.formMessage === undefined ? refusal() : analysisError(spec.formMessage);
      }
      return String(inRange(spec, Number(value)));
    case 'double': {
      const number = Number(value);
      if (value.trim() === '' || !Number.isFinite(number)) {
        throw spec.formMessage === undefined ? refusal() : analysisError(spec.formMessage);
      }
      inRange(spec, number);
      return value.trim();
    }
    case 'bool': {
      const lower = value.trim().toLowerCase();
      if (lower !== 'true' && lower !== 'false') throw refusal();
      return lower;
    }
    case 'word': {
      const lower = value.trim().toLowerCase();
      if (!(spec.words ?? []).includes(lower)) throw refusal();
      return lower;
    }
    case 'text':
      return value;
  }
}

function inRange(spec: PropertySpec, number: number): number {
  const tooSmall = spec.min !== undefined && number < spec.min;
  const tooLarge = spec.max !== undefined && number > spec.max;
  if (tooSmall || tooLarge || Math.abs(number) > Number.MAX_SAFE_INTEGER) {
    throw analysisError(spec.message.replaceAll('{value}', () => String(number)));
  }
  return number;
}

/** A checked property or its default. */
export function propertyOf(table: PropertyTable, checked: PropertyMap, key: string): string {
  return checked[key] ?? table[key]?.default ?? '';
}
