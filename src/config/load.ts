// Reads fe.conf and cn.conf (`key = value`, `#` comments) into typed settings. An unknown key is an
// error naming the file, the line and the nearest known key. The only folder that reads process.env.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { fail } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { isSecretName, MASK } from '../base/secrets.ts';
import {
  CONFIG_ITEMS,
  CONFIG_LIMITS,
  type ConfigItem,
  type ConfigKey,
  type ConfigLimit,
} from './items.ts';

const VALUE = {
  string: z.string(),
  int: z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number)
    .refine(Number.isSafeInteger),
  bool: z
    .string()
    .regex(/^(true|false)$/i)
    .transform((text) => text.toLowerCase() === 'true'),
} as const;

/** Settings after files and command line: read with `text`, `int` and `bool`. */
export class Config {
  readonly #values: ReadonlyMap<ConfigKey, string>;
  readonly #changed = new Map<ConfigKey, string>();
  /** True when an fe.conf was given: then there is no storage volume but what the file asks for. */
  readonly hasFeConf: boolean;

  constructor(values: ReadonlyMap<ConfigKey, string>, hasFeConf: boolean) {
    this.#values = values;
    this.hasFeConf = hasFeConf;
  }

  text(key: ConfigKey): string {
    return this.#changed.get(key) ?? this.#values.get(key) ?? CONFIG_ITEMS[key].default;
  }

  /**
   * ADMIN SET FRONTEND CONFIG: a value that hides the files' while this process runs. `where` begins the
   * error. Throws CONFIG_INVALID for a value that does not fit.
   */
  change(where: string, key: ConfigKey, value: string): void {
    checkValue(where, key, value);
    this.#changed.set(key, value);
  }

  int(key: ConfigKey): number {
    return Number(this.text(key));
  }
  bool(key: ConfigKey): boolean {
    return this.text(key).toLowerCase() === 'true';
  }
}

/** Reads the given files, later ones win. Throws CONFIG_INVALID with file and line. */
export function loadConfig(paths: readonly string[]): Config {
  const values = new Map<ConfigKey, string>();
  for (const path of paths) readFile(path, values);
  return new Config(values, paths.some(isFeConf) || [...values.keys()].some(saysStorage));
}

/** By its name, or a cn.conf would leave a server without any storage volume. */
function isFeConf(path: string): boolean {
  return !/^(cn|be)\b/i.test(basename(path));
}

/** Keys that say where tables go; in whatever file. */
function saysStorage(key: ConfigKey): boolean {
  return key.startsWith('aws_s3_') || key === 'enable_load_volume_from_conf';
}

function readFile(path: string, into: Map<ConfigKey, string>): void {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw fail(
      'CONFIG_INVALID',
      {
        where: path,
        detail: 'cannot be read',
        hint: 'give --conf the path of an fe.conf or cn.conf',
      },
      error,
    );
  }
  for (const [index, raw] of content.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const where = `${path}:${index + 1}`;
    if (equals < 0) {
      throw fail('CONFIG_INVALID', {
        where,
        // Not the whole line: what follows the key may be a secret.
        detail: `'${line.split(/\s/, 1)[0] ?? ''} ...' is not key = value`,
        hint: 'write key = value, or # before a comment',
      });
    }
    const key = line.slice(0, equals).trim();
    const value = line.slice(equals + 1).trim();
    if (!isKey(key)) {
      const guess = nearest(key, Object.keys(CONFIG_ITEMS), 1)[0];
      throw fail('CONFIG_INVALID', {
        where,
        detail: `unknown key '${key}'`,
        hint: `did you mean '${guess ?? ''}'?`,
      });
    }
    checkValue(where, key, value);
    into.set(key, value);
  }
}

function checkValue(where: string, key: ConfigKey, value: string): void {
  const item: ConfigItem = CONFIG_ITEMS[key];
  const expected = VALUE[item.type].safeParse(value).success
    ? outOfLimit(limitOf(key), value)
    : { string: 'text', int: 'a whole number', bool: 'true or false' }[item.type];
  if (expected === null) return;
  throw fail('CONFIG_INVALID', {
    where,
    detail: `${key} = '${isSecretName(key) ? MASK : value}' is not ${expected}`,
    hint: item.help,
  });
}

/** Whole numbers are not negative, unless their default is. */
function limitOf(key: ConfigKey): ConfigLimit {
  const item: ConfigItem = CONFIG_ITEMS[key];
  const isNatural = item.type === 'int' && !item.default.startsWith('-');
  return { ...(isNatural ? { min: 0 } : {}), ...CONFIG_LIMITS[key] };
}

/** What the value should have been, null when it is within its limit. */
function outOfLimit({ min, max, words }: ConfigLimit, value: string): string | null {
  if (words !== undefined) {
    const isKnown = words.some((word) => word.toLowerCase() === value.toLowerCase());
    return isKnown ? null : `one of ${words.join(', ')}`;
  }
  if (min !== undefined && Number(value) < min) return `${min} or more`;
  if (max !== undefined && Number(value) > max) return `${max} or less`;
  return null;
}

/** Is it a key of the table? */
export function isKey(key: string): key is ConfigKey {
  return Object.hasOwn(CONFIG_ITEMS, key);
}
