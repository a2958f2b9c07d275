// Plays a Ledger with its Ethereum app open, behind the socket that Ledger's own emulator offers: the commands, their pieces and the
// answers are the app's, written from its source; key and person are software. For tests: a Ledger it is not.
//
// Pressing a button is a function of the test's: it sees what the screen would show, and says yes, no, or nothing.

import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { hashMessage } from 'ethers';
import { addressOfPublicKey } from '../src/core/intents/ethereum/address.js';

export type Pressed = 'yes' | 'no' | 'nothing';

const word = (status: number) => Uint8Array.of(status >> 8, status & 0xff);
const OK = word(0x9000);
const REFUSED = word(0x6985);
const LOCKED = word(0x5515);
const INCORRECT_DATA = word(0x6a80);
const NO_ROOM = word(0x6a84);
const UNKNOWN_CLASS = word(0x6e00);
const UNKNOWN_INSTRUCTION = word(0x6d00);
/** Room that the app has for a text and for what it shows of it. */
const HEAP_BYTES = 23 * 1024;

interface Text {
  readonly secret: Uint8Array;
  readonly length: number;
  received: Uint8Array;
}

export class LedgerEmulator {
  /** What the screen showed, in order; a text as a Nano shows it. */
  readonly screens: string[] = [];
  /** Decides for the person; who says nothing leaves the device waiting. */
  press: (screen: string) => Pressed = () => 'yes';
  app = { name: 'Ethereum', version: '1.22.0' };
  locked = false;
  /** Exchanges that were answered, as a test may want to see that none was. */
  asked = 0;
  private text: Text | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly seed: string,
    readonly port: number,
  ) {}

  /** `seed` is any text: keys are made from it and the path, and not as BIP-32 has it. */
  static async start(seed: string): Promise<LedgerEmulator> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const emulator = new LedgerEmulator(server, seed, (server.address() as AddressInfo).port);
    server.on('connection', (socket) => emulator.serve(socket));
    return emulator;
  }

  get place(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    this.text = undefined;
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
        const end = 4 + received.readUInt32BE(0);
        const answer = this.answerTo(Uint8Array.from(received.subarray(4, end)));
        received = received.subarray(end);
        if (!answer) continue;
        const length = Buffer.alloc(4);
        length.writeUInt32BE(answer.length - 2);
        socket.write(Buffer.concat([length, answer]));
      }
    });
  }

  /** Undefined: the person has not decided. */
  private answerTo(apdu: Uint8Array): Uint8Array | undefined {
    this.asked += 1;
    const [cla, ins, p1, , length] = apdu;
    if (this.locked) return LOCKED;
    if (cla === 0xb0 && ins === 0x01) return this.named();
    if (cla !== 0xe0 || this.app.name !== 'Ethereum') return UNKNOWN_CLASS;
    const payload = apdu.subarray(5);
    if (payload.length !== length) return INCORRECT_DATA;
    if (ins === 0x02) return this.publicKey(payload, p1 === 1);
    if (ins === 0x08) return p1 === 0 ? this.firstPiece(payload) : this.piece(payload);
    return UNKNOWN_INSTRUCTION;
  }

  private named(): Uint8Array {
    const { name, version } = this.app;
    return concatBytes(
      Uint8Array.of(1, name.length),
      utf8ToBytes(name),
      Uint8Array.of(version.length),
      utf8ToBytes(version),
      Uint8Array.of(1, 0),
      OK,
    );
  }

  /** Of the path that a payload begins with, and what follows it. */
  private secretOf(
    payload: Uint8Array,
  ): { readonly secret: Uint8Array; readonly rest: Uint8Array } | undefined {
    const end = 1 + 4 * (payload[0] ?? 0);
    if (payload.length < end || end === 1) return undefined;
    const secret = sha256(concatBytes(utf8ToBytes(this.seed), payload.subarray(0, end)));
    return { secret, rest: payload.subarray(end) };
  }

  private shows(screen: string): Pressed {
    this.screens.push(screen);
    return this.press(screen);
  }

  private publicKey(payload: Uint8Array, shown: boolean): Uint8Array | undefined {
    const found = this.secretOf(payload);
    if (!found) return INCORRECT_DATA;
    const address = addressOfPublicKey(bytesToHex(secp256k1.getPublicKey(found.secret)));
    const pressed = shown ? this.shows(`Address ${address}`) : 'yes';
    if (pressed !== 'yes') return pressed === 'no' ? REFUSED : undefined;
    const digits = utf8ToBytes(address.slice(2));
    const point = secp256k1.getPublicKey(found.secret, false);
    return concatBytes(Uint8Array.of(point.length), point, Uint8Array.of(digits.length), digits, OK);
  }

  private firstPiece(payload: Uint8Array): Uint8Array | undefined {
    const found = this.secretOf(payload);
    if (!found || found.rest.length < 4) return INCORRECT_DATA;
    const { secret, rest } = found;
    const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0) & 0xffff;
    if (2 * length + 1 > HEAP_BYTES) return NO_ROOM;
    this.text = { secret, length, received: new Uint8Array() };
    return this.piece(rest.subarray(4));
  }

  private piece(bytes: Uint8Array): Uint8Array | undefined {
    const { text } = this;
    if (!text || text.received.length + bytes.length > text.length) return INCORRECT_DATA;
    text.received = concatBytes(text.received, bytes);
    return text.received.length === text.length ? this.signed(text) : OK;
  }

  private signed({ secret, received }: Text): Uint8Array | undefined {
    this.text = undefined;
    const isText = received.every((byte) => (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x09 && byte <= 0x0d));
    const screen = isText
      ? String.fromCharCode(...received).replaceAll(/[\t-\r]/g, ' ')
      : `0x${bytesToHex(received)}`;
    const pressed = this.shows(`Message ${screen}`);
    if (pressed !== 'yes') return pressed === 'no' ? REFUSED : undefined;
    const digest = hexToBytes(hashMessage(received).slice(2));
    const signature = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' });
    return concatBytes(Uint8Array.of(27 + (signature[0] ?? 0)), signature.subarray(1), OK);
  }
}
