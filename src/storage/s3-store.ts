// Object store on S3 and compatible servers. One request per call, each with a time limit; another try is
// storage/retry.ts's business. Never holds a file whole in memory, never logs or shows a key.
import { createReadStream, createWriteStream } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '../base/clock.ts';
import { AppError, fail } from '../base/errors.ts';
import { localError } from './local-store.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { readFailure, type S3Place, s3Error } from './s3-errors.ts';

/** S3 takes at most this much in one PUT. */
const MAX_PUT_BYTES = 5 * 1024 ** 3;
/** S3 deletes at most this many keys in one request. */
const DELETE_BATCH = 1000;
/** Slowest transfer that is waited for, on top of the call's time limit. */
const SLOWEST_BYTES_PER_MS = 1024;
const CONNECT_TIMEOUT_MS = 5_000;

export interface S3StoreOptions {
  readonly bucket: string;
  /** '' or `a/b/`: put in front of every key. */
  readonly prefix: string;
  /** `host[:port]` with or without scheme; '' = Amazon S3. */
  readonly endpoint: string;
  /** '' = us-east-1. */
  readonly region: string;
  /** null = the SDK's default chain. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  readonly pathStyle: boolean;
  /** Longest time of one call, for transfers plus 1 s for each MB. */
  readonly timeoutMs: number;
  /** Name for messages, such as the volume's location. */
  readonly where: string;
  readonly clock: Clock;
}

