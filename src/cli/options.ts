// Options that several commands have, with their texts and schemas in one place.

import { z } from 'zod';
import { type NoteKey, parseVerifierKey } from '../core/audit/note.js';
import { identifier } from '../core/statements/fields.js';
import { cliFault } from './exit.js';

type Flags = readonly (readonly [flags: string, description: string, fallback?: string])[];

export const tokenFlags: Flags = [
  ['--module <path>', "the token's PKCS#11 module, a shared library"],
  ['--token <label>', 'label of the token'],
  ['--pin-file <file>', 'file with the PIN, mode 0600; asked for when there is none'],
];

export const tokenShape = {
  module: z.string().min(1).exactOptional(),
  token: z.string().min(1).max(32).exactOptional(),
  pinFile: z.string().min(1).exactOptional(),
};

export const apiFlags: Flags = [['--api <url>', "address of the orchestrator's API"]];

export const officerFlags: Flags = [
  ...apiFlags,
  ['--credential <id>', 'your credential, as the roster names it'],
  ['--key <label>', "label of the credential's key on the token"],
  ['--sign-with <what>', 'token or ledger: what signs the statement; your Ledger where one is configured'],
  ...tokenFlags,
];

export const officerShape = {
  api: z.url({ protocol: /^https?$/ }).exactOptional(),
  credential: identifier.exactOptional(),
  key: z.string().min(1).max(255).exactOptional(),
  signWith: z.enum(['token', 'ledger']).exactOptional(),
  ...tokenShape,
};

export const pinFlags: Flags = [
  ['--deployment <id>', 'deployment id that you trust, as it was read out at the ceremony'],
  ['--log <file>', 'the governance log from a file instead of the API'],
];

export const pinShape = {
  deployment: z
    .string()
    .transform((text) => text.replaceAll(/[\s-]/g, '').toLowerCase())
    .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'a deployment id has 64 hexadecimal digits'))
    .exactOptional(),
  log: z.string().min(1).exactOptional(),
};

/** For what the signer's own socket serves as well as the API. */
export const socketFlags: Flags = [['--socket <path>', "the signer's socket, in place of the API"]];
export const socketShape = { socket: z.string().min(1).exactOptional() };

export const logKeyFlags: Flags = [['--key <key>', "the log's verifier key: name, hash and public key"]];

/** What `logKeyFlags` say. Faults `arguments-invalid`. */
export function logKeyFrom(text: string): NoteKey {
  const key = parseVerifierKey(text);
  if (key.kind === 'refused')
    throw cliFault('arguments-invalid', '--key is no verifier key', { code: key.code });
  return key.value;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "90s", "30m", "24h", "7d" in milliseconds. */
export const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,5}[smhd]$/, 'a duration is written like 90s, 30m, 24h or 7d')
  .transform((text) => Number.parseInt(text, 10) * (UNITS[text.slice(-1)] ?? 0));
