// The demo's people and programs that ask: each with a configuration of their own for the portcullis command, as they
// would have it on their own machines.

import { stringify } from 'yaml';
import { createSoftHsm, type SoftHsm } from '../devnet/softhsm.js';
import type { CliConfig } from '../src/cli/cli-config.js';
import { PEOPLE, type Person, places, writeText } from './stage.js';

/** Ids in governance. */
export const credentialOf = (person: Person) => `${person}-token`;
export const APPROVAL_KEY = 'approvals';

export interface Asker {
  readonly keyId: string;
  /** On whose behalf it asks. */
  readonly requester: string;
}
/** The exchange's withdrawal service. */
export const EXCHANGE: Asker = { keyId: 'exchange-1', requester: 'exchange' };
/** A desk of officer carol's own: what it asks for, she can never approve. */
export const DESK: Asker = { keyId: 'carol-desk', requester: 'carol' };
export const ASKERS = [EXCHANGE, DESK] as const;

/** A token of its own for everybody, in a folder of its own, as if on a machine of its own. Repairs what a crash left. */
export async function openTokens(): Promise<ReadonlyMap<string, SoftHsm>> {
  const tokens = new Map<string, SoftHsm>();
  for (const owner of ['treasury', ...PEOPLE]) tokens.set(owner, await createSoftHsm(places.hsm(owner)));
  return tokens;
}

function tokenSettings(owner: string, softHsm: SoftHsm): NonNullable<CliConfig['token']> {
  return {
    module: softHsm.modulePath,
    label: owner,
    pinFile: `${places.hsm(owner)}/pins/${owner}.pin`,
    environment: { ...softHsm.environment },
  };
}

const NOTE = '# Settings of the portcullis command, for';

function write(who: string, config: CliConfig): void {
  writeText(
    places.config(who),
    `${NOTE} ${who}. Made by the demo at every start.\n${stringify(config)}`,
    0o644,
  );
}

/** For whoever makes the wallet keys at the ceremony. */
export function writeTreasuryConfig(tokens: ReadonlyMap<string, SoftHsm>): void {
  const softHsm = tokens.get('treasury');
  if (softHsm) write('treasury', { token: tokenSettings('treasury', softHsm) });
}

/** `deployment` once there is one, `api` once it has an address. */
export function writeOfficerConfigs(
  tokens: ReadonlyMap<string, SoftHsm>,
  known: Pick<CliConfig, 'api' | 'deployment'>,
): void {
  for (const person of PEOPLE) {
    const softHsm = tokens.get(person);
    if (!softHsm) continue;
    const credential = { id: credentialOf(person), key: APPROVAL_KEY };
    write(person, { ...known, token: tokenSettings(person, softHsm), credential });
  }
}

export function writeAskerConfigs(known: Required<Pick<CliConfig, 'api' | 'deployment' | 'log'>>): void {
  for (const { keyId, requester } of ASKERS) {
    write(keyId, { ...known, requestKey: { id: keyId, file: places.requestKey(keyId), requester } });
  }
}
