// docs/api.md says what the program does: every route, every code with its status, and a signed request that comes out
// byte for byte.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { signHttpRequest } from '../../core/http-message-signatures/sign.js';
import * as approvals from '../approvals/approval.endpoints.js';
import * as audit from '../audit/audit.endpoints.js';
import * as certificates from '../certificates/certificate.endpoints.js';
import * as governance from '../governance/governance.endpoints.js';
import * as heads from '../governance/heads.endpoints.js';
import * as proposals from '../governance/proposal.endpoints.js';
import * as simulations from '../simulations/simulation.endpoints.js';
import * as status from '../status/status.endpoints.js';
import * as transfers from '../transfers/transfer.endpoints.js';
import * as wallets from '../wallets/wallet.endpoints.js';
import * as waysOut from '../ways-out/ways-out.endpoints.js';
import { getOpenApi } from './documents.endpoints.js';
import type { Endpoint } from './endpoint.js';
import { PROBLEMS } from './problems.js';

const page = readFileSync(join('docs', 'api.md'), 'utf8');
const endpoints: Endpoint[] = [
  approvals,
  audit,
  certificates,
  governance,
  heads,
  proposals,
  simulations,
  status,
  transfers,
  wallets,
  waysOut,
  { getOpenApi },
].flatMap((module) =>
  Object.values(module).filter(
    (value): value is Endpoint => typeof value === 'object' && 'operation' in value && 'answer' in value,
  ),
);

describe('docs/audit-log.md', () => {
  const log = readFileSync(join('docs', 'audit-log.md'), 'utf8');

  it('names what is recorded each time, and what is recorded before the signer is asked, and nothing else as such', () => {
    const each = endpoints.filter(({ isRecorded }) => isRecorded).map(({ operation }) => `\`${operation}\``);
    const row = log.split('\n').find((line) => line.endsWith('| each time |'));
    expect(row?.match(/`[A-Za-z]+`/g)?.toSorted()).toEqual(each.toSorted());
    const handedIn = endpoints.flatMap(({ handsIn }) =>
      handsIn ? [`\`${handsIn.kind}\` (\`${handsIn.what}\`)`] : [],
    );
    const before = log.split('\n').find((line) => line.includes('before the signer is asked'));
    expect(before?.match(/`[a-z]+` \(`[a-z-]+`\)/g)?.toSorted()).toEqual(handedIn.toSorted());
  });
});

describe('docs/api.md', () => {
  it('has every route', () => {
    for (const { method, path } of endpoints) expect(page).toContain(`\`${method} ${path}\``);
  });

  it('has every code with its status and words, and no other', () => {
    const rows = Object.entries(PROBLEMS).map(
      ([code, { status: http, title, detail }]) => `| \`${code}\` | ${http} | ${title} | ${detail} |`,
    );
    expect(page.split('\n').filter((line) => /^\| `[a-z-]+` \| \d{3} \|/.test(line))).toEqual(rows);
  });

  it('has a signed request that comes out as printed', async () => {
    let base = '';
    const headers = await signHttpRequest(
      { method: 'GET', url: 'https://treasury.example/v1/transfers?state=settled&limit=20' },
      {
        keyId: 'payout-desk',
        alg: 'ed25519',
        nowMs: 1_767_225_600_000,
        nonce: 'q3Z7yT0bJm2n8sVxk4aE1w',
        sign: async (bytes) => {
          base = new TextDecoder().decode(bytes);
          return ed25519.sign(bytes, new Uint8Array(32).fill(1));
        },
      },
    );
    expect(page).toContain(
      `Signature-Input: ${headers['signature-input']}\nSignature: ${headers.signature}\n`,
    );
    expect(page).toContain(`\`\`\`text\n${base}\n\`\`\``);
  });
});
