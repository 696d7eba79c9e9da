// CREATE FILE and DROP FILE: fetches a file once, within bounds, and keeps it in the metadata, encrypted; jobs
// name it as `FILE:name`. SOURCE: StarRocks, FileAnalyzer and SmallFileMgr (checks and messages).
import { createHash } from 'node:crypto';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../base/clock.ts';
import { AppError, fail } from '../base/errors.ts';
import type { DatabaseId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { LoadJobRecord } from '../catalog/load-jobs.ts';
import { FILE_PREFIX } from '../kafka/client/properties.ts';
import { analysisError, type PropertyMap } from './properties.ts';

/** The "catalog" that jobs look for files in. */
export const KAFKA_CATALOG = 'kafka';

export interface SmallFileLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
  /** The one directory that `file:` URLs may reach into; '' = none. */
  readonly directory: string;
}

export interface SmallFileServices {
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** Read at each use: they can be changed while the server runs. */
  readonly limits: () => SmallFileLimits;
}

const DOWNLOAD_TIMEOUT_MS = 10_000;
const DEFAULT_CATALOG = 'DEFAULT';
const NAME_MAX = 256;
const CREATE_PROPERTIES = ['url', 'content', 'catalog', 'md5'];
const DROP_PROPERTIES = ['catalog'];

export class SmallFileService {
  readonly #services: SmallFileServices;

  constructor(services: SmallFileServices) {
    this.#services = services;
  }

  /** Throws SQL_ANALYZE, UNKNOWN_DATABASE, SMALL_FILE_EXISTS, SMALL_FILE_FETCH, LIMIT_EXCEEDED. */
  async create(
    database: string,
    name: string,
    properties: PropertyMap,
    signal: AbortSignal,
  ): Promise<void> {
    const { catalog } = this.#services;
    checkFileName(name);
    const { url, content, catalog: given = '', md5 = '' } = checked(properties, CREATE_PROPERTIES);
    const { id: databaseId } = await catalog.databases.get(database);
    await this.#checkCount(catalog);
    const bytes = await this.#bytes(url ?? '', content ?? '', signal);
    const digest = createHash('md5').update(bytes).digest('hex');
    if (md5 !== '' && md5.toLowerCase() !== digest) {
      const where = url === undefined ? 'content' : `url: ${shownUrl(url)}`;
      throw analysisError(
        `Invalid md5sum of file in ${where}, read: ${digest}, expected: ${md5.slice(0, 64)}`,
      );
    }
    const catalogName = given === '' ? DEFAULT_CATALOG : given;
    await catalog.transaction(async (scope) => {
      await this.#checkCount(scope);
      await scope.smallFiles.create({ databaseId, catalogName, name, md5: digest, content: bytes });
    });
  }

  /** Refused while a job that is not final names the file. Throws SQL_ANALYZE, UNKNOWN_DATABASE, SMALL_FILE_IN_USE. */
  async drop(database: string, name: string, properties: PropertyMap): Promise<void> {
    const { catalog } = this.#services;
    checkFileName(name);
    const { catalog: catalogName = '' } = checked(properties, DROP_PROPERTIES);
    if (catalogName === '') throw analysisError('globalStateMgr name is missing');
    const { id: databaseId } = await catalog.databases.get(database);
    await catalog.transaction(async (scope) => {
      const user = catalogName === KAFKA_CATALOG ? await userOf(scope, databaseId, name) : null;
      if (user !== null) throw fail('SMALL_FILE_IN_USE', { file: name, job: user.name });
      if (!(await scope.smallFiles.drop(databaseId, catalogName, name))) {
        throw analysisError(`No such file: ${name}`);
      }
    });
  }

  async #checkCount({ smallFiles }: Pick<CatalogScope, 'smallFiles'>): Promise<void> {
    const { maxFiles } = this.#services.limits();
    if ((await smallFiles.count()) >= maxFiles) {
      throw analysisError(`File number exceeds limit: ${maxFiles}`);
    }
  }

  async #bytes(url: string, content: string, signal: AbortSignal): Promise<Buffer> {
    const { maxBytes, directory } = this.#services.limits();
    if (url !== '' && content !== '') throw analysisError('url and content exclude each other');
    if (content !== '') return bounded(Buffer.from(content), maxBytes, 'content');
    if (url === '') throw analysisError('download url is missing');
    const parsed = URL.canParse(url) ? new URL(url) : null;
    switch (parsed?.protocol) {
      case 'http:':
      case 'https:':
        if (parsed.username !== '' || parsed.password !== '') {
          throw analysisError('a url with user and password is not supported');
        }
        return this.#download(url, maxBytes, signal);
      case 'data:':
        // Nothing is fetched: the bytes are the URL itself.
        return this.#download(url, maxBytes, signal);
      case 'file:':
        return readLocal(parsed, directory, maxBytes);
      default:
        throw analysisError(
          `url must be http:, https:, data: or file:, not '${shownUrl(url).slice(0, 80)}'`,
        );
    }
  }

  async #download(url: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
    const stop = new AbortController();
    const timer = this.#services.clock.after(DOWNLOAD_TIMEOUT_MS, () =>
      stop.abort(new Error(`no whole answer within ${DOWNLOAD_TIMEOUT_MS} ms`)),
    );
    try {
      const answer = await fetch(url, { signal: AbortSignal.any([stop.signal, signal]) });
      if (!answer.ok) {
        await answer.body?.cancel();
        throw new Error(`HTTP status ${answer.status}`);
      }
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.body ?? []) {
        chunks.push(chunk);
        bytes += chunk.length;
        // Leaving the loop cancels what is still to come.
        if (bytes > maxBytes) break;
      }
      return bounded(Buffer.concat(chunks), maxBytes, shownUrl(url));
    } catch (thrown) {
      if (signal.aborted) throw fail('CANCELLED');
      throw fetchFailure(url, thrown);
    } finally {
      timer.cancel();
    }
  }
}

