// How commands and answers travel over USB: in reports of 64 bytes, each with a channel, a tag and a number; the first one says how
// long the whole is, and the last one is filled up. No input and output here.

import { concatBytes } from '@noble/hashes/utils.js';
import { deviceFault } from './link.js';

export const REPORT_BYTES = 64;
const TAG_APDU = 0x05;
const HEAD_BYTES = 5;
const MOST_BYTES = 258;

/** The reports of one command or answer. */
export function framesOf(channel: number, apdu: Uint8Array): readonly Uint8Array[] {
  const whole = concatBytes(Uint8Array.of(apdu.length >> 8, apdu.length & 0xff), apdu);
  const room = REPORT_BYTES - HEAD_BYTES;
  return Array.from({ length: Math.ceil(whole.length / room) }, (_, at) => {
    const report = new Uint8Array(REPORT_BYTES);
    report.set([channel >> 8, channel & 0xff, TAG_APDU, at >> 8, at & 0xff]);
    report.set(whole.subarray(at * room, (at + 1) * room), HEAD_BYTES);
    return report;
  });
}

/** Puts the reports of one answer together. Hostile input. */
export class FrameReader {
  private parts: Uint8Array[] = [];
  private length = 0;
  private missing = 0;

  constructor(private readonly channel: number) {}

  /** The answer when this was its last report, else undefined. Faults `device-answer-malformed`. */
  take(report: Uint8Array): Uint8Array | undefined {
    const number = this.parts.length;
    const head = [this.channel >> 8, this.channel & 0xff, TAG_APDU, number >> 8, number & 0xff];
    if (report.length !== REPORT_BYTES || head.some((byte, at) => report[at] !== byte)) {
      throw deviceFault('device-answer-malformed', 'a report that does not belong here', { number });
    }
    let data = report.subarray(HEAD_BYTES);
    if (number === 0) {
      this.length = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
      this.missing = this.length;
      data = data.subarray(2);
      if (this.length > MOST_BYTES) {
        throw deviceFault('device-answer-malformed', 'an answer of the wrong length', { bytes: this.length });
      }
    }
    const part = data.slice(0, this.missing);
    this.parts.push(part);
    this.missing -= part.length;
    return this.missing === 0 ? concatBytes(...this.parts) : undefined;
  }
}
