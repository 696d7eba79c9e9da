// Which account a client gets, by its address.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseAccount, matchesHost } from '../../../src/access/host-pattern.ts';

const MATCHES: readonly (readonly [pattern: string, address: string, matches: boolean])[] = [
  ['%', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.30', false],
  ['10.1.%', '10.1.2.3', true],
  ['10.1.%', '10.10.2.3', false],
  ['10.1.2._', '10.1.2.3', true],
  ['10.1.2._', '10.1.2.33', false],
  ['10.%.3', '10.1.2.3', true],
  ['%.%.%.%', '10.1.2.3', true],
  ['localhost', '127.0.0.1', true],
  ['localhost', '::1', true],
  ['localhost', '10.0.0.1', false],
  ['FE80::%', 'fe80::1', true],
  // A point is a point.
  ['10.1.2.3', '10x1x2x3', false],
];

for (const [pattern, address, matches] of MATCHES) {
  test(`${pattern} ${matches ? 'fits' : 'does not fit'} ${address}`, () =>
    assert.equal(matchesHost(pattern, address), matches));
}

test('the most exact host is taken, in whatever order they are', () => {
  const hosts = ['%', '10.%', '10.1.%', '10.1.2.3', '10.1.2._', '192.168.%'];
  const expected: readonly (readonly [string, string | undefined])[] = [
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.4', '10.1.2._'],
    ['10.1.9.9', '10.1.%'],
    ['10.9.9.9', '10.%'],
    ['11.1.1.1', '%'],
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(hosts, { minLength: hosts.length }), (shuffled) => {
      const accounts = shuffled.map((host) => ({ name: 'u', host }));
      for (const [address, host] of expected) {
        assert.equal(chooseAccount(accounts, address)?.host, host);
      }
    }),
  );
  assert.equal(chooseAccount([{ name: 'u', host: '10.%' }], '11.1.1.1'), undefined);
});

test('patterns agree with a regular expression, and hostile ones cost little', () => {
  const letters = fc.constantFrom('a', 'b', '%', '_', '.');
  const pattern = fc.array(letters, { maxLength: 12 }).map((parts) => parts.join(''));
  const address = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 12 });
  fc.assert(
    fc.property(pattern, address, (like, parts) => {
      const text = parts.join('');
      const expression = like.replaceAll('.', '\\.').replaceAll('%', '.*').replaceAll('_', '.');
      const isSame = like === text;
      assert.equal(matchesHost(like, text), isSame || new RegExp(`^${expression}$`).test(text));
    }),
    { numRuns: 2000 },
  );
  const startCpu = process.cpuUsage();
  assert.equal(matchesHost('%a'.repeat(120), `${'a'.repeat(240)}b`), false);
  assert.ok(process.cpuUsage(startCpu).user / 1000 < 1000);
});
