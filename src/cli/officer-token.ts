// A token on this machine: an officer's own, or at the ceremony the treasury's. In this process, since a person waits
// here and can end it; the signer's tokens live in processes of their own.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { KeySigner } from '../../hardware/key-signer.js';
import { Pkcs11Token } from '../../hardware/pkcs11/token.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { type CliConfig, needed } from './cli-config.js';
import { cliFault } from './exit.js';
import type { Terminal } from './terminal.js';

export interface TokenOptions {
  readonly module?: string;
  readonly token?: string;
  readonly pinFile?: string;
}

/** What a command needs of a token that it has opened. */
export type OpenToken = Pkcs11Token;

/** Opens nothing yet: the PIN is asked for by the first use. */
export function tokenFrom(config: CliConfig, options: TokenOptions, terminal: Terminal): OpenToken {
  const label = needed(options.token ?? config.token?.label, 'token.label', '--token LABEL');
  const modulePath = needed(options.module ?? config.token?.module, 'token.module', '--module PATH');
  // A PIN file belongs to its token: with another token on the command line the configured one is not for it.
  const configured = options.token === undefined || options.token === config.token?.label;
  const pinFile = options.pinFile ?? (configured ? config.token?.pinFile : undefined);
  // Vendors' modules read their configuration from the environment when they are loaded.
  Object.assign(process.env, config.token?.environment ?? {});
  return new Pkcs11Token({
    modulePath,
    tokenLabel: label,
    ...(configured && config.token?.serial !== undefined ? { serial: config.token.serial } : {}),
    sessions: 1,
    pin:
      pinFile === undefined
        ? {
            kind: 'prompt',
            ask: (purpose) =>
              terminal.askSecret(
                `PIN of token ${label}${purpose === 'signature' ? ' (for this signature)' : ''}: `,
              ),
          }
        : { kind: 'file', path: pinFile },
  });
}

/** Runs `work` with the token and closes it, whatever happens. */
export async function withToken<T>(token: OpenToken, work: (token: OpenToken) => Promise<T>): Promise<T> {
  try {
    return await work(token);
  } finally {
    await token.close();
  }
}

/** ECDSA P-256 by a token key over SHA-256 of the bytes: r || s, hex. Faults `key-mismatch` where it does not verify. */
export async function signWithToken(
  token: KeySigner,
  label: string,
  publicKey: string,
  bytes: Uint8Array,
): Promise<string> {
  const signature = await token.signDigest({ label }, sha256(bytes));
  if (!nativeVerifier.p256(hexToBytes(publicKey), bytes, signature)) {
    throw cliFault('key-mismatch', 'the token gave a signature that does not verify', { label });
  }
  return bytesToHex(signature);
}
