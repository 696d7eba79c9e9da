// kill -9 and lost answers around the ALTER TABLE that a Routine Load with schema_evolution makes: whatever was done by
// then, every row is there once, with the values of its new fields.
import { test } from 'node:test';
import { FaultRig } from '../support/fault-rig.ts';

const STEPS = [
  // Before the FE hears of it, inside the change, between the change and the first load after it.
  'fe:task-failed.before=kill@1',
  'fe:schema.in-sql=kill@1',
  'fe:schema.after-sql=kill@1',
  'fe:schedule.after-grant=kill@2',
];

/** The table has two of five columns, one of them too narrow; the messages ask for the rest. */
async function prepare(rig: FaultRig, writer: Awaited<ReturnType<FaultRig['writer']>>) {
  await rig.useVolume();
  await rig.loadBy(writer, 'events', [
    'CREATE DATABASE d',
    'CREATE TABLE d.events (id TINYINT NOT NULL, amount DECIMAL(12, 2)) DUPLICATE KEY (id)',
    `CREATE ROUTINE LOAD d.events ON events
      PROPERTIES ("format" = "json", "max_error_number" = "1000000000", "schema_evolution" = "add_columns")
      FROM KAFKA ("kafka_broker_list" = "127.0.0.1:${rig.brokerPort}", "kafka_topic" = "events",
        "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  ]);
}

for (const failpoints of STEPS)
  test(failpoints, async (t) => {
    const rig = await FaultRig.open(t);
    const writer = await rig.writer('events', 3, { badEvery: 97 });
    await rig.start({ failpoints });
    await prepare(rig, writer);
    const restarted = rig.untilDead().then(() => rig.start());
    await writer.trickleUntil(restarted, 12, 500, 60);
    await rig.assertExact();
  });

test('the answer to the task is lost: the table is changed once', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3, { badEvery: 97 });
  await rig.start({ failpoints: 'fe:rpc.answer:taskFailed=lose@1' });
  await prepare(rig, writer);
  await writer.trickle(12, 500, 60);
  await rig.assertExact();
});

test('the loader is killed before it commits the first rows of the new columns', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3, { badEvery: 97 });
  await rig.start({ failpoints: 'loader:task.before-commit=kill@1' });
  await prepare(rig, writer);
  const killed = rig.untilLogged('child process ended, starting it again');
  await writer.trickleUntil(killed, 12, 500, 60);
  await rig.assertExact();
});
