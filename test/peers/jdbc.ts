// MySQL Connector/J and MariaDB Connector/J: jars fetched by Maven (jdbc/pom.xml), the story compiled once.
import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianProgram, installedFolder, runOk } from './processes.ts';

const FOLDER = join(import.meta.dirname, 'jdbc');
const STORY = 'JdbcStory';

async function digestOf(name: string): Promise<string> {
  const digest = createHash('sha256').update(await readFile(join(FOLDER, name)));
  return digest.digest('hex').slice(0, 12);
}

async function jars(): Promise<string> {
  await debianProgram('java', 'openjdk-17-jdk-headless');
  return installedFolder(`jdbc-${await digestOf('pom.xml')}`, async (folder) => {
    const maven = await debianProgram('mvn', 'maven');
    // Maven writes a target folder beside the pom: not into the checkout.
    const pom = join(folder, 'pom.xml');
    await copyFile(join(FOLDER, 'pom.xml'), pom);
    const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
    await runOk(maven, ['-q', '-B', '-f', pom, ...copy, `-DoutputDirectory=${folder}`], {
      timeoutMs: 600_000,
    });
  });
}

/** Plays the story over one JDBC URL; the lines that it printed. Throws unless all of its checks held. */
export async function jdbcStory(url: string, mode: string, database: string): Promise<string[]> {
  const classpath = `${await jars()}/*`;
  const source = `${STORY}.java`;
  const classes = await installedFolder(`jdbc-story-${await digestOf(source)}`, async (folder) => {
    const javac = await debianProgram('javac', 'openjdk-17-jdk-headless');
    await runOk(javac, ['-cp', classpath, '-d', folder, join(FOLDER, source)]);
  });
  const options = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Duser.timezone=UTC',
  ];
  const args = ['-cp', `${classpath}:${classes}`, STORY, url, mode, database];
  return (await runOk('java', [...options, ...args], { timeoutMs: 180_000 })).trim().split('\n');
}
