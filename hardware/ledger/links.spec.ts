import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { Fault } from '../../src/core/fault.js';
import { APP_AND_VERSION, signTextCommands } from './apdu.js';
import { EthereumApp } from './ethereum-app.js';
import { FrameReader, framesOf } from './hid-frames.js';
import { ReplayLink } from './replay.fixture.js';
import { tcpLink } from './tcp-link.js';
import { type HidDevice, type HidInterface, type HidLibrary, loadHidLibrary, usbLink } from './usb-link.js';

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error('accepted'),
    (fault: unknown) => fault,
  );
  return error instanceof Fault ? error.code : String(error);
}

let server: Server | undefined;
const peers = new Set<Socket>();
afterEach(async () => {
  for (const peer of peers) peer.destroy();
  const running = server;
  server = undefined;
  if (running) await new Promise((resolve) => running.close(resolve));
});

/** A peer that answers each piece of what it receives with these bytes, or hangs up. */
async function peerThat(answers: (socket: Socket) => void): Promise<number> {
  const started = createServer((socket) => {
    peers.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', () => answers(socket));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return (started.address() as AddressInfo).port;
}

describe('a link over TCP', () => {
  it('puts an answer together, however it is cut', async () => {
    const answer = hexToBytes('00000003aabbcc9000');
    const port = await peerThat((socket) => {
      for (const byte of answer) socket.write(Uint8Array.of(byte));
    });
    const link = await tcpLink('127.0.0.1', port);
    expect([...(await link.exchange(APP_AND_VERSION))]).toEqual([0xaa, 0xbb, 0xcc, 0x90, 0]);
    expect((await link.exchange(APP_AND_VERSION)).length).toBe(5);
    await link.close();
    expect(await codeOf(link.exchange(APP_AND_VERSION))).toBe('device-gone');
  });

  it.each([
    ['hangs up', (socket: Socket) => socket.end(), 'device-gone'],
    [
      'hangs up in the middle of its answer',
      (socket: Socket) => socket.end(hexToBytes('00000003aa')),
      'device-gone',
    ],
    [
      'announces more than an answer holds',
      (socket: Socket) => socket.write(hexToBytes('7fffffff')),
      'device-answer-malformed',
    ],
  ])('says what a peer did that %s', async (_, behave, code) => {
    const port = await peerThat((socket) => void behave(socket));
    const link = await tcpLink('127.0.0.1', port);
    expect(await codeOf(link.exchange(APP_AND_VERSION))).toBe(code);
    expect(await codeOf(link.exchange(APP_AND_VERSION))).toBe(code);
  });

  it('takes no second answer for that to the next command', async () => {
    const port = await peerThat((socket) => socket.write(hexToBytes('0000000090000000000090009000')));
    const link = await tcpLink('127.0.0.1', port);
    await link.exchange(APP_AND_VERSION);
    expect(await codeOf(link.exchange(APP_AND_VERSION))).toBe('device-answer-malformed');
  });

  it('ends what waits when it is closed', async () => {
    const port = await peerThat(() => undefined);
    const link = await tcpLink('127.0.0.1', port);
    const asked = link.exchange(APP_AND_VERSION);
    await link.close();
    expect(await codeOf(asked)).toBe('device-gone');
  });

  it('is not there where nobody listens', async () => {
    const port = await peerThat(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    expect(await codeOf(tcpLink('127.0.0.1', port))).toBe('device-gone');
  });
});

describe('reports of 64 bytes', () => {
  it('carry any command and answer, and give it back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff }),
        fc.uint8Array({ minLength: 1, maxLength: 258 }),
        (channel, apdu) => {
          const reader = new FrameReader(channel);
          const frames = framesOf(channel, apdu);
          const taken = frames.map((frame) => reader.take(frame));
          expect(frames.every((frame) => frame.length === 64)).toBe(true);
          expect(taken.slice(0, -1).every((one) => one === undefined)).toBe(true);
          expect(taken.at(-1)).toEqual(apdu);
        },
      ),
    );
  });

  it.each([
    ['of another channel', (frame: Uint8Array) => frame.fill(9, 0, 1)],
    ['of another kind', (frame: Uint8Array) => frame.fill(9, 2, 3)],
    ['out of their order', (frame: Uint8Array) => frame.fill(9, 4, 5)],
    ['with more than an answer holds', (frame: Uint8Array) => frame.fill(9, 5, 6)],
    ['that are short', (frame: Uint8Array) => frame.subarray(0, 63)],
  ])('%s are refused', (_, alter) => {
    const [first] = framesOf(0x0101, new Uint8Array(10));
    const altered = alter(first?.slice() ?? new Uint8Array());
    expect(() => new FrameReader(0x0101).take(altered)).toThrow(
      expect.objectContaining({ code: 'device-answer-malformed' }),
    );
  });
});

