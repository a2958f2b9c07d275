// What tests of governance at the command line share: a desk with one officer whose key is in a real token, the signer's
// socket, and the log as the signer has it.

import type { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import type { Person } from '../../src/core/governance/entry.js';
import { replayLog } from '../../src/core/governance/replay.js';
import type { GovernanceState } from '../../src/core/governance/state.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { governanceResult } from '../../src/signer-protocol/messages.js';
import { Desk } from './desk.js';

export interface OfficersDesk {
  readonly desk: Desk;
  readonly config: string;
  readonly publicKey: string;
  /** Of the officer, for the roster. */
  readonly person: Person;
}

export async function deskOf(personId: string): Promise<OfficersDesk> {
  const desk = await Desk.create([personId]);
  const config = await desk.config(personId);
  const key = ['--label', 'approvals', '--curve', 'p256'];
  const made = await desk.run('keys', 'generate', ...key, '--json', '--config', config);
  const publicKey = String(made.answer?.publicKey);
  const credentials: Person['credentials'] = [
    { credentialId: `${personId}-token`, credentialClass: 'pkcs11', algorithm: 'p256', publicKey },
  ];
  return { desk, config, publicKey, person: { personId, name: personId, credentials } };
}

export function socketOf(deployment: Deployment): string {
  const { listen } = deployment.config();
  if (listen.kind !== 'unix') throw new Error('the test deployment listens on a unix socket');
  return listen.path;
}

/** What the signer's log comes to now, which the deployment takes over. */
export async function readLog(deployment: Deployment, signer: SocketClient): Promise<GovernanceState> {
  const answer = await signer.ask({ verb: 'governance-read', fromSequence: 0 });
  if (answer.kind !== 'done') throw new Error(codeOf(answer));
  const { entries } = governanceResult.parse(answer.result);
  deployment.log.splice(0, deployment.log.length, ...entries);
  const state = replayLog(entries, nativeVerifier);
  if (state.kind === 'refused') throw new Error(state.code);
  return state.value;
}
