// `refusals` with an officer's real token against the real orchestrator.

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { refusedRequest } from '../../src/cli/refused-past.js';
import { transferView } from '../../src/orchestrator/transfers/transfer.dto.js';
import type { ApiRig } from '../orchestrator/api-rig.js';
import type { Desk } from './desk.js';
import { joinedDesk } from './joined-desk.js';

let desk: Desk;
let rig: ApiRig;
let config: string;

beforeAll(async () => {
  ({ desk, rig, config } = await joinedDesk());
});
afterAll(async () => {
  await rig?.stop();
  await desk?.destroy();
});

async function asked(amount: string, state: string) {
  const request = rig.deployment.request({ amount });
  const answer = await rig.exchange.post('/v1/transfers', {
    body: request,
    idempotencyKey: request.statement.requestId,
  });
  const { transferId } = transferView.parse(answer.body);
  await rig.transferIn(transferId, state);
  return request;
}

describe('portcullis refusals', () => {
  it('saves what policies refused, as its key signed it, and nothing else', async () => {
    const request = await asked('100000000000', 'refused');
    await asked('50000000', 'awaiting-approvals');
    const out = desk.path('refused.jsonl');
    const ended = await desk.run('refusals', '--out', out, '--json', '--config', config);
    expect(ended).toMatchObject({ exit: 0, answer: { refused: 1 } });
    const line = refusedRequest.parse(JSON.parse(await readFile(out, 'utf8')));
    expect(line).toMatchObject({ request, by: 'orchestrator' });
    expect(line.code).toMatch(/^(policy-|limit-)/);
    expect(line.rule ?? line.code).toMatch(/^(hot-bitcoin\/|policy-no-match$)/);
    expect(await desk.run('refusals', '--out', out, '--json', '--config', config)).toMatchObject({
      code: 'file-exists',
    });
  });
});
