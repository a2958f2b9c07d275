import { chmod, copyFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { hasProved } from '../../src/core/governance/attestation-key.js';
import { Desk, pinOf } from './desk.js';

let desk: Desk;
let config: string[];
beforeAll(async () => {
  desk = await Desk.create(['treasury']);
  config = ['--config', await desk.config('treasury'), '--json'];
});
afterAll(() => desk.destroy());

describe('portcullis keys', () => {
  it('makes a wallet key inside the token, and says that it cannot leave it', async () => {
    const args = ['keys', 'generate', '--label', 'hot-btc-1', '--curve', 'secp256k1', '--network', 'regtest'];
    const made = await desk.run(...args, ...config);
    expect(made).toMatchObject({
      exit: 0,
      answer: { label: 'hot-btc-1', unextractable: true, bornInToken: true },
    });
    expect(made.answer?.compressed).toMatch(/^0[23][0-9a-f]{64}$/);
    expect(made.answer?.addresses).toMatchObject({
      bitcoin: expect.stringMatching(/^bcrt1q/),
      ethereum: expect.stringMatching(/^0x/),
    });

    const shown = await desk.run('keys', 'show', 'hot-btc-1', '--network', 'regtest', ...config);
    expect(shown.answer).toEqual(made.answer);
    const listed = await desk.run('keys', 'list', ...config);
    expect(listed.answer).toMatchObject({ keys: [{ label: 'hot-btc-1', key: { curve: 'secp256k1' } }] });
  });

  it('shows an officer’s key to people', async () => {
    const args = ['keys', 'generate', '--label', 'approvals', '--curve', 'p256'];
    expect(await desk.run(...args, ...config.slice(0, 2))).toMatchObject({
      exit: 0,
      output: expect.stringContaining('P-256, for approvals'),
    });
  });

  it('makes a key for messages, which has no address and no other form, and lists it beside the others', async () => {
    const args = ['keys', 'generate', '--label', 'messages', '--curve', 'ed25519'];
    const made = await desk.run(...args, ...config);
    expect(made).toMatchObject({
      exit: 0,
      answer: { curve: 'ed25519', publicKey: expect.stringMatching(/^[0-9a-f]{64}$/), bornInToken: true },
    });
    expect(made.answer).not.toHaveProperty('compressed');
    expect(made.answer).not.toHaveProperty('addresses');
    const people = config.slice(0, 2);
    const publicKey = String(made.answer?.publicKey);
    const shown = await desk.run('keys', 'show', 'messages', ...people);
    expect(shown.output).toContain('Ed25519, for messages');
    expect(shown.output).toContain(publicKey);
    expect((await desk.run('keys', 'list', ...people)).output).toContain(publicKey);
  });

  it('has a key sign that it is offered as an attestation key of one deployment, and no key of another kind', async () => {
    const deployment = 'ab'.repeat(32);
    await desk.run('keys', 'generate', '--label', 'attestation-2', '--curve', 'p256', ...config);
    const prove = (label: string, id: string) =>
      desk.run('keys', 'prove', label, '--deployment', id, ...config);
    const proved = await prove('attestation-2', deployment);
    expect(proved).toMatchObject({ exit: 0, answer: { label: 'attestation-2', unextractable: true } });
    const { publicKey, proof } = z
      .looseObject({ publicKey: z.string(), proof: z.string() })
      .parse(proved.answer);
    expect(hasProved(deployment, publicKey, proof)).toBe(true);
    expect(hasProved('cd'.repeat(32), publicKey, proof)).toBe(false);
    await desk.run('keys', 'generate', '--label', 'wallet-1', '--curve', 'secp256k1', ...config);
    expect(await prove('wallet-1', deployment)).toMatchObject({ exit: 4, code: 'key-mismatch' });
    expect(await prove('attestation-2', 'ab')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    const nowhere = await desk.run('keys', 'prove', 'attestation-2', ...config);
    expect(nowhere).toMatchObject({ exit: 2, code: 'arguments-invalid' });
  });

  it('refuses a label that is taken', async () => {
    const args = ['keys', 'generate', '--label', 'twice', '--curve', 'p256', ...config];
    expect(await desk.run(...args)).toMatchObject({ exit: 0 });
    expect(await desk.run(...args)).toMatchObject({ exit: 1, code: 'key-duplicate', output: '' });
  });

  it('refuses a curve and a label that cannot be', async () => {
    const curve = await desk.run('keys', 'generate', '--label', 'x', '--curve', 'p521', ...config);
    expect(curve).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    const label = await desk.run('keys', 'generate', '--curve', 'p256', ...config);
    expect(label).toMatchObject({ exit: 2, code: 'arguments-invalid' });
  });

  it('says so when the token has no such key, or there is no such token', async () => {
    expect(await desk.run('keys', 'show', 'nobody', ...config)).toMatchObject({
      exit: 1,
      code: 'key-missing',
    });
    const absent = await desk.run(
      'keys',
      'list',
      '--token',
      'absent',
      '--pin-file',
      desk.pinFile('treasury'),
      ...config,
    );
    expect(absent).toMatchObject({ exit: 3, code: 'token-gone' });
  });

  it('refuses a PIN file that others can read, and asks nobody where there is no terminal', async () => {
    const open = desk.path('open.pin');
    await copyFile(desk.pinFile('treasury'), open);
    await chmod(open, 0o644);
    expect(await desk.run('keys', 'list', '--pin-file', open, ...config)).toMatchObject({
      exit: 3,
      code: 'login-failed',
    });
    const module = ['--module', desk.softHsm.modulePath, '--token', 'treasury'];
    expect(await desk.run('keys', 'list', ...module, '--json')).toMatchObject({
      exit: 2,
      code: 'pin-needed',
    });
  });

  it('ends with 3 at a wrong PIN, tries it once, and never shows one', async () => {
    const wrong = await desk.write('wrong.pin', '00000000\n');
    const refused = await desk.run('keys', 'list', '--pin-file', wrong, ...config);
    expect(refused).toMatchObject({ exit: 3, code: 'login-failed' });
    const listed = await desk.run('keys', 'list', ...config);
    expect(listed.exit).toBe(0);
    for (const { output, errors } of [refused, listed]) {
      expect(output + errors).not.toContain(pinOf('treasury'));
      expect(output + errors).not.toContain('00000000');
    }
  });

  it('makes a backend’s request key in a file of its own', async () => {
    const file = desk.path('exchange.pem');
    const made = await desk.run('keys', 'request-key', 'generate', file, '--json');
    expect(made).toMatchObject({ exit: 0, answer: { publicKey: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await desk.run('keys', 'request-key', 'show', file, '--json')).answer).toEqual(made.answer);
    expect(await desk.run('keys', 'request-key', 'generate', file, '--json')).toMatchObject({
      exit: 2,
      code: 'file-exists',
    });
  });
});
