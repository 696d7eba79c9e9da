// Child of local-store.test.ts: writes objects as fast as it can until it is killed.
import { randomUUID } from 'node:crypto';
import { present } from '../../../src/base/assert.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';

const store = new LocalStore({ root: present(process.argv[2], 'root'), where: 'test' });
for (let i = 0; ; i += 1) {
  await store.put(`put/${i % 7}`, Buffer.alloc(400_000, 97 + (i % 26)));
  await store.putIfAbsent(`absent/${randomUUID()}`, Buffer.alloc(400_000, 97 + (i % 26)));
}
