import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Certificate, certificate, decisionsOf } from '../core/certificates/certificate.js';
import { EXIT } from './exit.js';
import { portcullis } from './program.js';
import { Terminal } from './terminal.js';

/** A real signer's certificates and the log that they were given under: the verifier's test vectors. */
const VECTORS = join(import.meta.dirname, '../../verifier/vectors');
const DAY_MS = 86_400_000;

/** Nine of them, whatever vectors there are behind: payments under two policies. */
const LINES = readFileSync(join(VECTORS, 'all.jsonl'), 'utf8').trimEnd().split('\n').slice(0, 9);
const certificates: readonly Certificate[] = LINES.map((line) => certificate.parse(JSON.parse(line)));
const newestMs = Math.max(...certificates.map(({ reservation }) => reservation.at.wallMs));

/** The transfer that a reservation decided about. */
function decidedBy(ordinal: number): string {
  const found = certificates.find(({ reservation }) => reservation.ordinal === ordinal);
  const [decision] = found ? decisionsOf(found) : [];
  return decision?.transferId ?? `nothing by ${ordinal}`;
}

const BITCOIN = (rules: string, max = '2 BTC') => `policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "5%" }
limits:
  - { id: week, per: wallet, asset: BTC, window: 7d, max: "${max}" }
rules:
${rules}
`;
const ETHEREUM = (effect: string) => `policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "5%" }
rules:
  - { id: eth, when: { asset: ETH, amount-at-most: "1 ETH" }, then: ${effect} }
  - { id: rest, when: anything, then: refuse }
`;
const EASED = [
  '  - { id: small, when: { asset: BTC, amount-at-most: "0.01 BTC" }, then: allow }',
  '  - { id: middle, when: { asset: BTC, amount-at-most: "1 BTC" }, then: { approve: [{ group: treasury, quorum: 1 }] } }',
].join('\n');

let folder: string;
let all: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-replay-'));
  all = written('all.jsonl', LINES.join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function replayed(bitcoin: string, ethereum: string, file: string, ...more: readonly string[]) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const cli = portcullis(new Terminal({ input: new PassThrough(), output, errors }, {}), {});
  const drafts = [written('hot-bitcoin.yaml', bitcoin), written('hot-ethereum.yaml', ethereum)];
  const exit = await cli.run([
    ...['policy', 'replay', file, '--policy', ...drafts],
    ...['--log', join(VECTORS, 'governance.json'), ...more],
  ]);
  return { exit, output: String(output.read() ?? ''), errors: String(errors.read() ?? '') };
}

async function answered(...given: Parameters<typeof replayed>): Promise<unknown> {
  const { exit, output } = await replayed(...given, '--json');
  expect(exit).toBe(EXIT.ok);
  return JSON.parse(output);
}

