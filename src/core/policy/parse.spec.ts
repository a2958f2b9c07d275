import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tokenKey } from '../governance/state.js';
import { addressOfScript } from '../intents/bitcoin/address.js';
import type { PolicyContext } from './page.js';
import { parsePolicies } from './parse.js';
import {
  documentOf,
  ETHEREUM,
  SHIPPED_CONTEXT,
  shippedDocuments,
  USDX,
  valueFrom,
} from './shipped.fixture.js';

const ETH = { chain: ETHEREUM, contract: 'native', symbol: 'ETH', decimals: 18 };
const HEAD = 'fee-caps: { absolute: "0.0005 BTC", relative: "2.25%" }';
const RULE = 'rules:\n  - { id: one, when: { asset: BTC, amount-at-most: "1 BTC" }, then: allow }';

function bitcoin(name: string, appliesTo = '{ wallets: [hot-btc] }', more = ''): string {
  return `policy: ${name}\napplies-to: ${appliesTo}\n${HEAD}\n${more}${RULE}\n`;
}

function whyOf(texts: readonly (readonly [string, string])[], context: PolicyContext = SHIPPED_CONTEXT) {
  const outcome = parsePolicies(
    texts.map(([name, text]) => documentOf(name, text)),
    context,
  );
  return outcome.kind === 'refused' ? { code: outcome.code, ...outcome.facts } : outcome.kind;
}

