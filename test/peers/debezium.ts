// Debezium's own engine with its PostgreSQL connector: the change events that users have, as it writes them.
import { join } from 'node:path';
import { mavenJars, runClass } from './java.ts';

const FOLDER = join(import.meta.dirname, 'debezium');

/** Sends the changes of a PostgreSQL to Kafka; ends when a row came into its table `done`. See DebeziumStory.java. */
export async function runDebezium(
  bootstrap: string,
  port: number,
  database: string,
): Promise<void> {
  const jars = await mavenJars(FOLDER, 'debezium');
  const args = [bootstrap, String(port), database];
  await runClass(jars, join(FOLDER, 'DebeziumStory.java'), args, { timeoutMs: 180_000 });
}
