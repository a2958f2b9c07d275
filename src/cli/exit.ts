// How a command ends: the exit codes that scripts go by, and which fault gives which. docs/cli.md lists them.

import { type Facts, Fault } from '../core/fault.js';
import type { ConfigurationFaultCode } from '../platform/configuration-file.js';
import type { SdkFaultCode } from '../sdk/api.js';

export const EXIT = {
  ok: 0,
  /** The rules say no, or what was waited for ended badly; the code says why. */
  refused: 1,
  /** Arguments, configuration or files are not as they must be. */
  usage: 2,
  /** The API or the token does not answer. */
  unreachable: 3,
  /** What was served does not fit what was signed or pinned. Nobody should go on before a person has looked. */
  mismatch: 4,
  /** The person at the keyboard said no. */
  notConfirmed: 5,
  /** Not there yet when the time given was over; it may still come. */
  notYet: 6,
  /** Nobody knows what became of it: whoever takes this for a "no" and repeats it may pay twice. */
  unknown: 7,
  /** Certificates that are there hold, and some are missing: what was signed there is hidden. */
  gap: 8,
  /** A certificate holds, and the signer has not attested it yet. */
  unattested: 9,
  /** A certificate was decided by rules of another version: this program cannot say whether they let it pass. */
  otherRules: 10,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type CliFaultCode =
  | 'arguments-invalid'
  | 'config-missing'
  | 'config-invalid'
  | 'setting-missing'
  | 'file-unreadable'
  | 'file-malformed'
  | 'file-exists'
  | 'file-open-to-others'
  | 'plan-invalid'
  | 'pin-needed'
  | 'confirmation-needed'
  | ConfigurationFaultCode
  | SdkFaultCode
  | 'signer-unreachable'
  | 'signer-fault'
  | 'signer-answer-malformed'
  | 'governance-mismatch'
  | 'statement-mismatch'
  | 'node-unreachable'
  | 'node-mismatch'
  | 'attestation-mismatch'
  | 'key-mismatch'
  | 'not-confirmed'
  | 'not-yet';

const EXIT_OF: Readonly<Record<CliFaultCode, ExitCode>> = {
  'arguments-invalid': EXIT.usage,
  'config-missing': EXIT.usage,
  'config-invalid': EXIT.usage,
  'configuration-missing': EXIT.usage,
  'configuration-unreadable': EXIT.usage,
  'configuration-open-to-others': EXIT.usage,
  'configuration-malformed': EXIT.usage,
  'configuration-invalid': EXIT.usage,
  'setting-missing': EXIT.usage,
  'file-unreadable': EXIT.usage,
  'file-malformed': EXIT.usage,
  'file-exists': EXIT.usage,
  'file-open-to-others': EXIT.usage,
  'plan-invalid': EXIT.usage,
  'pin-needed': EXIT.usage,
  'confirmation-needed': EXIT.usage,
  'api-unreachable': EXIT.unreachable,
  'api-unavailable': EXIT.unreachable,
  'signer-unreachable': EXIT.unreachable,
  'signer-fault': EXIT.unreachable,
  'api-answer-malformed': EXIT.mismatch,
  'signer-answer-malformed': EXIT.mismatch,
  'governance-mismatch': EXIT.mismatch,
  'statement-mismatch': EXIT.mismatch,
  'node-unreachable': EXIT.unreachable,
  'node-mismatch': EXIT.mismatch,
  'attestation-mismatch': EXIT.mismatch,
  'key-mismatch': EXIT.mismatch,
  'not-confirmed': EXIT.notConfirmed,
  'not-yet': EXIT.notYet,
};

/** Codes of hardware/key-signer.ts and ledger/link.ts that mean: it cannot be used now. The others are answers of one that works. */
const TOKEN_AWAY: readonly string[] = [
  'token-gone',
  'session-lost',
  'login-failed',
  'transient',
  'deadline',
  'closed',
  'device-locked',
  'device-other-app',
  'device-gone',
  'device-deadline',
  'device-library-missing',
];

/** Codes of hardware/ledger/link.ts that mean something else than that it cannot be had, or did not do it. */
const DEVICE_SAID: Readonly<Record<string, ExitCode>> = {
  'device-refused': EXIT.notConfirmed,
  'device-answer-malformed': EXIT.mismatch,
};

export function cliFault(
  code: CliFaultCode,
  message: string,
  facts: Facts = {},
  cause?: unknown,
): Fault<CliFaultCode> {
  return new Fault(code, message, { facts, ...(cause === undefined ? {} : { cause }) });
}

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof Fault)) return EXIT.unknown;
  const { code } = error;
  if (isCliFaultCode(code)) return EXIT_OF[code];
  if (code.startsWith('amount-')) return EXIT.usage;
  const said = DEVICE_SAID[code];
  if (said !== undefined) return said;
  return TOKEN_AWAY.includes(code) ? EXIT.unreachable : EXIT.refused;
}

function isCliFaultCode(code: string): code is CliFaultCode {
  return Object.hasOwn(EXIT_OF, code);
}
