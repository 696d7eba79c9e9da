// SCRAM against the RFC's example and against servers that lie.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startScram } from '../../../../src/kafka/client/scram.ts';

const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const SERVER_NONCE = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
const SERVER_FIRST = `r=${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;

describe('SCRAM', () => {
  it('answers as in RFC 7677, section 3', async () => {
    const exchange = startScram('sha256', 'user', 'pencil', NONCE);
    assert.equal(exchange.clientFirst, `n,,n=user,r=${NONCE}`);
    const proof = await exchange.answer(SERVER_FIRST);
    assert.equal(
      proof.clientFinal,
      `c=biws,r=${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
    );
    assert.ok(proof.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='));
    assert.ok(!proof.verify('v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='));
    assert.ok(!proof.verify('e=other-error'));
  });

  it('escapes what separates fields in a user name', () => {
    assert.equal(startScram('sha512', 'a=b,c', 'p', 'x').clientFirst, 'n,,n=a=3Db=2Cc,r=x');
  });

  it('refuses a server that weakens the exchange', async () => {
    const exchange = startScram('sha256', 'user', 'pencil', NONCE);
    const salt = 's=W22ZaJ0SNY7soEsUEjb6gQ==';
    await assert.rejects(exchange.answer(`r=other,${salt},i=4096`), /nonce/);
    await assert.rejects(exchange.answer(`r=${NONCE},${salt},i=4096`), /nonce/);
    await assert.rejects(exchange.answer(`r=${SERVER_NONCE},${salt},i=1`), /1 iterations/);
    await assert.rejects(exchange.answer(`r=${SERVER_NONCE},${salt},i=99999999`), /iterations/);
    await assert.rejects(exchange.answer(`r=${SERVER_NONCE},i=4096`), /salt/);
    await assert.rejects(exchange.answer('nonsense'), /nonce/);
  });
});