/** A file below the allowed directory, links looked through. */
async function readLocal(url: URL, directory: string, maxBytes: number): Promise<Buffer> {
  const refused = (reason: string): Error =>
    fail('SMALL_FILE_FETCH', { url: shownUrl(url.href), reason });
  if (directory === '') {
    throw refused('file: reaches only below small_file_dir of fe.conf, and that is not set');
  }
  try {
    const path = await realpath(fileURLToPath(url));
    const inside = relative(await realpath(resolve(directory)), path);
    if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
      throw refused('it is not below small_file_dir of fe.conf');
    }
    const file = await open(path, 'r');
    try {
      if (!(await file.stat()).isFile()) throw refused('it is no file');
      // One byte more than allowed tells a file that is too large.
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
      return bounded(buffer.subarray(0, bytesRead), maxBytes, shownUrl(url.href));
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw fetchFailure(url.href, thrown);
  }
}

function bounded(bytes: Buffer, maxBytes: number, from: string): Buffer {
  if (bytes.length > 0 && bytes.length <= maxBytes) return bytes;
  const reason =
    bytes.length === 0
      ? 'it is empty'
      : `it has more than ${maxBytes} bytes (max_small_file_size_bytes)`;
  throw fail('SMALL_FILE_FETCH', { url: from, reason });
}

function fetchFailure(url: string, thrown: unknown): Error {
  if (thrown instanceof AppError) return thrown;
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const reason = (cause instanceof Error ? cause.message : String(cause)).replaceAll(
    url,
    shownUrl(url),
  );
  return fail('SMALL_FILE_FETCH', { url: shownUrl(url), reason }, thrown);
}

/** Without user, password, query (they may be signed) and the content of data:. */
function shownUrl(url: string): string {
  if (/^data:/i.test(url)) return 'data:...';
  if (!URL.canParse(url)) return url.replace(/\?.*$/s, '');
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function checkFileName(name: string): void {
  if (name === '') throw analysisError('File name is not specified');
  if (name.length > NAME_MAX)
    throw analysisError(`File name is longer than ${NAME_MAX} characters`);
}

function checked(properties: PropertyMap, known: readonly string[]): PropertyMap {
  const wrong = Object.keys(properties).find((key) => !known.includes(key.toLowerCase()));
  if (wrong !== undefined) throw analysisError(`${wrong} is invalid property`);
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key.toLowerCase(), value]),
  );
}

/** A job of the database, not final, that names the file; null when there is none. */
async function userOf(
  { loadJobs }: Pick<CatalogScope, 'loadJobs'>,
  databaseId: DatabaseId,
  name: string,
): Promise<LoadJobRecord | null> {
  const jobs = await loadJobs.list({ databaseId, all: false });
  return jobs.find((job) => filesNamed(JSON.parse(job.definitionJson)).has(name)) ?? null;
}

/** Names of `FILE:name` anywhere in the texts of a job's definition. */
export function filesNamed(value: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const walk = (part: unknown): void => {
    if (typeof part === 'string') {
      if (part.startsWith(FILE_PREFIX)) names.add(part.slice(FILE_PREFIX.length));
    } else if (typeof part === 'object' && part !== null) {
      for (const inner of Object.values(part)) walk(inner);
    }
  };
  walk(value);
  return names;
}

/**
 * The files of a database that the values name as `FILE:name`, by name. Throws SMALL_FILE_MISSING.
 */
export async function filesOf(
  { smallFiles }: Pick<CatalogScope, 'smallFiles'>,
  databaseId: DatabaseId,
  values: PropertyMap,
): Promise<Readonly<Record<string, Uint8Array>>> {
  const files: Record<string, Uint8Array> = {};
  for (const name of filesNamed(values)) {
    const content = await smallFiles.content(databaseId, KAFKA_CATALOG, name);
    if (content === null) throw fail('SMALL_FILE_MISSING', { file: name });
    files[name] = content;
  }
  return files;
}
