import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { Fault } from '../../src/core/fault.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import {
  dataOf,
  MOST_TEXT_BYTES,
  parseAppVersion,
  parsePublicKey,
  pathBytes,
  signTextCommands,
} from './apdu.js';
import { EthereumApp } from './ethereum-app.js';
import type { LedgerLink } from './link.js';
import { RECORDED_PATH, ReplayLink } from './replay.fixture.js';

const PUBLIC_KEY = '02ef5b152e3f15eb0c50c9916161c2309e54bd87b9adce722d69716bcdef85f547';
const ADDRESS = '0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D';
const TEXT = utf8ToBytes('hello from speculos');
const OK = Uint8Array.of(0x90, 0);
const QUICK = { machineMs: 50, personMs: 50 };

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error('accepted'),
    (fault: unknown) => fault,
  );
  return error instanceof Fault ? error.code : String(error);
}

/** Answers each command in turn with what a test says; undefined is silence. */
class ScriptedLink implements LedgerLink {
  readonly sent: string[] = [];
  closed = false;
  constructor(private readonly answers: (Uint8Array | undefined)[]) {}
  exchange(apdu: Uint8Array): Promise<Uint8Array> {
    this.sent.push(bytesToHex(apdu));
    const answer = this.answers.shift();
    return answer ? Promise.resolve(answer) : new Promise(() => undefined);
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const appNamed = (name: string, version: string) =>
  concatBytes(
    Uint8Array.of(1, name.length),
    utf8ToBytes(name),
    Uint8Array.of(version.length),
    utf8ToBytes(version),
    Uint8Array.of(1, 0),
    OK,
  );

describe("recorded exchanges with Ledger's own app", () => {
  it('give the app, the key with its address, and a signature that verifies under that key', async () => {
    const link = new ReplayLink('which app is open', 'a key, not shown', 'a text, shown and signed');
    const app = new EthereumApp(link);
    expect(await app.open()).toEqual({ name: 'Ethereum', version: '1.22.0' });
    expect(await app.keyAt(RECORDED_PATH)).toEqual({ publicKey: PUBLIC_KEY, address: ADDRESS });
    const signature = await app.signText(RECORDED_PATH, TEXT);
    expect(portableVerifier.eip191(hexToBytes(PUBLIC_KEY), TEXT, signature)).toBe(true);
    expect(link.isOver).toBe(true);
  });

  it('give the same key when the person has compared its address', async () => {
    const app = new EthereumApp(new ReplayLink('a key, shown and agreed to'));
    expect((await app.keyAt(RECORDED_PATH, true)).publicKey).toBe(PUBLIC_KEY);
  });

  it('say device-refused when the person says no, to a text and to a key', async () => {
    const app = new EthereumApp(new ReplayLink('a text, shown and refused', 'a key, shown and refused'));
    expect(await codeOf(app.signText(RECORDED_PATH, TEXT))).toBe('device-refused');
    expect(await codeOf(app.keyAt(RECORDED_PATH, true))).toBe('device-refused');
  });

  it('say device-locked while the device waits for its PIN', async () => {
    const app = new EthereumApp(new ReplayLink('locked: which app is open', 'locked: a key'));
    expect(await codeOf(app.open())).toBe('device-locked');
    expect(await codeOf(app.keyAt(RECORDED_PATH))).toBe('device-locked');
  });

  it('say device-other-app where the Bitcoin app is open, by its name and by its answer', async () => {
    const app = new EthereumApp(new ReplayLink('another app: which app is open', 'another app: a key'));
    expect(await codeOf(app.open())).toBe('device-other-app');
    expect(await codeOf(app.keyAt(RECORDED_PATH))).toBe('device-other-app');
  });
});

describe('which app is open', () => {
  it.each([
    ['1.22.0', 'accepted'],
    ['1.22.1-dev', 'accepted'],
    ['1.100.0', 'accepted'],
    ['2.0.0', 'accepted'],
    ['1.21.9', 'device-other-app'],
    ['1.9.19', 'device-other-app'],
    ['0.99.0', 'device-other-app'],
    ['1.22', 'device-other-app'],
    ['new', 'device-other-app'],
  ])('version %s: %s', async (version, code) => {
    const opened = new EthereumApp(new ScriptedLink([appNamed('Ethereum', version)])).open();
    expect(await (code === 'accepted' ? opened.then(() => code) : codeOf(opened))).toBe(code);
  });

  it.each([['Ethereum Classic'], ['BOLOS'], ['ethereum']])('%s is another app', async (name) => {
    expect(await codeOf(new EthereumApp(new ScriptedLink([appNamed(name, '1.22.0')])).open())).toBe(
      'device-other-app',
    );
  });

  it.each([
    ['nothing', ''],
    ['another format', '0208457468657265756d06312e32322e30'],
    ['a name longer than the answer', '01ff457468657265756d06312e32322e30'],
    ['a version longer than the answer', '0108457468657265756dff312e32322e30'],
    ['a name with a line end', '0108457468657265750a06312e32322e30'],
    ['no name', '010006312e32322e30'],
  ])('refuses %s', async (_, data) => {
    const link = new ScriptedLink([concatBytes(hexToBytes(data), OK)]);
    expect(await codeOf(new EthereumApp(link).open())).toBe('device-answer-malformed');
  });

  it('never reads beyond an answer, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
        try {
          const { name, version } = parseAppVersion(data);
          expect(data.length).toBeGreaterThanOrEqual(3 + name.length + version.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'device-answer-malformed' });
        }
      }),
    );
  });
});

