// A real S3 server for tests: versitygw, installed into .peers/ by `go install` when it is not there
// (about 3 minutes, once), run on 127.0.0.1 with a directory as its storage.
import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  debianProgram,
  freePort,
  installedFolder,
  runOk,
  type Server,
  startServerProcess,
} from './processes.ts';

const VERSION = 'v1.8.0';

export interface S3Options {
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** Refuses every write. */
  readonly readOnly?: boolean;
}

export interface S3Peer {
  /** `127.0.0.1:port`, without scheme. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Directory with a folder per bucket: `mkdir` in it makes a bucket. */
  readonly root: string;
  /** Keys of all objects of a bucket, sorted. */
  objects(bucket: string): Promise<string[]>;
  /** Ends the server; its buckets stay. */
  down(): Promise<void>;
  /** Starts it again on the same address after down(). */
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Path of the server's program; installs it when missing. Throws with the tool's output when it cannot. */
export async function installVersitygw(): Promise<string> {
  const folder = await installedFolder(`versitygw-${VERSION}`, async (draft) => {
    const go = await debianProgram('go', 'golang-go');
    const module = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
    await runOk(go, ['install', module], { env: { GOBIN: draft }, timeoutMs: 15 * 60_000 });
    await access(join(draft, 'versitygw'));
  });
  return join(folder, 'versitygw');
}

/** Starts a server with empty storage and the given buckets. */
export async function startVersitygw(
  buckets: readonly string[],
  options: S3Options = {},
): Promise<S3Peer> {
  const program = await installVersitygw();
  const root = await mkdtemp(join(tmpdir(), 'millrace-s3-'));
  for (const bucket of buckets) await mkdir(join(root, bucket));
  const port = await freePort();
  const endpoint = `127.0.0.1:${port}`;
  const accessKey = options.accessKey ?? 'millrace-test-access';
  const secretKey = options.secretKey ?? 'millrace-test-secret';
  const readOnly = options.readOnly === true ? ['--readonly'] : [];
  const start = (): Promise<Server> =>
    startServerProcess(program, ['--port', endpoint, ...readOnly, 'posix', root], {
      port,
      env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    });
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  let server = await start().catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    endpoint,
    accessKey,
    secretKey,
    root,
    objects: (bucket) => objectsBelow(join(root, bucket)),
    down: () => server.end('SIGKILL'),
    up: async () => {
      server = await start();
    },
    close: async () => {
      await server.end('SIGKILL');
      await remove();
    },
  };
}

async function objectsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.sgwtmp'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
