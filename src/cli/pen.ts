// What an officer signs statements with: a key in a token, or a Ledger that shows the whole text. Calls of the API are the token's
// alone. A signature leaves here only when it verifies under the key that the roster has.

import { bytesToHex } from '@noble/hashes/utils.js';
import { type DeviceKey, EthereumApp } from '../../hardware/ledger/ethereum-app.js';
import { tcpLink } from '../../hardware/ledger/tcp-link.js';
import { usbLink } from '../../hardware/ledger/usb-link.js';
import type { CredentialClass } from '../core/governance/credential-class.js';
import type { Credential } from '../core/governance/entry.js';
import { isSignedBy } from '../core/governance/quorum.js';
import { addressOfPublicKey } from '../core/intents/ethereum/address.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { type CliConfig, needed } from './cli-config.js';
import { cliFault } from './exit.js';
import { fields, grouped, type Line, strong } from './lines.js';
import { type OpenToken, signWithToken } from './officer-token.js';
import type { Terminal } from './terminal.js';

export interface Pen {
  /** As the roster names it. */
  readonly credentialId: string;
  /** Faults `key-mismatch` unless what is in the officer's hand is this credential; `device-...` and `token-...` where it is not there. */
  check(credential: Credential): Promise<void>;
  /** The signature in hex, verified under the credential's key. Faults `key-mismatch` where it does not verify. */
  sign(credential: Credential, bytes: Uint8Array): Promise<string>;
}

function checkClass(
  { credentialClass, credentialId }: Credential,
  wanted: CredentialClass,
  what: string,
): void {
  if (credentialClass === wanted) return;
  throw cliFault(
    'key-mismatch',
    `${credentialId} is of class ${credentialClass}: ${what} does not sign for it`,
    {
      credentialId,
    },
  );
}

function verified(credential: Credential, bytes: Uint8Array, signature: string): string {
  if (isSignedBy(credential, bytes, signature, nativeVerifier)) return signature;
  throw cliFault('key-mismatch', 'the Ledger gave a signature that does not verify', {
    credentialId: credential.credentialId,
  });
}

export function tokenPen(token: OpenToken, credentialId: string, label: string): Pen {
  return {
    credentialId,
    check: async (credential) => {
      checkClass(credential, 'pkcs11', 'a token');
      const { publicKey } = await token.describeKey({ label });
      if (publicKey !== credential.publicKey) {
        throw cliFault('key-mismatch', `key ${label} on this token is not ${credentialId}`, {
          label,
          credentialId,
        });
      }
    },
    sign: ({ publicKey }, bytes) => signWithToken(token, label, publicKey, bytes),
  };
}

/** Where an officer's Ledger is, and which of its keys is meant. */
export interface LedgerPlace {
  readonly path: string;
  /** An emulator's socket on this host; USB where there is none. */
  readonly tcp?: string;
}

/** The usual first key of an Ethereum account (BIP-44). */
export const USUAL_PATH = "44'/60'/0'/0/0";

/** Opens the device and the app on it for as long as `work` takes. */
export async function withLedger<T>(
  { tcp }: LedgerPlace,
  work: (app: EthereumApp) => Promise<T>,
): Promise<T> {
  const [host = '', port = ''] = tcp?.split(/:(?=\d+$)/) ?? [];
  const app = new EthereumApp(tcp === undefined ? await usbLink() : await tcpLink(host, Number(port)));
  try {
    await app.open();
    return await work(app);
  } finally {
    await app.close();
  }
}

/** Is it the key that the roster has? Its address is what people can compare. Faults `key-mismatch`. */
function checkDeviceKey(found: DeviceKey, { publicKey, credentialId }: Credential): void {
  if (found.publicKey === publicKey) return;
  throw cliFault('key-mismatch', `the Ledger has another key there than ${credentialId}`, {
    credentialId,
    onDevice: found.address,
    inRoster: addressOfPublicKey(publicKey),
  });
}

/** What the person will read on the device. The screen is what they go by, not this. */
function deviceLines(bytes: Uint8Array, address: string): Line[] {
  return [
    [strong('Read it on your Ledger, to its end, and agree there or refuse.')],
    ...fields([
      ['signed by', grouped(address)],
      ['it shows', String.fromCharCode(...bytes).replaceAll('\n', ' ')],
    ]),
  ];
}

export function ledgerPen(place: LedgerPlace, credentialId: string, terminal: Terminal): Pen {
  return {
    credentialId,
    check: async (credential) => {
      checkClass(credential, 'device-display', 'a Ledger');
      checkDeviceKey(await withLedger(place, (app) => app.keyAt(place.path)), credential);
    },
    sign: (credential, bytes) =>
      withLedger(place, async (app) => {
        // Again: between the question and the answer another device may have been plugged in.
        const key = await app.keyAt(place.path);
        checkDeviceKey(key, credential);
        terminal.tell(deviceLines(bytes, key.address));
        const signature = bytesToHex(await app.signText(place.path, bytes));
        return verified(credential, bytes, signature);
      }),
  };
}

export interface PenOptions {
  readonly signWith?: 'token' | 'ledger';
}

/** With a Ledger where one is configured, unless the options say otherwise. */
export function signsWithLedger(config: CliConfig, options: PenOptions): boolean {
  return options.signWith === undefined ? config.ledger !== undefined : options.signWith === 'ledger';
}

/** The configured Ledger. Faults `setting-missing`. */
export function ledgerPenFrom({ ledger }: CliConfig, terminal: Terminal): Pen {
  const { credential, path = USUAL_PATH, tcp } = needed(ledger, 'ledger', '--sign-with token');
  return ledgerPen({ path, ...(tcp === undefined ? {} : { tcp }) }, credential, terminal);
}
