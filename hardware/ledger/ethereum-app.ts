// Ledger's Ethereum app as an officer uses it: a key, and signatures over texts that the device has shown. It judges every answer;
// whether a signature is by the registered key is the caller's question, who knows which key that is.

import { bytesToHex } from '@noble/hashes/utils.js';
import { isPoint } from 'tiny-secp256k1';
import { compressed } from '../../src/core/governance/names.js';
import { normaliseLowS } from '../../src/core/intents/ecdsa.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import {
  APP_AND_VERSION,
  type AppVersion,
  dataOf,
  parseAppVersion,
  parsePublicKey,
  parseSignature,
  publicKeyCommand,
  signTextCommands,
} from './apdu.js';
import { deviceFault, type LedgerLink } from './link.js';

export interface Deadlines {
  /** What the device answers by itself. */
  readonly machineMs: number;
  /** What a person reads on the device and decides. */
  readonly personMs: number;
}

const USUAL: Deadlines = { machineMs: 10_000, personMs: 15 * 60_000 };

/**
 * The oldest version whose display of texts is known: it shows them whole. Long before it the app showed a text's beginning, and
 * before that a hash.
 */
const OLDEST = [1, 22, 0] as const;
const NAME = 'Ethereum';

export interface DeviceKey {
  /** SEC 1 compressed, lower-case hex. */
  readonly publicKey: string;
  /** EIP-55. */
  readonly address: string;
}

function isOldEnough(version: string): boolean {
  const parts = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:-[\x21-\x7e]*)?$/.exec(version)?.slice(1).map(Number);
  if (!parts) return false;
  const at = OLDEST.findIndex((wanted, index) => parts[index] !== wanted);
  return at === -1 || (parts[at] ?? 0) > (OLDEST[at] ?? 0);
}

export class EthereumApp {
  private ended = false;

  constructor(
    private readonly link: LedgerLink,
    private readonly deadlines: Deadlines = USUAL,
  ) {}

  /** Faults `device-other-app` unless the Ethereum app is open, in a version that shows texts whole. */
  async open(): Promise<AppVersion> {
    const app = parseAppVersion(await this.ask(APP_AND_VERSION, this.deadlines.machineMs));
    if (app.name !== NAME) {
      throw deviceFault('device-other-app', `${app.name} is open on the device, not ${NAME}`, {
        app: app.name,
      });
    }
    if (!isOldEnough(app.version)) {
      throw deviceFault(
        'device-other-app',
        `the app is ${app.version}; from ${OLDEST.join('.')} on it shows texts whole`,
        {
          app: app.name,
          version: app.version,
        },
      );
    }
    return app;
  }

  /** The key at a path; `shown`, after the person has compared its address on the device. Faults `device-answer-malformed`. */
  async keyAt(path: string, shown = false): Promise<DeviceKey> {
    const { machineMs, personMs } = this.deadlines;
    const data = await this.ask(publicKeyCommand(path, shown), shown ? personMs : machineMs);
    const { point, address } = parsePublicKey(data);
    if (!isPoint(point)) {
      throw deviceFault('device-answer-malformed', 'the key on the device is no point of its curve', {
        address,
      });
    }
    const publicKey = compressed(bytesToHex(point));
    if (addressOfPublicKey(publicKey) !== address) {
      throw deviceFault('device-answer-malformed', 'the address on the device is not that of its key', {
        address,
      });
    }
    return { publicKey, address };
  }

  /** r || s of a personal message (EIP-191), s in the lower half, after the person has agreed on the device. Not verified. */
  async signText(path: string, text: Uint8Array): Promise<Uint8Array> {
    const commands = signTextCommands(path, text);
    let data = new Uint8Array();
    for (const [at, command] of commands.entries()) {
      const isLast = at === commands.length - 1;
      data = Uint8Array.from(
        await this.ask(command, isLast ? this.deadlines.personMs : this.deadlines.machineMs),
      );
      if (!isLast && data.length > 0) {
        throw deviceFault('device-answer-malformed', 'the device answered before it had the whole text', {
          bytes: data.length,
        });
      }
    }
    return lowS(parseSignature(data));
  }

  async close(): Promise<void> {
    this.ended = true;
    await this.link.close();
  }

  /** After a fault of the link the two sides may disagree about what was asked: nothing more is. */
  private async ask(apdu: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    if (this.ended) throw deviceFault('device-gone', 'the device was closed');
    return dataOf(await this.answerWithin(apdu, deadlineMs));
  }

  private async answerWithin(apdu: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(deviceFault('device-deadline', 'the device did not answer in time', { deadlineMs }));
    }, deadlineMs);
    try {
      return await Promise.race([this.link.exchange(apdu), late.promise]);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function lowS(rs64: Uint8Array): Uint8Array {
  try {
    return normaliseLowS(rs64);
  } catch (error) {
    throw deviceFault('device-answer-malformed', 'what the device gave is no signature', {}, error);
  }
}
