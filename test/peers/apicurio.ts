// Apicurio Registry, a real schema registry with Confluent's REST API (below /apis/ccompat/v7): one archive
// from Maven Central, run on 127.0.0.1 with a database in memory. (Confluent's own is not on Maven Central.)
import { mkdtemp, readdir, rm } from 'node:fs/promises';
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

const VERSION = '2.6.13.Final';
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
const GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';

/** Folder with the registry's jars; fetched once (136 MB). */
async function apicurioFolder(): Promise<string> {
  await debianProgram('java', 'openjdk-17-jdk-headless');
  return installedFolder(`apicurio-${VERSION}`, async (folder) => {
    const maven = await debianProgram('mvn', 'maven');
    // Maven writes nothing beside its output where it has no pom.
    const work = await mkdtemp(join(tmpdir(), 'apicurio-'));
    try {
      const options = [`-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${work}`];
      await runOk(maven, ['-q', '-B', GOAL, ...options], { cwd: work, timeoutMs: 600_000 });
      const archive = (await readdir(work)).find((name) => name.endsWith('.tar.gz')) ?? '';
      await runOk('tar', ['xzf', join(work, archive), '-C', folder]);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
}

export interface Apicurio {
  /** For `confluent.schema.registry.url` and for Confluent's clients. */
  readonly url: string;
  readonly server: Server;
}

export async function startApicurio(): Promise<Apicurio> {
  const folder = await apicurioFolder();
  const port = await freePort();
  const server = await startServerProcess(
    'java',
    [
      '-Xmx400m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      '-jar',
      join(folder, `apicurio-registry-app-${VERSION}-runner.jar`),
    ],
    { port, env: { REGISTRY_DATASOURCE_URL: 'jdbc:h2:mem:registry' }, timeoutMs: 120_000 },
  );
  return { url: `http://127.0.0.1:${port}/apis/ccompat/v7`, server };
}
