// Reads fe.conf and cn.conf (`key = value`, `#` comments) into typed settings. An unknown key is an
// error naming the file, the line and the nearest known key. The only folder that reads process.env.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { fail } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { CONFIG_ITEMS, type ConfigItem, type ConfigKey } from './items.ts';

const VALUE = {
  string: z.string(),
  int: z.string().regex(/^\d+$/).transform(Number).refine(Number.isSafeInteger),
  bool: z
    .string()
    .regex(/^(true|false)$/i)
    .transform((text) => text.toLowerCase() === 'true'),
} as const;

/** Settings after files and command line: read with `text`, `int` and `bool`. */
export class Config {
  readonly #values: ReadonlyMap<ConfigKey, string>;
  /** True when an fe.conf was given: then there is no storage volume but what the file asks for. */
  readonly hasFeConf: boolean;

  constructor(values: ReadonlyMap<ConfigKey, string>, hasFeConf: boolean) {
    this.#values = values;
    this.hasFeConf = hasFeConf;
  }

  text(key: ConfigKey): string {
    return this.#values.get(key) ?? CONFIG_ITEMS[key].default;
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
  if (values.get('run_mode') === 'shared_nothing') {
    throw fail('CONFIG_INVALID', {
      where: 'run_mode',
      detail: 'shared_nothing is not supported',
      hint: 'set run_mode = shared_data',
    });
  }
  return new Config(values, paths.length > 0);
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
        detail: `'${line}' is not key = value`,
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
    checkValue(where, key, CONFIG_ITEMS[key], value);
    into.set(key, value);
  }
}

function checkValue(where: string, key: string, item: ConfigItem, value: string): void {
  if (VALUE[item.type].safeParse(value).success) return;
  const expected = { string: 'text', int: 'a whole number', bool: 'true or false' }[item.type];
  throw fail('CONFIG_INVALID', {
    where,
    detail: `${key} = '${value}' is not ${expected}`,
    hint: item.help,
  });
}

function isKey(key: string): key is ConfigKey {
  return Object.hasOwn(CONFIG_ITEMS, key);
}
