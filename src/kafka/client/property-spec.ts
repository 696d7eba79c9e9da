// What a row of the Kafka property tables is, and the kinds of values it may have. Pure.
import { fail } from '../../base/errors.ts';

export interface PropertySpec<T> {
  readonly meaning: string;
  /** What a value must be, for messages and docs. */
  readonly expected: string;
  /** null = none. */
  readonly default: T;
  /** Other names of the same property. */
  readonly aliases: readonly string[];
  /** Never shown again. */
  readonly secret: boolean;
  /** undefined = not valid. May throw NOT_SUPPORTED for a value that Kafka knows and Millrace does not. */
  readonly parse: (text: string) => T | undefined;
  /** What a user should know of a valid value that has less effect than it says; null = nothing. */
  readonly remark: (text: string) => string | null;
}

interface Extra {
  readonly aliases?: readonly string[];
  readonly secret?: boolean;
}

function spec<T>(
  meaning: string,
  expected: string,
  fallback: T,
  parse: (text: string) => T | undefined,
  extra: Extra & { readonly remark?: (text: string) => string | null } = {},
): PropertySpec<T> {
  const { aliases = [], secret = false, remark = () => null } = extra;
  return { meaning, expected, default: fallback, aliases, secret, parse, remark };
}

/** One word of a list, in any case. `unsupported`: words that Kafka knows, with what to do instead. */
export function oneOf<const V extends string, F extends V | null>(
  meaning: string,
  values: readonly V[],
  fallback: F,
  extra: Extra & { readonly unsupported?: Readonly<Record<string, string>> } = {},
): PropertySpec<V | F> {
  const parse = (text: string): V | undefined => {
    const wanted = text.trim().toUpperCase();
    const found = values.find((value) => value.toUpperCase() === wanted);
    const hint = extra.unsupported?.[wanted];
    if (found === undefined && hint !== undefined)
      throw fail('NOT_SUPPORTED', { what: wanted, hint });
    return found;
  };
  return spec<V | F>(meaning, `one of ${values.join(', ')}`, fallback, parse, extra);
}

/** Any text but the empty one. */
export const text = (meaning: string, extra: Extra = {}): PropertySpec<string | null> =>
  spec<string | null>(
    meaning,
    'a text',
    null,
    (value) => (value === '' ? undefined : value),
    extra,
  );

interface Bounds {
  /** Smallest and largest value that is accepted: librdkafka's range. */
  readonly min: number;
  readonly max: number;
  /** Values beyond these are accepted with a remark, and count as these. */
  readonly least?: number;
  readonly most?: number;
}

/** An integer. `fallback` null = there is none, the meaning says what happens then. */
export function integer<F extends number | null>(
  meaning: string,
  { min, max, least = min, most = max }: Bounds,
  fallback: F,
  extra: Extra = {},
): PropertySpec<number | F> {
  const valid = (value: string): number | undefined => {
    const parsed = /^-?\d{1,10}$/.test(value.trim()) ? Number(value) : Number.NaN;
    return parsed >= min && parsed <= max ? parsed : undefined;
  };
  const parse = (value: string): number | undefined => {
    const parsed = valid(value);
    return parsed === undefined ? undefined : Math.min(Math.max(parsed, least), most);
  };
  const remark = (value: string): string | null => {
    const parsed = valid(value) ?? least;
    if (parsed < least) return `counts as ${least}, the least that has an effect`;
    return parsed > most ? `counts as ${most}, the most that has an effect` : null;
  };
  const expected = `an integer from ${min} to ${max}`;
  return spec<number | F>(meaning, expected, fallback, parse, { ...extra, remark });
}

export const flag = (
  meaning: string,
  fallback: boolean,
  extra: Extra & { readonly remark?: (value: boolean) => string | null } = {},
): PropertySpec<boolean> => {
  const parse = (value: string): boolean | undefined => {
    const wanted = value.trim().toLowerCase();
    return wanted === 'true' ? true : wanted === 'false' ? false : undefined;
  };
  return spec(meaning, 'true or false', fallback, parse, {
    ...extra,
    remark: (value) => extra.remark?.(parse(value) ?? fallback) ?? null,
  });
};
