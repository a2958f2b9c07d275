import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../core/fault.js';
import { encodeFrame, FrameReader, MAX_MESSAGE_BYTES } from './frame.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 8 });

describe('frames', () => {
  it('give back the messages that went in, however the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(encodeFrame));
        const reader = new FrameReader();
        const received: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1;
          received.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(received.map((message) => [...message])).toEqual(sent.map((message) => [...message]));
        expect(reader.isIdle()).toBe(true);
        reader.end();
      }),
    );
  });

  it('refuse a length beyond the bound from the header alone', () => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, MAX_MESSAGE_BYTES + 1, false);
    expect(codeOf(() => new FrameReader().push(header))).toBe('message-too-large');
    expect(codeOf(() => encodeFrame(new Uint8Array(MAX_MESSAGE_BYTES + 1)))).toBe('message-too-large');
  });

  it('refuse an empty message on both sides', () => {
    expect(codeOf(() => new FrameReader().push(new Uint8Array(4)))).toBe('message-empty');
    expect(codeOf(() => encodeFrame(new Uint8Array(0)))).toBe('message-empty');
  });

  it('are kept as bytes, not as the chunks that they came in: a message sent byte by byte costs no more than in one', () => {
    const sent =
      fc.sample(fc.uint8Array({ minLength: 70_000, maxLength: 90_000 }), 1)[0] ?? new Uint8Array(1);
    const frames = Buffer.concat([encodeFrame(sent), encodeFrame(Uint8Array.of(9)), encodeFrame(sent)]);
    const reader = new FrameReader();
    // One chunk that its owner uses over and over: whoever kept it would see it change.
    const chunk = new Uint8Array(1);
    const received = [...frames].flatMap((byte) => {
      chunk[0] = byte;
      return reader.push(chunk);
    });
    expect(received.map((message) => Buffer.from(message).toString('hex'))).toEqual(
      [sent, Uint8Array.of(9), sent].map((message) => Buffer.from(message).toString('hex')),
    );
  });

  it('notice a connection that ends inside a message', () => {
    const reader = new FrameReader();
    reader.push(encodeFrame(Uint8Array.of(1, 2, 3)).subarray(0, 6));
    expect(codeOf(() => reader.end())).toBe('message-truncated');
  });
});