/** The library of a machine with these interfaces, and a device behind each that plays recordings. */
function libraryWith(
  interfaces: readonly HidInterface[],
  device: HidDevice,
): HidLibrary & { opened: string[] } {
  const opened: string[] = [];
  return {
    opened,
    devicesAsync: () => Promise.resolve(interfaces),
    HIDAsync: {
      open: (path) => {
        opened.push(path);
        return Promise.resolve(device);
      },
    },
  };
}

const LEDGER: HidInterface = { vendorId: 0x2c97, path: 'ledger', interface: 0, usagePage: 0xffa0 };
const LEDGERS_KEYBOARD: HidInterface = { vendorId: 0x2c97, path: 'u2f', interface: 1, usagePage: 0xf1d0 };
const MOUSE: HidInterface = { vendorId: 0x046d, path: 'mouse', interface: 0, usagePage: 1 };

/** A device that takes reports and answers in reports, from a recording; between them it has nothing to say once. */
class ReportDevice implements HidDevice {
  private readonly reader = new FrameReader(0x0101);
  private readonly out: (Uint8Array | undefined)[] = [undefined];
  readonly closed: true[] = [];
  constructor(private readonly replay: ReplayLink) {}
  async write(values: number[]): Promise<number> {
    expect(values[0]).toBe(0);
    const apdu = this.reader.take(Uint8Array.from(values.slice(1)));
    if (apdu) this.out.push(...framesOf(0x0101, await this.replay.exchange(apdu)));
    return values.length;
  }
  read(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.out.shift());
  }
  close(): Promise<void> {
    this.closed.push(true);
    return Promise.resolve();
  }
}

describe('a link over USB', () => {
  it("speaks to the interface that takes commands, in reports, as a recording of the app's has it", async () => {
    const device = new ReportDevice(new ReplayLink('which app is open'));
    const library = libraryWith([MOUSE, LEDGERS_KEYBOARD, LEDGER], device);
    const app = new EthereumApp(await usbLink(library));
    expect(await app.open()).toEqual({ name: 'Ethereum', version: '1.22.0' });
    expect(library.opened).toEqual(['ledger']);
    await app.close();
    expect(device.closed).toEqual([true]);
    expect(await codeOf(app.open())).toBe('device-gone');
  });

  it('takes no device but a Ledger, and none where two are plugged in', async () => {
    const device = new ReportDevice(new ReplayLink());
    expect(await codeOf(usbLink(libraryWith([MOUSE, LEDGERS_KEYBOARD], device)))).toBe('device-gone');
    const two = libraryWith([LEDGER, { ...LEDGER, path: 'other' }], device);
    expect(await codeOf(usbLink(two))).toBe('device-gone');
    expect(two.opened).toEqual([]);
  });

  it('says device-gone when it cannot be opened, and when it is pulled out', async () => {
    const fails = () => Promise.reject(new Error('could not read from HID device'));
    const device: HidDevice = { write: fails, read: fails, close: () => Promise.resolve() };
    const link = await usbLink(libraryWith([LEDGER], device));
    expect(await codeOf(link.exchange(APP_AND_VERSION))).toBe('device-gone');
    const shut = { ...libraryWith([LEDGER], device), HIDAsync: { open: fails } };
    expect(await codeOf(usbLink(shut))).toBe('device-gone');
  });

  it('closed in mid-call ends by itself', async () => {
    let link: Awaited<ReturnType<typeof usbLink>> | undefined;
    const silent: HidDevice = {
      write: (values) => Promise.resolve(values.length),
      read: async () => {
        await link?.close();
        return undefined;
      },
      close: () => Promise.resolve(),
    };
    link = await usbLink(libraryWith([LEDGER], silent));
    const [first] = signTextCommands("44'/60'/0'/0/0", Uint8Array.of(65));
    expect(await codeOf(link.exchange(first ?? new Uint8Array()))).toBe('device-gone');
  });

  it('says which library is missing where there is none', () => {
    expect(() => loadHidLibrary(['nowhere/'])).toThrow(
      expect.objectContaining({
        code: 'device-library-missing',
        facts: { folder: expect.stringMatching(/hardware\/ledger\/nowhere\/$/) },
      }),
    );
  });
});
