// go-sql-driver/mysql: the program in go/, built once per text of it (a minute or so the first time).
import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianProgram, installedFolder, runOk } from './processes.ts';

const FOLDER = join(import.meta.dirname, 'go');
const FILES = ['go.mod', 'go.sum', 'main.go'];

/** Plays the story; the lines that it printed. Throws unless all of its checks held. */
export async function goStory(port: number, certificate: string): Promise<string[]> {
  const digest = createHash('sha256');
  for (const file of FILES) digest.update(await readFile(join(FOLDER, file)));
  const name = `go-client-${digest.digest('hex').slice(0, 12)}`;
  const folder = await installedFolder(name, async (draft) => {
    const go = await debianProgram('go', 'golang-go');
    for (const file of FILES) await copyFile(join(FOLDER, file), join(draft, file));
    await runOk(go, ['build', '-o', join(draft, 'client'), '.'], {
      cwd: draft,
      env: { CGO_ENABLED: '0' },
      timeoutMs: 600_000,
    });
  });
  const printed = await runOk(join(folder, 'client'), [String(port), certificate]);
  return printed.trim().split('\n');
}
