// The audit log in the demo: a quorum names it and the key in the treasury's token that its checkpoints are signed with; in
// the end somebody who trusts nobody copies it and checks all of it.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { verifierKeyText } from '../src/core/audit/note.js';
import { makeKey } from './ceremony.js';
import { portcullis, portcullisOk, typed } from './command.js';
import { until } from './failure.js';
import type { Screen } from './screen.js';
import { places, writeText } from './stage.js';

const ORIGIN = 'demo.portcullis.example/audit';
const LABEL = 'audit-1';
const SIGNERS = ['alice', 'bob'] as const;
const WITHIN_MS = 60_000;
const PAUSE_MS = 500;

const keyFile = z.object({ publicKey: z.string() });
const mirrored = z.object({ size: z.int() });
const found = z.object({ items: z.array(z.object({ entry: z.object({ sequence: z.int() }) })) });

/** Before the signer takes the token. */
export async function makeAuditKey(): Promise<void> {
  if (existsSync(places.key(LABEL))) return;
  await makeKey('treasury', LABEL, 'ed25519', places.key(LABEL));
}

function publicKey(): string {
  return keyFile.parse(JSON.parse(readFileSync(places.key(LABEL), 'utf8'))).publicKey;
}

/** A change of governance that two officers sign, and the signer takes. */
export async function enact(changeFile: string, entryFile: string): Promise<void> {
  rmSync(entryFile, { force: true });
  const [first] = SIGNERS;
  const as = (person: string) => ['--config', places.config(person)];
  await portcullisOk(
    ['governance', 'propose', '--change', changeFile, '--out', entryFile, ...as(first)],
    z.unknown(),
  );
  for (const person of SIGNERS) {
    await portcullisOk(['governance', 'sign', entryFile, '--yes', ...as(person)], z.unknown());
  }
  await portcullisOk(['governance', 'submit', entryFile, ...as(first)], z.unknown());
}

/** Once for each deployment: two officers sign the entry, the signer takes it. */
export async function nameAuditLog(screen: Screen): Promise<void> {
  if (existsSync(places.auditLogNamed)) return;
  const key = { token: 'treasury', label: LABEL, algorithm: 'ed25519', publicKey: publicKey() };
  const change = { kind: 'audit-log-set', auditLog: { origin: ORIGIN, key } };
  writeText(places.auditLogChange, stringify(change), 0o644);
  await screen.during(
    'audit log named by two officers',
    async () => {
      await enact(places.auditLogChange, places.auditLogEntry);
    },
    () => ORIGIN,
  );
  writeText(places.auditLogNamed, `${ORIGIN}\n`, 0o644);
}

/** A copy of the log, with everything that was just done, checked against the key that the officers named. */
export async function checkAuditLog(screen: Screen, transferId: string): Promise<void> {
  const alice = ['--config', places.config('alice')];
  const key = verifierKeyText({ name: ORIGIN, publicKey: Buffer.from(publicKey(), 'hex') });
  const mirror = ['audit', 'mirror', places.auditMirror, '--key', key, ...alice];
  const verify = ['audit', 'verify', places.auditMirror, '--key', key];
  const find = ['audit', 'find', '--transfer', transferId, '--kind', 'transition', '--limit', '1', ...alice];
  await screen.during(
    'audit log copied, all of it checked',
    async () => {
      const { items } = await portcullisOk(find, found);
      const newest = items[0]?.entry.sequence ?? Number.MAX_SAFE_INTEGER;
      const copied = await until(
        'a checkpoint of the audit log',
        WITHIN_MS,
        async () => {
          const { exit, answer } = await portcullis(mirror);
          const size = exit === 0 ? mirrored.parse(answer).size : 0;
          return size > newest ? size : undefined;
        },
        PAUSE_MS,
      );
      await portcullisOk(verify, z.object({ valid: z.literal(true) }));
      return copied;
    },
    (size) => `${size} entries, signed in the HSM`,
  );
  screen.command(typed(verify));
  screen.command(typed(['audit', 'transfer', transferId, ...alice]));
}
