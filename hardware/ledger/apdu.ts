// Commands of Ledger's Ethereum app and of the device's dashboard as bytes, and what answers mean. No input and output here.
//
// Only what an officer needs is here, written out: which app is open, a key with its address, a text to sign. A library that can
// also sign transactions has no business on this path.

import { concatBytes } from '@noble/hashes/utils.js';
import { deviceFault } from './link.js';

const CLA = 0xe0;
const INS_GET_PUBLIC_KEY = 0x02;
const INS_SIGN_PERSONAL_MESSAGE = 0x08;
const FIRST = 0x00;
const MORE = 0x80;
/** What Ledger's own client sends at most in one command to this app. */
const MOST_PAYLOAD_BYTES = 150;
/** The app keeps the length of a text in 16 bits. */
export const MOST_TEXT_BYTES = 0xffff;

const HARDENED = 0x8000_0000;

/** `44'/60'/0'/0/0`: up to ten steps. */
const DERIVATION_PATH = /^(?:0|[1-9][0-9]{0,9})'?(?:\/(?:0|[1-9][0-9]{0,9})'?){0,9}$/;

export function isDerivationPath(path: string): boolean {
  return DERIVATION_PATH.test(path) && path.split('/').every((step) => Number.parseInt(step, 10) < HARDENED);
}

/** A number of steps, then each as 32 bits (BIP-32). Faults `device-path-invalid`. */
export function pathBytes(path: string): Uint8Array {
  if (!isDerivationPath(path)) {
    throw deviceFault('device-path-invalid', 'no derivation path of BIP-32', { path: path.slice(0, 64) });
  }
  const steps = path.split('/').map((step) => ({
    index: Number.parseInt(step, 10),
    hard: step.endsWith("'"),
  }));
  const bytes = new Uint8Array(1 + 4 * steps.length);
  bytes[0] = steps.length;
  const view = new DataView(bytes.buffer);
  for (const [at, { index, hard }] of steps.entries())
    view.setUint32(1 + 4 * at, index + (hard ? HARDENED : 0));
  return bytes;
}

function command(ins: number, p1: number, payload: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(CLA, ins, p1, 0, payload.length), payload);
}

/** Which app is open: every app answers it. */
export const APP_AND_VERSION = Uint8Array.of(0xb0, 0x01, 0, 0, 0);

/** The key at a path; `shown`, and the device gives it only after the person has seen its address and agreed. */
export function publicKeyCommand(path: string, shown: boolean): Uint8Array {
  return command(INS_GET_PUBLIC_KEY, shown ? 1 : 0, pathBytes(path));
}

/** A text to sign by EIP-191, in as many commands as it takes. Faults `device-text-too-long`. */
export function signTextCommands(path: string, text: Uint8Array): readonly Uint8Array[] {
  if (text.length === 0 || text.length > MOST_TEXT_BYTES) {
    throw deviceFault('device-text-too-long', 'the device can show no text of this length', {
      bytes: text.length,
      most: MOST_TEXT_BYTES,
    });
  }
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length);
  const payload = concatBytes(pathBytes(path), length, text);
  const pieces = Math.ceil(payload.length / MOST_PAYLOAD_BYTES);
  return Array.from({ length: pieces }, (_, at) =>
    command(
      INS_SIGN_PERSONAL_MESSAGE,
      at === 0 ? FIRST : MORE,
      payload.subarray(at * MOST_PAYLOAD_BYTES, (at + 1) * MOST_PAYLOAD_BYTES),
    ),
  );
}

const OK = 0x9000;
const MOST_ANSWER_BYTES = 258;

/** What an answer holds before its status word. Faults as the status word says, or `device-answer-malformed`. */
export function dataOf(answer: Uint8Array): Uint8Array {
  if (answer.length < 2 || answer.length > MOST_ANSWER_BYTES) {
    throw deviceFault('device-answer-malformed', 'an answer of the wrong length', { bytes: answer.length });
  }
  const status = new DataView(answer.buffer, answer.byteOffset).getUint16(answer.length - 2);
  if (status !== OK) throw faultOf(status);
  return answer.subarray(0, answer.length - 2);
}

function faultOf(status: number) {
  const facts = { status: `0x${status.toString(16).padStart(4, '0')}` };
  switch (status) {
    case 0x6985:
      return deviceFault('device-refused', 'it was refused on the device', facts);
    case 0x5515:
    case 0x6982:
      return deviceFault('device-locked', 'the device is locked', facts);
    case 0x6e00:
    case 0x6e01:
    case 0x6d00:
    case 0x6d02:
    case 0x6511:
      return deviceFault('device-other-app', 'the Ethereum app is not open on the device', facts);
    case 0x6a84:
      return deviceFault('device-text-too-long', 'the device has no room to show this text', facts);
    default:
      return deviceFault('device-status', 'the device answered with an error', facts);
  }
}

export interface AppVersion {
  readonly name: string;
  readonly version: string;
}

function malformed(what: string, bytes: number) {
  return deviceFault('device-answer-malformed', `${what} is not what the app gives`, { bytes });
}

/** Format 1: name and version, each with its length before it, then flags. Printable ASCII alone. */
export function parseAppVersion(data: Uint8Array): AppVersion {
  const nameEnd = 2 + (data[1] ?? 0);
  const versionEnd = nameEnd + 1 + (data[nameEnd] ?? 0);
  const [name, version] = [data.subarray(2, nameEnd), data.subarray(nameEnd + 1, versionEnd)].map((bytes) =>
    String.fromCharCode(...bytes),
  );
  const printable = /^[\x21-\x7e][\x20-\x7e]{0,31}$/;
  if (
    data[0] !== 1 ||
    versionEnd > data.length ||
    !printable.test(name ?? '') ||
    !printable.test(version ?? '')
  ) {
    throw malformed('the name of the open app', data.length);
  }
  return { name: name ?? '', version: version ?? '' };
}

const POINT_BYTES = 65;
const ADDRESS_DIGITS = 40;

/** An uncompressed point and its address, each with its length before it, and nothing else. */
export function parsePublicKey(data: Uint8Array): { readonly point: Uint8Array; readonly address: string } {
  const point = data.subarray(1, 1 + POINT_BYTES);
  const digits = data.subarray(2 + POINT_BYTES);
  const address = `0x${String.fromCharCode(...digits)}`;
  if (
    data[0] !== POINT_BYTES ||
    point.length !== POINT_BYTES ||
    point[0] !== 4 ||
    data[1 + POINT_BYTES] !== ADDRESS_DIGITS ||
    !/^0x[0-9a-fA-F]{40}$/.test(address)
  ) {
    throw malformed('a public key', data.length);
  }
  return { point, address };
}

/** v, r and s. What v says is not needed: whoever verifies under the registered key knows more. */
export function parseSignature(data: Uint8Array): Uint8Array {
  if (data.length !== 65) throw malformed('a signature', data.length);
  return data.slice(1);
}
