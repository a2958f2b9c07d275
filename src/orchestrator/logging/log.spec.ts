// What a log line shows, and above all what it does not.

import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { Log, loggedError, scrub } from './log.js';

function captured(level: 'info' | 'debug' = 'info'): { log: Log; lines: () => string } {
  let written = '';
  const write = (line: string) => {
    written += line;
  };
  return { log: Log.to({ level }, { write }), lines: () => written };
}

describe('a log line', () => {
  it('is one JSON object with a message that never varies, and facts', () => {
    const { log, lines } = captured();
    log.info('answered', { status: 200, method: 'GET' });
    expect(JSON.parse(lines())).toMatchObject({
      program: 'orchestrator',
      msg: 'answered',
      status: 200,
      method: 'GET',
    });
  });

  it('of a fault says its code, its facts and its causes', () => {
    const { log, lines } = captured();
    const cause = new Error('socket hang up');
    log.failure(
      'step failed',
      { transfer: 'tr-1' },
      new Fault('chain-unavailable', 'no node', { facts: { tried: 2 }, cause }),
    );
    expect(JSON.parse(lines())).toMatchObject({
      transfer: 'tr-1',
      error: { code: 'chain-unavailable', facts: { tried: 2 }, cause: { message: 'socket hang up' } },
    });
  });
});

describe('secrets', () => {
  it.each([
    ['connect ECONNREFUSED postgres://portcullis:hunter2@db.internal:5432/main?x=hunter2', 'hunter2'],
    ['POST https://mainnet.provider.example/v3/0123456789abcdef0123 failed', '0123456789abcdef0123'],
    ['https://provider.example?apikey=k3y', 'k3y'],
    ['C_Login failed with pin=482913', '482913'],
    ['{"password":"hunter2","user":"x"}', 'hunter2'],
    ["passphrase: 'correct horse'", 'correct horse'],
    ['authorization: Bearer abcdef.123', 'abcdef.123'],
    ['got Basic dXNlcjpwdw== instead', 'dXNlcjpwdw=='],
    ['-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----', 'MIIEvQ'],
    ['-----BEGIN EC PRIVATE KEY-----\nMHcCAQ', 'MHcCAQ'],
  ])('are not in a scrubbed text: %j', (text, secret) => {
    expect(scrub(text)).not.toContain(secret);
  });

  it('are in no line, whether they come in a message, a stack, a cause or from the framework', () => {
    const { log, lines } = captured('debug');
    const secret = 'hunter2';
    const url = `postgres://u:${secret}@127.0.0.1/d`;
    const error = new Error(`cannot open ${url}`, {
      cause: new Error(`password=${secret}`, { cause: `pin: ${secret}` }),
    });
    log.failure('failed', {}, error);
    log.warning('failed', {}, error);
    log.error(error, 'context');
    log.warn(`see ${url}`);
    log.log(`see ${url}`);
    expect(lines().split('\n')).toHaveLength(6);
    expect(lines()).not.toContain(secret);
    expect(lines()).toContain('postgres://127.0.0.1');
  });

  it('cannot ride along as other properties of whatever was thrown', () => {
    const error = Object.assign(new Error('request failed'), {
      config: { headers: { signature: 'hunter2' } },
    });
    expect(JSON.stringify(loggedError(error))).not.toContain('hunter2');
    expect(JSON.stringify(loggedError({ pin: 'hunter2' }))).not.toContain('hunter2');
  });
});

it('a text is bounded, and so is a chain of causes', () => {
  expect(scrub('x'.repeat(10_000))).toHaveLength(2_001);
  const error = new Error('loop');
  error.cause = error;
  expect(JSON.stringify(loggedError(error)).length).toBeLessThan(20_000);
});