describe('policy replay', () => {
  it('shows each decision that would be another one, with what it was, and counts them by what changes', async () => {
    expect(await answered(BITCOIN(EASED), ETHEREUM('refuse'), all)).toEqual({
      decisions: 7,
      counts: {
        refused: 1,
        'approvals-missing': 0,
        unattended: 2,
        'approvals-eased': 1,
        'approvals-tightened': 0,
        'approvals-other': 0,
        'hold-shorter': 0,
        'hold-longer': 0,
        'let-through': 0,
        'let-through-approved': 0,
      },
      changed: [
        expect.objectContaining({
          transferId: decidedBy(1),
          kinds: ['approvals-eased'],
          was: 'approve by hot-bitcoin/middle: 2 of treasury',
          wouldBe: 'approve by hot-bitcoin/middle: 1 of treasury',
          isHeldBack: false,
        }),
        expect.objectContaining({
          transferId: decidedBy(3),
          kinds: ['refused'],
          was: 'allow by hot-ethereum/eth-small',
          wouldBe: 'refuse policy-refused by hot-ethereum/eth',
          isHeldBack: true,
        }),
        // Under the documents that were in force by then.
        ...[8, 9].map((ordinal) =>
          expect.objectContaining({
            transferId: decidedBy(ordinal),
            kinds: ['unattended'],
            was: 'approve by hot-bitcoin/in-turn: first 2 of treasury (1 with a passkey), then 1 of governors (1 with a display)',
            wouldBe: 'allow by hot-bitcoin/small',
          }),
        ),
      ],
      unjudged: [],
      waitingAlike: 0,
      sinceMs: 0,
      missing: [],
      refused: null,
    });
  });

  it('says it in words, and that it sees only what was signed', async () => {
    const { exit, output } = await replayed(BITCOIN(EASED), ETHEREUM('refuse'), all);
    expect(exit).toBe(EXIT.ok);
    expect(output).toContain('7 decisions, 4 would change: 1 held back, 3 otherwise\n');
    expect(output).toMatch(/^ +2 {2}approved by nobody any more$/m);
    expect(output).toMatch(/^ +1 {2}with fewer or weaker approvals$/m);
    expect(output).toMatch(
      new RegExp(`${decidedBy(1)} +2\\d{3}-.* UTC +approve by hot-bitcoin/middle: 2 of treasury +approve by`),
    );
    expect(output).toContain('Only what was signed is decided again');
  });

  it('counts each reservation once, however often and in whatever order it comes', async () => {
    const twice = written('twice.jsonl', [...LINES, ...[...LINES].reverse()].join('\n'));
    expect(await answered(BITCOIN(EASED), ETHEREUM('allow'), twice)).toMatchObject({ decisions: 7 });
  });

  it('takes who approved with what, when it was signed', async () => {
    const display = '{ approve: [{ group: governors, quorum: 1, with: { device-display: 1 } }] }';
    const rules = [
      '  - { id: small, when: { asset: BTC, amount-at-most: "0.002 BTC" }, then: allow }',
      `  - { id: rest, when: { asset: BTC }, then: ${display} }`,
    ].join('\n');
    expect(await answered(BITCOIN(rules), ETHEREUM('allow'), all)).toMatchObject({
      changed: [
        { transferId: decidedBy(1), isHeldBack: true, kinds: ['approvals-missing', 'approvals-other'] },
        { transferId: decidedBy(8), isHeldBack: false, kinds: ['approvals-eased'] },
        { transferId: decidedBy(9), isHeldBack: false, kinds: ['approvals-eased'] },
      ],
    });
  });

  it('tells with --days of the last ones, and names since when', async () => {
    const given = [BITCOIN(EASED), ETHEREUM('refuse'), all, '--days', '1'] as const;
    expect(await answered(...given)).toMatchObject({ decisions: 7, sinceMs: newestMs - DAY_MS });
    const { output } = await replayed(...given);
    expect(output).toContain('limits count what was before');
  });

  it('knows what was paid before from the certificates, and cannot judge where some of them are missing', async () => {
    const rules = [
      '  - { id: known, when: { asset: BTC, first-use: no }, then: allow }',
      '  - { id: new, when: { asset: BTC, first-use: yes }, then: { approve: [{ group: treasury, quorum: 3 }] } }',
    ].join('\n');
    const draft = [BITCOIN(rules), ETHEREUM('allow')] as const;
    expect(await answered(...draft, all)).toMatchObject({
      changed: [
        { transferId: decidedBy(1), isHeldBack: true },
        { transferId: decidedBy(8), kinds: ['unattended'] },
        { transferId: decidedBy(9), kinds: ['unattended'] },
      ],
      unjudged: [],
    });
    const later = written('later.jsonl', LINES.slice(2).join('\n'));
    expect(await answered(...draft, later)).toMatchObject({
      decisions: 6,
      unjudged: [{ transferId: decidedBy(4), was: 'allow by hot-bitcoin/small', notKnown: ['first-use'] }],
      missing: [{ from: 1, to: 2 }],
    });
    const { output } = await replayed(...draft, later);
    expect(output).toContain('1 cannot be judged');
    expect(output).toContain('reservations 1 to 2');
    expect(output).toMatch(new RegExp(`${decidedBy(4)} .*first-use`));
  });

  it('cannot judge what needs a fact that nobody stated', async () => {
    const risky = `  - { id: risky, when: { risk-score-above: 70 }, then: refuse }\n${EASED}`;
    const said = await answered(BITCOIN(risky), ETHEREUM('allow'), all);
    expect(said).toMatchObject({ decisions: 7, changed: [], counts: { refused: 0 } });
    expect(said).toMatchObject({
      unjudged: [1, 4, 5, 6, 8, 9].map((ordinal) => ({ transferId: decidedBy(ordinal) })),
    });
  });

  /** What the first reservation paid, as if it had been refused: its certificate is in no file then. */
  function refusedLine(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const { order, at } = certificates[0]?.reservation ?? {};
    const request = order?.transfers[0]?.request;
    return {
      request,
      atMs: at?.wallMs,
      code: 'policy-refused',
      by: 'orchestrator',
      rule: null,
      limit: null,
      ...more,
    };
  }
  const rest = () => written('rest.jsonl', LINES.slice(1).join('\n'));
  const refusedFile = (...lines: readonly unknown[]) =>
    written('refused.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));

  it('takes what was refused as well, each once, and shows what the draft would let pass', async () => {
    const file = refusedFile(
      refusedLine({ rule: 'hot-bitcoin/none' }),
      refusedLine({ code: 'limit-exceeded' }),
    );
    const given = [BITCOIN(EASED), ETHEREUM('allow'), rest(), '--refused', file] as const;
    expect(await answered(...given)).toMatchObject({
      decisions: 7,
      refused: 1,
      counts: { 'let-through': 0, 'let-through-approved': 1 },
      changed: expect.arrayContaining([
        expect.objectContaining({
          transferId: decidedBy(1),
          kinds: ['let-through-approved'],
          was: 'refuse policy-refused by hot-bitcoin/none (orchestrator)',
          wouldBe: 'approve by hot-bitcoin/middle: 1 of treasury',
        }),
      ]),
    });
    const { output } = await replayed(...given);
    expect(output).toMatch(/^ +1 {2}let pass with approvals, which were refused$/m);
    expect(output).toContain('Of 1 refused requests, the signatures were verified');
  });

  it('lets no time of a refusal move what --days shows of what was signed', async () => {
    const given = (atMs: number) =>
      [
        BITCOIN(EASED),
        ETHEREUM('refuse'),
        rest(),
        '--refused',
        refusedFile(refusedLine({ atMs })),
        '--days',
        '1',
      ] as const;
    // As late as it can be: nobody is refused long after their request has expired.
    expect(await answered(...given(newestMs + DAY_MS / 2))).toMatchObject({
      decisions: 7,
      sinceMs: newestMs - DAY_MS,
    });
    const { exit, errors } = await replayed(...given(newestMs + 365 * DAY_MS));
    expect(exit).toBe(EXIT.refused);
    expect(errors).toContain('request-expired');
  });

  it('takes what was signed later for signed', async () => {
    const given = [BITCOIN(EASED), ETHEREUM('allow'), all, '--refused', refusedFile(refusedLine())] as const;
    expect(await answered(...given)).toMatchObject({
      decisions: 7,
      refused: 0,
      counts: { 'let-through-approved': 0 },
    });
  });

  it('compares what officers did not approve with what the rule of then asked of them', async () => {
    const file = refusedFile(refusedLine({ code: 'approval-expired', rule: 'hot-bitcoin/middle' }));
    expect(await answered(BITCOIN(EASED), ETHEREUM('allow'), rest(), '--refused', file)).toMatchObject({
      changed: expect.arrayContaining([
        expect.objectContaining({
          kinds: ['approvals-eased'],
          was: 'refuse approval-expired; approve by hot-bitcoin/middle: 2 of treasury (orchestrator)',
        }),
      ]),
    });
  });

  it('takes no refused request that its key did not sign for this deployment, and no other code', async () => {
    const draft = [BITCOIN(EASED), ETHEREUM('allow'), rest(), '--refused'] as const;
    const { request } = refusedLine() as { request: { statement: object; signature: string } };
    const { statement } = request;
    const bigger = refusedLine({ request: { ...request, statement: { ...statement, amount: '9' } } });
    const forged = await replayed(...draft, refusedFile(bigger));
    expect(forged.exit).toBe(EXIT.refused);
    expect(forged.errors).toContain('request-signature-invalid');
    const foreign = refusedLine({
      request: { ...request, statement: { ...statement, deploymentId: '00'.repeat(32) } },
    });
    expect((await replayed(...draft, refusedFile(foreign))).errors).toContain('request-other-deployment');
    for (const line of [refusedLine({ code: 'request-signature-invalid' }), { request }, 'nothing']) {
      const { exit, errors } = await replayed(...draft, refusedFile(line));
      expect(exit).toBe(EXIT.usage);
      expect(errors).toContain('refused.jsonl:1');
    }
  });

  it('believes no certificate that does not verify, and no certificates that do not go together', async () => {
    const draft = [BITCOIN(EASED), ETHEREUM('allow')] as const;
    const malformed = await replayed(...draft, written('one.json', JSON.stringify({ type: 'something' })));
    expect(malformed.exit).toBe(EXIT.refused);
    expect(malformed.errors).toContain('certificate-malformed');
    const tampered = await replayed(...draft, join(VECTORS, 'other-rule.jsonl'));
    expect(tampered.exit).toBe(EXIT.refused);
  });
});
