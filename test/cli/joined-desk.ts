// A desk whose officer has joined a running deployment: their key is in a token of their own, and governance knows it.

import { RunningTime } from '../../devnet/deployment.js';
import { ApiRig } from '../orchestrator/api-rig.js';
import { Desk } from './desk.js';

export interface JoinedDesk {
  readonly desk: Desk;
  readonly rig: ApiRig;
  /** The officer's configuration file: dora's. */
  readonly config: string;
}

export async function joinedDesk(): Promise<JoinedDesk> {
  const desk = await Desk.create(['dora']);
  const rig = await ApiRig.start('SQLite', new RunningTime());
  const { deployment } = rig;
  const config = await desk.config('dora', { api: rig.url, deployment: deployment.deploymentId });
  const key = ['--label', 'approvals', '--curve', 'p256'];
  const made = await desk.run('keys', 'generate', ...key, '--json', '--config', config);
  const credential = {
    credentialId: 'dora-token',
    credentialClass: 'pkcs11',
    algorithm: 'p256',
    publicKey: String(made.answer?.publicKey),
  } as const;
  const person = { personId: 'dora', name: 'dora', credentials: [credential] };
  const entry = deployment.entry({ kind: 'person-added', person, groups: [] }, [
    deployment.alice,
    deployment.bob,
  ]);
  const { status, text } = await rig.alice.post('/v1/governance/entries', { body: entry });
  if (status !== 201) throw new Error(`dora has not joined: ${status} ${text}`);
  deployment.log.push(entry);
  return { desk, rig, config };
}
