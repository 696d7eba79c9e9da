// CHECK TABLE: the metadata against itself, against a listing of the volumes, and, deep, against every live file
// read again by the loader. Changes nothing; other statements go on.

import type { TableAudit } from '../catalog/audit-store.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type DataFile, type TableInfo, volumesOfFile } from '../model/table.ts';
import type { CnPorts } from './fe.ts';
import type { StoreOpener } from './stores.ts';

export interface TableCheckOptions {
  readonly catalog: Catalog;
  readonly stores: StoreOpener;
  readonly cn: Pick<CnPorts, 'loader'>;
}

export interface TableCheck {
  /** What is wrong, for people. */
  readonly problems: readonly string[];
  /** Objects that were looked up, and live files that were read. */
  readonly objects: number;
  readonly filesRead: number;
}

/** Files of one call: bounds how long the loader works on one message. */
const FILES_AT_ONCE = 20;
const CALL_MS = 600_000;

/** Throws storage errors, and CANCELLED by the signal. */
export async function checkTable(
  { catalog, stores, cn }: TableCheckOptions,
  table: TableInfo,
  deep: boolean,
  signal: AbortSignal,
): Promise<TableCheck> {
  const audit = await catalog.audit.table(table.id);
  const problems = [...audit.problems];
  const missing = await missingObjects({ catalog, stores }, table, audit, signal);
  problems.push(...missing.values());
  if (!deep) return { problems, objects: audit.objects.length, filesRead: 0 };
  const [entry] = (
    await catalog.snapshot([{ databaseName: table.databaseName, tableName: table.name }])
  ).tables;
  const files = (entry?.files ?? []).filter(({ key }) => !missing.has(key));
  for (let from = 0; from < files.length; from += FILES_AT_ONCE) {
    signal.throwIfAborted();
    const chunk = files.slice(from, from + FILES_AT_ONCE);
    const { faults } = await readAgain({ catalog, cn }, table, chunk, signal);
    problems.push(...faults.map(({ key, detail }) => `${key}: ${detail}`));
  }
  return { problems, objects: audit.objects.length, filesRead: files.length };
}

async function readAgain(
  { catalog, cn }: Pick<TableCheckOptions, 'catalog' | 'cn'>,
  { schema }: TableInfo,
  files: readonly DataFile[],
  signal: AbortSignal,
) {
  const used = new Set(files.flatMap(volumesOfFile));
  const volumes = await Promise.all([...used].map((id) => catalog.volumes.byId(id)));
  const loader = await cn.loader();
  return await loader.call(
    'checkFiles',
    { schema, volumes, files },
    { signal, timeoutMs: CALL_MS },
  );
}

/** By key: what is wrong with objects that are not there, or not of their size. One listing for each volume. */
async function missingObjects(
  { catalog, stores }: Pick<TableCheckOptions, 'catalog' | 'stores'>,
  table: TableInfo,
  { objects }: TableAudit,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const faults = new Map<string, string>();
  for (const [volumeId, named] of Map.groupBy(objects, (object) => object.volumeId)) {
    const volume = await catalog.volumes.byId(volumeId);
    const store = await stores(volume);
    const sizes = new Map<string, number>();
    for await (const { key, sizeBytes } of store.list(`${table.prefix}/`)) {
      signal.throwIfAborted();
      sizes.set(key, sizeBytes);
    }
    for (const { key, sizeBytes } of named) {
      const found = sizes.get(key);
      if (found === sizeBytes) continue;
      const detail =
        found === undefined ? 'it is missing' : `it has ${found} bytes, ${sizeBytes} were written`;
      faults.set(key, `${key} in ${volume.location}: ${detail}`);
    }
  }
  return faults;
}