export class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #options: S3StoreOptions;
  readonly #place: S3Place;

  constructor(options: S3StoreOptions) {
    this.#options = options;
    const endpoint = endpointUrl(options.endpoint);
    this.#place = {
      where: options.where,
      bucket: options.bucket,
      endpoint: endpoint ?? 'of Amazon S3',
    };
    this.#client = new S3Client({
      region: options.region === '' ? 'us-east-1' : options.region,
      forcePathStyle: options.pathStyle,
      maxAttempts: 1,
      // Servers older than 2025 do not know the newer checksum trailers.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Servers that do not answer `Expect: 100-continue` would cost a second for each file.
      expectContinueHeader: false,
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: options.timeoutMs,
        httpAgent: { maxSockets: 64 },
        httpsAgent: { maxSockets: 64 },
      },
      ...(endpoint === null ? {} : { endpoint }),
      ...(options.credentials === null ? {} : { credentials: options.credentials }),
    });
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#call('write', key, body.length, (abortSignal) =>
      this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: body }), { abortSignal }),
    );
  }

  async putFile(key: string, localPath: string): Promise<void> {
    const { size } = await stat(localPath);
    if (size > MAX_PUT_BYTES)
      throw fail('LIMIT_EXCEEDED', {
        what: 'an object for S3',
        actual: `${size} bytes`,
        limit: `${MAX_PUT_BYTES} bytes`,
        hint: '',
      });
    await this.#call('write', key, size, async (abortSignal) => {
      // A file stream: the client hashes it by a second read, so memory stays small over plain http too.
      const body = createReadStream(localPath);
      try {
        const command = new PutObjectCommand({ ...this.#at(key), Body: body, ContentLength: size });
        await this.#client.send(command, { abortSignal });
      } finally {
        body.destroy();
      }
    });
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    return this.#call('write', key, body.length, async (abortSignal) => {
      const command = new PutObjectCommand({ ...this.#at(key), Body: body, IfNoneMatch: '*' });
      try {
        await this.#client.send(command, { abortSignal });
        return true;
      } catch (thrown) {
        if (readFailure(thrown).status === 412) return false;
        throw thrown;
      }
    });
  }

  async get(
    key: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Buffer> {
    if (range !== undefined && range.end <= range.start) return Buffer.alloc(0);
    const length = range === undefined ? 0 : range.end - range.start;
    return this.#call('read', key, length, async (abortSignal) => {
      const command = new GetObjectCommand({
        ...this.#at(key),
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
      });
      try {
        const answer = await this.#client.send(command, { abortSignal });
        const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
        this.#checkSize(key, bytes.length, answer.ContentLength);
        return bytes;
      } catch (thrown) {
        // A range that begins behind the end.
        if (readFailure(thrown).status === 416) return Buffer.alloc(0);
        throw thrown;
      }
    });
  }

  async getToFile(key: string, localPath: string): Promise<void> {
    const known = await this.head(key);
    if (known === null) throw fail('OBJECT_NOT_FOUND', { key, where: this.#place.where });
    await this.#call('read', key, known.sizeBytes, async (abortSignal) => {
      const answer = await this.#client.send(new GetObjectCommand(this.#at(key)), { abortSignal });
      const { Body: body } = answer;
      if (!(body instanceof Readable)) throw fail('INTERNAL', { detail: 'S3 body is no stream' });
      const file = createWriteStream(localPath, { flags: 'wx' });
      try {
        await pipeline(body, file, { signal: abortSignal });
        this.#checkSize(key, file.bytesWritten, answer.ContentLength);
      } catch (thrown) {
        if (!isExisting(thrown)) await unlink(localPath).catch(() => undefined);
        if (isFileError(thrown)) throw localError(thrown, 'write', localPath);
        throw thrown;
      }
    });
  }

  async head(key: string): Promise<ObjectInfo | null> {
    return this.#call('look up', key, 0, async (abortSignal) => {
      try {
        const answer = await this.#client.send(new HeadObjectCommand(this.#at(key)), {
          abortSignal,
        });
        return infoOf(key, answer.ContentLength, answer.LastModified);
      } catch (thrown) {
        if (readFailure(thrown).status === 404) return null;
        throw thrown;
      }
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += DELETE_BATCH) {
      const batch = keys.slice(from, from + DELETE_BATCH);
      const objects = batch.map((key) => ({ Key: this.#options.prefix + key }));
      await this.#call('delete', batch[0] ?? '', 0, async (abortSignal) => {
        const command = new DeleteObjectsCommand({
          Bucket: this.#options.bucket,
          Delete: { Objects: objects, Quiet: true },
        });
        const answer = await this.#client.send(command, { abortSignal });
        const bad = answer.Errors?.find(({ Code: code }) => code !== 'NoSuchKey');
        if (bad !== undefined)
          throw Object.assign(new Error(bad.Message ?? ''), { name: bad.Code ?? 'Unknown' });
      });
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let token: string | undefined;
    do {
      const page = await this.#call('list', prefix, 0, (abortSignal) =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#options.bucket,
            Prefix: this.#options.prefix + prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
          { abortSignal },
        ),
      );
      for (const { Key: key, Size: size, LastModified: modified } of page.Contents ?? [])
        if (key !== undefined) yield infoOf(key.slice(this.#options.prefix.length), size, modified);
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  localPath(_key: string): null {
    return null;
  }

  /** Closes idle connections; the store is not used afterwards. */
  close(): void {
    this.#client.destroy();
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#options.prefix + key };
  }

  #checkSize(key: string, actual: number, expected: number | undefined): void {
    if (expected !== undefined && actual !== expected)
      throw fail('OBJECT_SIZE_MISMATCH', { key, actual, expected });
  }

  async #call<T>(
    step: string,
    key: string,
    transferBytes: number,
    work: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = this.#options.timeoutMs + Math.ceil(transferBytes / SLOWEST_BYTES_PER_MS);
    const stop = new AbortController();
    const timer = this.#options.clock.after(timeoutMs, () => stop.abort());
    try {
      return await work(stop.signal);
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      const { where, endpoint } = this.#place;
      if (stop.signal.aborted) {
        const detail = `no answer from endpoint ${endpoint} within ${timeoutMs} ms`;
        throw fail('STORAGE_UNAVAILABLE', { where, step, detail }, thrown);
      }
      throw s3Error(thrown, step, key, this.#place);
    } finally {
      timer.cancel();
    }
  }
}

/** `minio:9000` -> `http://minio:9000`; '' -> null (Amazon's own). */
export function endpointUrl(endpoint: string): string | null {
  if (endpoint === '') return null;
  return /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`;
}

function infoOf(
  key: string,
  sizeBytes: number | undefined,
  lastModified: Date | undefined,
): ObjectInfo {
  return { key, sizeBytes: sizeBytes ?? 0, lastModifiedMs: lastModified?.getTime() ?? 0 };
}

/** Errors of the local disk, in place of the store's: they name the system call. */
function isFileError(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    'syscall' in thrown &&
    (thrown.syscall === 'open' || thrown.syscall === 'write')
  );
}

function isExisting(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
}