describe('a key', () => {
  const secret = new Uint8Array(32).fill(7);
  const point = secp256k1.getPublicKey(secret, false);
  const own = addressOfPublicKey(bytesToHex(secp256k1.getPublicKey(secret))).slice(2);
  const answer = (key: Uint8Array, address: string) =>
    concatBytes(Uint8Array.of(key.length), key, Uint8Array.of(address.length), utf8ToBytes(address), OK);
  const offCurve = point.map((byte, at) => (at === 40 ? byte ^ 1 : byte));

  it('is taken with its own address alone', async () => {
    const link = new ScriptedLink([answer(point, own)]);
    expect(await new EthereumApp(link).keyAt(RECORDED_PATH)).toEqual({
      publicKey: bytesToHex(secp256k1.getPublicKey(secret)),
      address: `0x${own}`,
    });
  });

  it.each([
    ['the address of another key', answer(point, ADDRESS.slice(2))],
    ['its address without the checksum', answer(point, own.toLowerCase())],
    ['a point that is not on the curve', answer(offCurve, own)],
    ['a compressed point', answer(secp256k1.getPublicKey(secret), own)],
    ['an answer with a byte too many', concatBytes(answer(point, own).subarray(0, -2), Uint8Array.of(0), OK)],
    ['an answer that is cut short', concatBytes(answer(point, own).subarray(0, 80), OK)],
    ['an empty answer', OK],
  ])('is not taken with %s', async (_, given) => {
    expect(await codeOf(new EthereumApp(new ScriptedLink([given])).keyAt(RECORDED_PATH))).toBe(
      'device-answer-malformed',
    );
  });

  it('of any single byte changed is refused, or is the same one', () => {
    const data = answer(point, own).subarray(0, -2);
    for (let at = 0; at < data.length; at += 1) {
      const changed = data.map((byte, index) => (index === at ? byte ^ 1 : byte));
      let seen: string;
      try {
        const parsed = parsePublicKey(changed);
        seen = addressOfPublicKey(bytesToHex(secp256k1.Point.fromBytes(parsed.point).toBytes()));
        expect(seen).not.toBe(parsed.address);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });
});

describe('a text to sign', () => {
  const order = secp256k1.Point.Fn.ORDER;
  const r = '11'.repeat(32);
  const signed = (rs: string) => concatBytes(hexToBytes(`1b${rs}`), OK);

  it('is sent whole and in order, in pieces that the app takes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), (text) => {
        const commands = signTextCommands(RECORDED_PATH, text);
        const payload = concatBytes(...commands.map((command) => command.subarray(5)));
        expect(bytesToHex(payload)).toBe(
          `${bytesToHex(pathBytes(RECORDED_PATH))}${text.length.toString(16).padStart(8, '0')}${bytesToHex(text)}`,
        );
        for (const [at, command] of commands.entries()) {
          expect([...command.subarray(0, 4)]).toEqual([0xe0, 0x08, at === 0 ? 0 : 0x80, 0]);
          expect(command[4]).toBe(command.length - 5);
          expect(command.length).toBeLessThanOrEqual(155);
        }
      }),
    );
  });

  it('that is empty, or longer than the app can count, is not sent', async () => {
    for (const text of [new Uint8Array(), new Uint8Array(MOST_TEXT_BYTES + 1)]) {
      const link = new ScriptedLink([]);
      expect(await codeOf(new EthereumApp(link).signText(RECORDED_PATH, text))).toBe('device-text-too-long');
      expect(link.sent).toEqual([]);
    }
  });

  it.each([
    ["44'/60'/x"],
    [''],
    ["44'//0"],
    ["2147483648'"],
    ['1/2/3/4/5/6/7/8/9/10/11'],
    ["44'/60'/0'/0/01"],
  ])('is not sent for the path %p', async (path) => {
    expect(await codeOf(new EthereumApp(new ScriptedLink([])).signText(path, TEXT))).toBe(
      'device-path-invalid',
    );
  });

  it('has s in the lower half, whatever the device gave', async () => {
    const s = 5n;
    const high = (order - s).toString(16).padStart(64, '0');
    const link = new ScriptedLink([signed(r + high)]);
    const low = await new EthereumApp(link).signText(RECORDED_PATH, TEXT);
    expect(bytesToHex(low)).toBe(r + s.toString(16).padStart(64, '0'));
  });

  it.each([
    ['a signature that is cut short', signed(r + '22'.repeat(31))],
    ['one with a byte too many', signed(`${r}${'22'.repeat(33)}`)],
    ['one of zeros', signed('00'.repeat(64))],
    ['one with s beyond the order', signed(r + 'ff'.repeat(32))],
    ['no answer data', OK],
    ['one byte', Uint8Array.of(0x90)],
    ['nothing', new Uint8Array(0)],
    ['more than any answer holds', new Uint8Array(300)],
  ])('is not signed by %s', async (_, answer) => {
    expect(await codeOf(new EthereumApp(new ScriptedLink([answer])).signText(RECORDED_PATH, TEXT))).toBe(
      'device-answer-malformed',
    );
  });

  it('is not signed by an answer to its first piece', async () => {
    const link = new ScriptedLink([signed(r + r), signed(r + r)]);
    expect(await codeOf(new EthereumApp(link).signText(RECORDED_PATH, new Uint8Array(400)))).toBe(
      'device-answer-malformed',
    );
    expect(link.sent).toHaveLength(1);
  });

  it.each([
    ['6985', 'device-refused'],
    ['5515', 'device-locked'],
    ['6982', 'device-locked'],
    ['6e00', 'device-other-app'],
    ['6d00', 'device-other-app'],
    ['6511', 'device-other-app'],
    ['6a84', 'device-text-too-long'],
    ['6a80', 'device-status'],
    ['6f00', 'device-status'],
    ['9001', 'device-status'],
  ])('status %s is %s', (status, code) => {
    expect(() => dataOf(hexToBytes(status))).toThrow(expect.objectContaining({ code }));
  });
});

describe('a device that never answers', () => {
  it('is given up at its deadline, closed, and asked nothing more', async () => {
    const link = new ScriptedLink([undefined, appNamed('Ethereum', '1.22.0')]);
    const app = new EthereumApp(link, QUICK);
    expect(await codeOf(app.open())).toBe('device-deadline');
    expect(link.closed).toBe(true);
    expect(await codeOf(app.open())).toBe('device-gone');
    expect(link.sent).toHaveLength(1);
  });

  it('in the middle of a text has signed nothing', async () => {
    const link = new ScriptedLink([OK, undefined]);
    const app = new EthereumApp(link, QUICK);
    expect(await codeOf(app.signText(RECORDED_PATH, new Uint8Array(400)))).toBe('device-deadline');
    expect(link.sent).toHaveLength(2);
  });
});