describe('parsing policies', () => {
  it('gives exact amounts, windows and shares of what the shipped documents say', () => {
    const set = valueFrom(parsePolicies(shippedDocuments(), SHIPPED_CONTEXT));
    const policy = set.policies.find(({ name }) => name === 'hot-ethereum');
    expect(policy?.feeCaps).toEqual({ absoluteMax: 10n ** 16n, relativeMaxBasisPoints: 500n });
    expect(policy?.limits[1]).toEqual({
      id: 'hot-ethereum/usdx-day',
      scope: 'wallet',
      windowMs: 86_400_000,
      measure: {
        kind: 'amount',
        max: 50_000n * 10n ** 18n,
        asset: { chain: ETHEREUM, contract: USDX.toLowerCase(), symbol: 'USDX', decimals: 18 },
      },
    });
    expect(policy?.rules[1]).toEqual({
      id: 'eth-middle',
      when: [
        { kind: 'asset', asset: ETH },
        { kind: 'amount-at-most', asset: ETH, amount: 10n ** 19n },
      ],
      effect: { kind: 'approve', requirements: [{ group: 'treasury', quorum: 2 }] },
    });
  });

  it('hashes what it was given: one blank more is another policy', () => {
    const [first, ...rest] = shippedDocuments();
    if (!first) throw new Error('no documents are shipped');
    const changed = [{ ...first, lines: [...first.lines, ' '] }, ...rest];
    const before = valueFrom(parsePolicies(shippedDocuments(), SHIPPED_CONTEXT));
    const after = valueFrom(parsePolicies(changed, SHIPPED_CONTEXT));
    expect(after.policies).toEqual(before.policies);
    expect(after.hash).not.toBe(before.hash);
  });

  it('reads a percentage with two decimals exactly', () => {
    const set = valueFrom(parsePolicies([documentOf('a', bitcoin('a'))], SHIPPED_CONTEXT));
    expect(set.policies[0]?.feeCaps?.relativeMaxBasisPoints).toBe(225n);
  });

  it('numbers alternatives, and leaves a list that has none as it is', () => {
    const effectOf = (approve: string) => {
      const text = bitcoin('a').replace('then: allow', `then: { approve: ${approve} }`);
      return valueFrom(parsePolicies([documentOf('a', text)], SHIPPED_CONTEXT)).policies[0]?.rules[0]?.effect;
    };
    const requirements = [{ group: 'treasury', quorum: 1, except: ['alice'], notMembersOf: ['board'] }];
    expect(
      effectOf('[{ group: treasury, quorum: 1, except: [alice], not-members-of: [board] }]'),
    ).toStrictEqual({ kind: 'approve', requirements });
    expect(
      effectOf(
        '{ any-of: [[{ group: treasury, quorum: 3 }], [{ group: board, quorum: 1 }, { group: treasury, quorum: 1 }]] }',
      ),
    ).toStrictEqual({
      kind: 'approve',
      requirements: [
        { group: 'treasury', quorum: 3, alternative: 0 },
        { group: 'board', quorum: 1, alternative: 1 },
        { group: 'treasury', quorum: 1, alternative: 1 },
      ],
    });
  });

  it('takes an exception for somebody who was removed, so that a removal need not wait for a policy', () => {
    const text = bitcoin('a').replace(
      'then: allow',
      'then: { approve: [{ group: treasury, quorum: 1, except: [erin] }] }',
    );
    expect(whyOf([['a', text]])).toBe('accepted');
  });

  it('takes requesters who were persons or owned a request key once, and says so of nobody else', () => {
    const asking = (names: string) =>
      bitcoin('a').replace('asset: BTC,', `asset: BTC, requester-in: [${names}],`);
    expect(whyOf([['a', asking('erin, refunds, alice')]])).toBe('accepted');
    expect(whyOf([['a', asking('constructor')]])).toMatchObject({
      why: 'no request key was ever owned by constructor',
    });
  });

  it('refuses approvals that would be those of whoever alone can ask', () => {
    const rule = (when: string, quorum: number) =>
      bitcoin('a').replace(
        RULE,
        `rules:\n  - { id: one, when: { asset: BTC, ${when} }, then: { hold: 1h, then: { approve: [{ group: treasury, quorum: ${quorum} }] } } }`,
      );
    const why = (name: string) =>
      `can never be met: who asks for it is ${name}, and nobody approves what they asked for`;
    expect(whyOf([['a', rule('requester-in: [alice]', 2)]])).toBe('accepted');
    expect(whyOf([['a', rule('requester-in: [alice]', 3)]])).toMatchObject({ why: why('alice') });
    expect(whyOf([['a', rule('requester-in: [alice, bob]', 3)]])).toMatchObject({ why: why('alice or bob') });
    expect(whyOf([['a', rule('requester-in: [alice, payouts]', 3)]])).toBe('accepted');
    const ways = 'any-of: [{ requester-in: [alice] }, { requester-in: [payouts] }]';
    expect(whyOf([['a', rule(ways, 3)]])).toBe('accepted');
    expect(whyOf([['a', rule(`${ways}, none-of: [{ requester-in: [payouts] }]`, 3)]])).toMatchObject({
      why: why('alice'),
    });
  });

  it('finds a rule that is never reached whatever approvals it wants', () => {
    const approve = (then: string) =>
      `when: { asset: BTC, amount-at-most: "1 BTC" }, then: { approve: ${then} }`;
    const two = `rules:\n  - { id: one, ${approve('[{ group: board, quorum: 1 }]')} }\n  - { id: two, ${approve('{ any-of: [[{ group: board, quorum: 2 }], [{ group: treasury, quorum: 3 }]] }')} }`;
    expect(whyOf([['a', bitcoin('a').replace(RULE, two)]])).toMatchObject({
      why: 'never reached: one matches all that it could',
    });
  });

  describe('of rules that other documents leave nothing for', () => {
    const forAll = (when: string, appliesTo = 'everything') =>
      `policy: b\napplies-to: ${appliesTo}\n${appliesTo === 'everything' ? '' : `${HEAD}\n`}rules:\n  - { id: no, when: { ${when} }, then: refuse }\n`;
    const both = (when: string, appliesTo?: string) =>
      whyOf([
        ['a', bitcoin('a')],
        ['b', forAll(when, appliesTo)],
      ]);
    const never = {
      document: 'a',
      line: 5,
      column: 11,
      why: 'never reached: b/no matches all that it could',
    };

    it.each([
      'asset: BTC',
      'chain-in: ["bip122:0f9188f13cb7b2c71f2a335e3a4fc328"]',
      'wallet-in: [hot-btc, hot-eth]',
      'tier-in: [hot]',
      'asset: BTC, amount-at-most: "2 BTC"',
    ])('refuses them: %s', (when) => {
      expect(both(when)).toMatchObject(never);
    });

    it.each([
      'asset: BTC, amount-at-most: "0.5 BTC"',
      'tier-in: [warm]',
      'wallet-in: [hot-eth]',
      'asset: BTC, first-use: yes',
      'none-of: [{ wallet-in: [hot-btc] }]',
      'none-of: [{ chain-in: ["bip122:0f9188f13cb7b2c71f2a335e3a4fc328", "eip155:31337"] }]',
    ])('takes them: %s', (when) => {
      expect(both(when)).toBe('accepted');
    });

    it('refuses what a document and another one refuse between them', () => {
      const small = `rules:\n  - { id: small, when: { amount-at-most: "1 BTC", asset: BTC, first-use: yes }, then: refuse }\n`;
      const text = bitcoin('a').replace('rules:\n', small);
      expect(whyOf([['a', text]])).toBe('accepted');
      expect(
        whyOf([
          ['a', text],
          ['b', forAll('first-use: no')],
        ]),
      ).toMatchObject({ why: 'never reached: b/no and small match between them all that it could' });
    });

    it('asks of a tier only where it is that of all wallets of the document', () => {
      const context = {
        ...SHIPPED_CONTEXT,
        wallets: new Map([...SHIPPED_CONTEXT.wallets].filter(([id]) => id.endsWith('btc'))),
      };
      const tier = (name: string) =>
        `policy: b\napplies-to: { tier: ${name} }\n${HEAD}\nrules:\n  - { id: no, when: { asset: BTC }, then: refuse }\n`;
      const documents = (appliesTo: string, name: string) =>
        [
          ['a', bitcoin('a', appliesTo)],
          ['b', tier(name)],
        ] as const;
      expect(whyOf(documents('{ wallets: [hot-btc] }', 'hot'), context)).toMatchObject(never);
      expect(whyOf(documents('{ wallets: [hot-btc] }', 'warm'), context)).toBe('accepted');
      expect(whyOf(documents('{ wallets: [hot-btc, warm-btc] }', 'hot'), context)).toBe('accepted');
    });
  });

  it('refuses two documents for one wallet', () => {
    expect(
      whyOf([
        ['a', bitcoin('a')],
        ['b', bitcoin('b')],
      ]),
    ).toMatchObject({
      code: 'policy-malformed',
      document: 'b',
      line: 2,
      column: 25,
      why: 'the wallet hot-btc has a document already: a',
    });
  });

  it('refuses two documents for one tier', () => {
    const context = {
      ...SHIPPED_CONTEXT,
      wallets: new Map([...SHIPPED_CONTEXT.wallets].filter(([id]) => id === 'hot-btc')),
    };
    const documents = [
      ['a', bitcoin('a', '{ tier: hot }')],
      ['b', bitcoin('b', '{ tier: hot }')],
    ] as const;
    expect(whyOf(documents.slice(0, 1), context)).toBe('accepted');
    expect(whyOf(documents, context)).toMatchObject({
      code: 'policy-malformed',
      why: 'the tier hot has a document already: a',
    });
  });

  it('refuses two documents of one name', () => {
    const limits =
      'policy: a\napplies-to: everything\nlimits:\n  - { id: x, per: global, window: 1h, max-count: 1 }\n';
    expect(
      whyOf([
        ['a', limits],
        ['a', limits],
      ]),
    ).toMatchObject({ code: 'policy-malformed', why: 'two documents are called a' });
  });

  it('refuses a symbol that two tokens of a chain share, whatever is written after it', () => {
    const twin = '0x00000000000000000000000000000000000000aa';
    const token = { chain: ETHEREUM, contract: twin, symbol: 'USDX', decimals: 6, codeHash: 'cd'.repeat(32) };
    const context = {
      ...SHIPPED_CONTEXT,
      tokens: new Map(SHIPPED_CONTEXT.tokens).set(tokenKey(ETHEREUM, twin), token),
    };
    for (const name of ['USDX', `USDX@${ETHEREUM}`]) {
      const text = `policy: a\napplies-to: everything\nlimits:\n  - { id: x, per: global, asset: "${name}", window: 1h, max: "1 USDX" }\n`;
      expect(whyOf([['a', text]], context)).toMatchObject({
        code: 'policy-malformed',
        why: expect.stringContaining('more than one asset'),
      });
    }
  });

  it('refuses a coin that two chains share, and takes it with its chain', () => {
    const other = 'eip155:11155111';
    const context = {
      ...SHIPPED_CONTEXT,
      chains: new Map(SHIPPED_CONTEXT.chains).set(other, {
        family: 'ethereum',
        chain: other,
        coin: { symbol: 'ETH', decimals: 18 },
      }),
      wallets: new Map(SHIPPED_CONTEXT.wallets).set('other', {
        walletId: 'other',
        chain: other,
        tier: 'warm',
        token: 'treasury',
        keys: [{ label: 'other', publicKey: `02${'22'.repeat(32)}` }],
      }),
    };
    const text = (name: string) =>
      `policy: a\napplies-to: everything\nlimits:\n  - { id: x, per: global, asset: "${name}", window: 1h, max: "1 ETH" }\n`;
    expect(whyOf([['a', text('ETH')]], context)).toMatchObject({ code: 'policy-malformed' });
    const set = valueFrom(parsePolicies([documentOf('a', text(`ETH@${other}`))], context));
    expect(set.policies[0]?.limits[0]?.measure).toMatchObject({ asset: { chain: other }, max: 10n ** 18n });
  });

  it('refuses an asset of a chain that no wallet of the document is on', () => {
    const context = {
      ...SHIPPED_CONTEXT,
      wallets: new Map([...SHIPPED_CONTEXT.wallets].filter(([id]) => id === 'hot-btc')),
    };
    const text =
      'policy: a\napplies-to: everything\nlimits:\n  - { id: x, per: global, asset: ETH, window: 1h, max: "1 ETH" }\n';
    expect(whyOf([['a', text]])).toBe('accepted');
    expect(whyOf([['a', text]], context)).toMatchObject({ code: 'policy-malformed', line: 4, column: 34 });
  });

  describe('of destinations', () => {
    const SEGWIT = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    const LEGACY = ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', '2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc'];
    const DEAD = '0x000000000000000000000000000000000000dEaD';
    const ofWallet = (asset: string, caps: string, addresses: readonly string[]) =>
      `policy: a\napplies-to: { wallets: [hot-${asset.toLowerCase()}] }\nfee-caps: { absolute: "${caps} ${asset}", relative: "1%" }\nrules:\n  - { id: r, when: { asset: ${asset}, destination-in: ["${addresses.join('", "')}"] }, then: allow }\n`;
    const ofAll = (when: string) =>
      `policy: a\napplies-to: everything\nrules:\n  - { id: r, when: { ${when} }, then: refuse }\n`;

    it('takes whatever the signer pays on the network: segwit, taproot and Base58', () => {
      const taproot = addressOfScript(
        `5120${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}`,
        'regtest',
      );
      const addresses = [SEGWIT, ...LEGACY, taproot ?? ''];
      const set = valueFrom(
        parsePolicies([documentOf('a', ofWallet('BTC', '0.0005', addresses))], SHIPPED_CONTEXT),
      );
      expect(set.policies[0]?.rules[0]?.when[1]).toEqual({
        kind: 'destination-in',
        names: new Set(addresses),
      });
    });

    it.each([
      [
        'of another network',
        'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
        'an address of mainnet, where regtest is wanted',
      ],
      [
        'of another network, in Base58',
        '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2',
        'an address of mainnet, where regtest is wanted',
      ],
      [
        'with a wrong letter',
        SEGWIT.replace('w508', 'w588'),
        expect.stringContaining('checksum does not fit'),
      ],
      [
        'with a wrong letter, in Base58',
        LEGACY[0]?.replace('mip', 'mjp') ?? '',
        expect.stringContaining('checksum does not fit'),
      ],
      ['in capitals', SEGWIT.toUpperCase(), expect.stringContaining('wrong case')],
    ])('refuses a Bitcoin address %s', (_what, address, why) => {
      expect(whyOf([['a', ofWallet('BTC', '0.0005', [SEGWIT, address])]])).toMatchObject({
        code: 'policy-malformed',
        line: 5,
        column: 51 + SEGWIT.length + 4,
        why,
      });
    });

    it.each([
      ['with a wrong digit', DEAD.replace('dEaD', 'dEaE'), expect.stringContaining('EIP-55')],
      ['without its checksum', DEAD.toLowerCase(), expect.stringContaining('EIP-55')],
      ['that is zero', `0x${'0'.repeat(40)}`, 'nobody is paid at the zero address'],
      ['on Bitcoin', SEGWIT, 'not an address on the chain of this document'],
    ])('refuses an Ethereum address %s', (_what, address, why) => {
      expect(whyOf([['a', ofWallet('ETH', '1', [address])]])).toMatchObject({ line: 5, column: 51, why });
    });

    it('takes one of any chain of a document of several, but for what is beside an asset', () => {
      expect(whyOf([['a', ofAll(`destination-in: ["${SEGWIT}", "${DEAD}"]`)]])).toBe('accepted');
      expect(whyOf([['a', ofAll(`asset: BTC, destination-in: ["${SEGWIT}", "${DEAD}"]`)]])).toMatchObject({
        column: 99,
        why: 'not an address on the chain of BTC',
      });
      expect(whyOf([['a', ofAll(`destination-in: ["${DEAD.toLowerCase()}"]`)]])).toMatchObject({
        code: 'policy-malformed',
      });
    });

    it('refuses one twice', () => {
      expect(whyOf([['a', ofWallet('ETH', '1', [DEAD, DEAD])]])).toMatchObject({ line: 5, column: 97 });
    });

    it('means by an Ethereum address the same one in whatever letters a transfer has it', () => {
      const set = valueFrom(parsePolicies([documentOf('a', ofWallet('ETH', '1', [DEAD]))], SHIPPED_CONTEXT));
      expect(set.policies[0]?.rules[0]?.when[1]).toMatchObject({ names: new Set([DEAD.toLowerCase()]) });
    });
  });

  it('refuses a text that is longer than its bound', () => {
    const comment = `#${' '.repeat(190)}\n`.repeat(400);
    expect(whyOf([['a', comment + bitcoin('a')]])).toMatchObject({
      code: 'policy-malformed',
      why: 'longer than 65536 characters',
    });
  });

  it('refuses nesting that would end a recursive parser', () => {
    const deep = `${'['.repeat(190)}\n`.repeat(300);
    expect(whyOf([['a', `policy: a\nrules: ${deep}`]])).toMatchObject({ code: 'policy-malformed' });
  });

  it('refuses characters that a person would not see', () => {
    for (const character of ['\u202e', '\u00a0', '\u0430', '\t', '\r']) {
      expect(whyOf([['a', bitcoin('a').replace('1 BTC', `1 BTC${character}`)]])).toMatchObject({
        code: 'policy-malformed',
        line: 5,
        column: 58,
        why: expect.stringMatching(
          /^a character that is not printable ASCII: U\+(?:202E|00A0|0430|0009|000D)/,
        ),
      });
    }
  });

  it('refuses keys that mean something to JavaScript', () => {
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(whyOf([['a', `${bitcoin('a')}${key}: { rules: [] }\n`]])).toMatchObject({
        code: 'policy-malformed',
        line: 6,
      });
    }
  });

  it('gives a name that looks like something of JavaScript no meaning', () => {
    const group = 'constructor';
    const text = bitcoin('a').replace('then: allow', `then: { approve: [ { group: ${group}, quorum: 1 } ] }`);
    expect(whyOf([['a', text]])).toMatchObject({ why: 'no such group: constructor' });
  });

  it('answers any change of a good document with a value, never with a throw, and always the same one', () => {
    const good = bitcoin(
      'a',
      '{ wallets: [hot-btc] }',
      'limits:\n  - { id: n, per: customer, window: 1h, max-count: 2 }\n',
    );
    const piece = fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      ':',
      '"',
      "'",
      '&a ',
      '*a',
      '!!int ',
      '<<',
      '- ',
      '\n',
      '#',
      '0x1',
      '1e9',
      '~',
      '|',
      '? ',
      '---\n',
      '%',
      '\\',
      'allow',
    );
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(12), fc.array(piece, { maxLength: 4 }), (at, gone, pieces) => {
        const text = good.slice(0, at) + pieces.join('') + good.slice(at + gone);
        const outcome = whyOf([['a', text]]);
        expect(whyOf([['a', text]])).toEqual(outcome);
        if (typeof outcome !== 'string') {
          expect(outcome).toMatchObject({
            code: 'policy-malformed',
            document: 'a',
            line: expect.any(Number),
            column: expect.any(Number),
            text: expect.any(String),
            why: expect.any(String),
          });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('shows of a long line what stands around the place that it names, and of a short one all', () => {
    const long = `  - { id: one, when: { asset: BTC, amount-at-most: "1 BTC", within-hours: { from: "08:00", to: "18:00", zone: Europe/Berlin } }, then: allow }`;
    const document = (rule: string) =>
      `policy: hot-bitcoin\napplies-to: { wallets: [hot-btc] }\nfee-caps: { absolute: "0.0005 BTC", relative: "5%" }\nrules:\n${rule}\n`;
    expect(whyOf([['hot-bitcoin', document(long)]])).toMatchObject({
      column: long.indexOf('Europe') + 1,
      text: `...${long.slice(-80)}`,
    });
    expect(whyOf([['hot-bitcoin', document('  - { id: one, then: 1.5 }')]])).toMatchObject({
      text: '- { id: one, then: 1.5 }',
    });
  });

  it('answers any text at all with a refusal', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        expect(whyOf([['a', text]])).toMatchObject({ code: 'policy-malformed' });
      }),
      { numRuns: 500 },
    );
  });
});
