// A Ledger on USB, by node-hid. That library is native code and lives in a folder of its own (usb/), installed on an officer's machine
// alone and loaded when a device is asked for: the signer has none of it, and an install without it says what is missing.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { FrameReader, framesOf } from './hid-frames.js';
import { deviceFault, type LedgerLink } from './link.js';

const LEDGER_VENDOR = 0x2c97;
/** Of the interface that speaks APDUs; where the system does not say it, that is the first one. */
const USAGE_PAGE = 0xffa0;
const CHANNEL = 0x0101;
/** hidapi wants the number of the report before each; these devices number none. */
const NO_REPORT_ID = 0;
/** How long one read may block: after a deadline the link is closed, and no read outlives that by more. */
const READ_MS = 500;

/** The part of node-hid that is used. */
export interface HidLibrary {
  devicesAsync(): Promise<readonly HidInterface[]>;
  readonly HIDAsync: { open(path: string): Promise<HidDevice> };
}
export interface HidInterface {
  readonly vendorId: number;
  readonly path?: string | undefined;
  readonly interface: number;
  readonly usagePage?: number | undefined;
}
export interface HidDevice {
  write(values: number[]): Promise<number>;
  /** Undefined, or nothing, when none came in time. */
  read(timeoutMs: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** Beside the sources, and from the compiled program to there. */
const PLACES = ['usb/', '../../../hardware/ledger/usb/'];

function isLibrary(value: unknown): value is HidLibrary {
  return (
    typeof value === 'object' &&
    value !== null &&
    'devicesAsync' in value &&
    typeof value.devicesAsync === 'function' &&
    'HIDAsync' in value &&
    typeof value.HIDAsync === 'function'
  );
}

/** Faults `device-library-missing`. */
export function loadHidLibrary(places: readonly string[] = PLACES): HidLibrary {
  let cause: unknown;
  for (const place of places) {
    try {
      const library: unknown = createRequire(new URL(`${place}package.json`, import.meta.url))('node-hid');
      if (isLibrary(library)) return library;
    } catch (error) {
      // Not there, or it does not load: the last reason is told.
      cause = error;
    }
  }
  throw deviceFault(
    'device-library-missing',
    'the USB library is not installed, or does not load',
    { folder: fileURLToPath(new URL(places.at(-1) ?? '', import.meta.url)) },
    cause,
  );
}

class UsbLink implements LedgerLink {
  private closed = false;

  constructor(private readonly device: HidDevice) {}

  async exchange(apdu: Uint8Array): Promise<Uint8Array> {
    try {
      for (const report of framesOf(CHANNEL, apdu)) await this.device.write([NO_REPORT_ID, ...report]);
      const reader = new FrameReader(CHANNEL);
      while (!this.closed) {
        const report = await this.device.read(READ_MS);
        const answer = report === undefined || report.length === 0 ? undefined : reader.take(report);
        if (answer) return answer;
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'Fault') throw error;
      throw deviceFault('device-gone', 'the device was pulled out', {}, error);
    }
    throw deviceFault('device-gone', 'the device was closed');
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.device.close();
  }
}

/** Opens the one Ledger that is plugged in. Faults `device-library-missing`, `device-gone`. */
export async function usbLink(library: HidLibrary = loadHidLibrary()): Promise<LedgerLink> {
  const found = await library.devicesAsync().catch((error: unknown) => {
    throw deviceFault('device-library-missing', 'the USB library does not work here', {}, error);
  });
  const paths = found
    .filter(
      ({ vendorId, interface: number, usagePage }) =>
        vendorId === LEDGER_VENDOR && (usagePage === USAGE_PAGE || (!usagePage && number === 0)),
    )
    .flatMap(({ path }) => (path === undefined ? [] : [path]));
  const [path, ...others] = paths;
  if (path === undefined) throw deviceFault('device-gone', 'no Ledger is plugged in');
  if (others.length > 0) {
    throw deviceFault('device-gone', 'more than one Ledger is plugged in: leave yours alone', {
      found: paths.length,
    });
  }
  const device = await library.HIDAsync.open(path).catch((error: unknown) => {
    throw deviceFault('device-gone', 'the Ledger cannot be opened: does something else use it?', {}, error);
  });
  return new UsbLink(device);
}
