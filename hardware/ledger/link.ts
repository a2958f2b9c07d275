// The port to a Ledger: one command goes in, one answer comes out. What stands behind it (USB, an emulator, a recording) is hostile:
// whoever asks judges every answer, and waits for none without a deadline.

import { type Facts, Fault } from '../../src/core/fault.js';

export interface LedgerLink {
  /**
   * Sends one command APDU (ISO 7816-4) and gives its answer, the status word last. Never two at once. May never settle, for a
   * device that was pulled out in mid-call says nothing: the deadline is the caller's. Faults `device-gone`,
   * `device-answer-malformed`.
   */
  exchange(apdu: Uint8Array): Promise<Uint8Array>;
  /** What is under way ends with `device-gone`. Again, it does nothing. */
  close(): Promise<void>;
}

/**
 * Why a device did not do what it was asked. Closed.
 * - `device-refused`: the person said no on the device
 * - `device-locked`: it waits for its PIN
 * - `device-other-app`: another app is open than the Ethereum app, or one whose version is not known to show a text whole
 * - `device-gone`: not there, pulled out, or closed
 * - `device-deadline`: no answer in time; the link is closed then, and what the person does on the device has no effect
 * - `device-text-too-long`: it has no room to show the text
 * - `device-answer-malformed`: the answer is not what the app gives
 * - `device-status`: a status word without a meaning here; it is in the facts
 * - `device-library-missing`: the USB library is not installed
 * - `device-path-invalid`: no derivation path (BIP-32); nothing was asked
 */
export type DeviceFaultCode =
  | 'device-refused'
  | 'device-locked'
  | 'device-other-app'
  | 'device-gone'
  | 'device-deadline'
  | 'device-text-too-long'
  | 'device-answer-malformed'
  | 'device-status'
  | 'device-library-missing'
  | 'device-path-invalid';

export function deviceFault(
  code: DeviceFaultCode,
  message: string,
  facts: Facts = {},
  cause?: unknown,
): Fault<DeviceFaultCode> {
  return new Fault(code, message, { facts, ...(cause === undefined ? {} : { cause }) });
}
