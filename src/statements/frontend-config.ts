// ADMIN SHOW and SET FRONTEND CONFIG. Changes are kept in the metadata and hold again after a restart,
// whatever fe.conf says. SOURCE: StarRocks docs, columns and texts.
import { isSecretName, MASK } from '../base/secrets.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { CONFIG_ITEMS, type ConfigItem, type ConfigKey } from '../config/items.ts';
import { type Config, isKey } from '../config/load.ts';
import { analysisError } from '../loads/properties.ts';
import { propertyMap } from './properties.ts';
import { filterRows } from './show-filter.ts';
import { type Handler, OK, textRows } from './types.ts';

const TYPES: Readonly<Record<ConfigItem['type'], string>> = {
  string: 'String',
  int: 'long',
  bool: 'boolean',
};

export const adminShowConfig: Handler<'admin_show_config'> = async ({ like }, { services }) => {
  const names = ['Key', 'AliasNames', 'Value', 'Type', 'IsMutable', 'Comment'];
  const rows = Object.entries<ConfigItem>(CONFIG_ITEMS)
    .filter(([, item]) => item.file === 'fe')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [
      key,
      '[]',
      shown(key, services.config.text(key as ConfigKey)),
      TYPES[item.type],
      String(item.mutable === true),
      item.help,
    ]);
  return textRows(names, filterRows(names, rows, { like, where: null }));
};

function shown(key: string, value: string): string {
  return value !== '' && isSecretName(key) ? MASK : value;
}

export const adminSetConfig: Handler<'admin_set_config'> = async (statement, { services }) => {
  const given = Object.entries(propertyMap(statement.properties));
  for (const [key] of given) checkMutable(key);
  for (const [key, value] of given) {
    if (!isKey(key)) continue;
    services.config.change('ADMIN SET FRONTEND CONFIG', key, value.trim());
    await services.catalog.frontendConfig.set(key, value.trim());
  }
  return OK;
};

function checkMutable(key: string): void {
  if (isMutable(key)) return;
  throw analysisError(
    `Config '${key}' does not exist or is not mutable: what can be changed is IsMutable in ADMIN SHOW FRONTEND CONFIG, the rest is in fe.conf`,
  );
}

function isMutable(key: string): boolean {
  const item: ConfigItem | undefined = isKey(key) ? CONFIG_ITEMS[key] : undefined;
  return item?.mutable === true && item.file === 'fe';
}

/**
 * At start: what was set in earlier lives takes effect. Returns the items that this version no longer
 * knows as mutable, which stay without effect. Throws CONFIG_INVALID for a value that no longer fits.
 */
export async function restoreConfig(catalog: Catalog, config: Config): Promise<readonly string[]> {
  const dropped: string[] = [];
  for (const [key, value] of await catalog.frontendConfig.all()) {
    if (isKey(key) && isMutable(key)) config.change('ADMIN SET FRONTEND CONFIG', key, value);
    else dropped.push(key);
  }
  return dropped;
}
