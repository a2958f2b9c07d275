import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { portableVerifier } from '../statements/signature.js';
import { bandsFlaw, bandsOf, edgesOf, loosensBands } from './bands.js';
import { type AssetBands, type Change, change, entryHash, type Tier, type TierBand } from './entry.js';
import {
  alice,
  appended,
  BITCOIN,
  bob,
  bodyAfter,
  codeOf,
  ETHEREUM,
  type Key,
  signed,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { replayEntry } from './replay.js';
import { type GovernanceState, tokenKey } from './state.js';
import { erin, gina, hugo, slowWithTiers, tierWallet } from './tiers.fixture.js';
import { wordsOfChange } from './words.js';

/** The contract is written in the change as facts write it, in lower case. */
const USDX = {
  chain: ETHEREUM,
  contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  symbol: 'USDX',
  decimals: 6,
  codeHash: 'cc'.repeat(32),
};
const CONTRACT = USDX.contract.toLowerCase();

const tiers = slowWithTiers(
  [
    tierWallet('cold-btc', 'cold', 3),
    tierWallet('safu-btc', 'safu', 4),
    tierWallet('hot-eth', 'hot', 5, ETHEREUM),
    tierWallet('cold-eth', 'cold', 6, ETHEREUM),
  ],
  [USDX],
);

function share(tier: Tier, min: number, target: number, max: number): TierBand {
  return {
    tier,
    measure: 'share',
    minBasisPoints: min,
    targetBasisPoints: target,
    maxBasisPoints: max,
  };
}

function amount(tier: Tier, min: string, target: string, max: string): TierBand {
  return { tier, measure: 'amount', minUnits: min, targetUnits: target, maxUnits: max };
}

function bandsSet(bands: readonly TierBand[], of: Partial<AssetBands> = {}): Change {
  return {
    kind: 'tier-bands-set',
    bands: { chain: BITCOIN, contract: 'native', bands: [...bands], ...of },
  };
}

/** With the entry that waits activated, when one does. */
function acted(state: GovernanceState, bands: Change, ...keys: readonly Key[]) {
  const by = keys.length > 0 ? keys : [alice, bob];
  const body = bodyAfter(state, bands);
  const taken = stateOf(replayEntry(state, signed(body, ...by), portableVerifier));
  const waiting = taken.pending.get(entryHash(body));
  if (!waiting) return taken;
  const activation = {
    ...bodyAfter(taken, { kind: 'activated', entry: waiting.hash }),
    createdAtMs: body.createdAtMs + waiting.delayMs,
  };
  // What touches SAFU is let act by its custodians as well.
  const custodians = by.filter((key) => key === gina || key === hugo);
  return stateOf(replayEntry(taken, signed(activation, erin, ...custodians), portableVerifier));
}

const HOT_AND_COLD = [share('hot', 200, 400, 500), share('cold', 9_500, 9_600, 9_800)];
const banded = acted(tiers, bandsSet(HOT_AND_COLD));

describe('the bands of tiers', () => {
  it('hold once the entry acts, and until then not', () => {
    const proposed = stateOf(appended(tiers, bandsSet(HOT_AND_COLD)));
    expect(bandsOf(proposed, BITCOIN, 'native')).toBeUndefined();
    expect(proposed.pending.size).toBe(1);
    expect(bandsOf(banded, BITCOIN, 'native')?.bands).toEqual(HOT_AND_COLD);
    expect(banded.pending.size).toBe(0);
  });

  it('are replaced as a whole, and taken away by an empty list', () => {
    const other = acted(banded, bandsSet([share('hot', 100, 100, 100)]));
    expect(bandsOf(other, BITCOIN, 'native')?.bands).toEqual([share('hot', 100, 100, 100)]);
    const none = acted(other, bandsSet([]));
    expect(none.bands.size).toBe(0);
    expect(whyOf(appended(none, bandsSet([])))).toEqual([
      'governance-change-invalid',
      'there are no bands of this asset to remove',
      'tier-bands-set',
    ]);
  });

  it('of a token lie idle while it is not registered, and hold again with it', () => {
    const ofToken = acted(
      tiers,
      bandsSet([share('hot', 0, 100, 200)], { chain: ETHEREUM, contract: CONTRACT }),
    );
    expect(bandsOf(ofToken, ETHEREUM, CONTRACT)?.bands).toHaveLength(1);
    const gone = stateOf(
      appended(ofToken, { kind: 'token-removed', chain: ETHEREUM, contract: USDX.contract }),
    );
    expect(bandsOf(gone, ETHEREUM, CONTRACT)).toBeUndefined();
    expect(gone.bands.has(tokenKey(ETHEREUM, CONTRACT))).toBe(true);
    expect(
      bandsOf(acted(gone, { kind: 'token-added', token: USDX }), ETHEREUM, CONTRACT)?.bands,
    ).toHaveLength(1);
  });

  it.each<[string, Change, string]>([
    [
      'of a chain that nobody registered',
      bandsSet(HOT_AND_COLD, { chain: 'eip155:5' }),
      'bands are of an asset on a chain that is not registered',
    ],
    [
      'of a token that nobody registered',
      bandsSet([share('hot', 0, 0, 0)], { chain: ETHEREUM, contract: `0x${'11'.repeat(20)}` }),
      'bands are of a token that is not registered',
    ],
    [
      'of a tier twice',
      bandsSet([share('hot', 0, 0, 0), share('hot', 0, 0, 1)]),
      'the tier hot has two bands',
    ],
    [
      'of a tier without a wallet',
      bandsSet([share('warm', 0, 0, 100)]),
      'no warm wallet is on the chain of this asset',
    ],
    [
      'of a tier without a wallet on this very chain',
      bandsSet([amount('safu', '0', '0', '1')], { chain: ETHEREUM }),
      'no safu wallet is on the chain of this asset',
    ],
    [
      'with a least above the best',
      bandsSet([share('hot', 300, 200, 500)]),
      'the band of hot is not least, best, most',
    ],
    [
      'with a best above the most',
      bandsSet([amount('hot', '1', '1000000000000000000000', '999999999999999999999')]),
      'the band of hot is not least, best, most',
    ],
    [
      'of SAFU as a share',
      bandsSet([share('safu', 0, 100, 100)]),
      'the band of safu is an amount, and no share of the rest',
    ],
    [
      'whose least shares are too much',
      bandsSet([share('hot', 600, 600, 600), share('cold', 9_500, 9_500, 9_500)]),
      'the least shares come to more than there is',
    ],
    [
      'whose best shares are too much',
      bandsSet([share('hot', 0, 600, 600), share('cold', 0, 9_500, 9_500)]),
      'the shares aimed at come to more than there is',
    ],
    [
      'whose best shares are too little',
      bandsSet([share('hot', 0, 300, 600), share('cold', 0, 9_500, 9_500)]),
      'the shares aimed at in all tiers are not all that there is',
    ],
    [
      'whose most leave something over',
      bandsSet([share('hot', 0, 400, 499), share('cold', 0, 9_500, 9_500)]),
      'the most that all tiers may hold is not all that there is',
    ],
  ])('are refused %s', (_, bands, why) => {
    expect(whyOf(appended(tiers, bands, alice, bob, gina, hugo))).toEqual([
      'governance-change-invalid',
      why,
      'tier-bands-set',
    ]);
  });

  it('are refused unless each edge is a plain number of its measure', () => {
    const malformed = [
      { ...share('hot', 0, 0, 0), maxBasisPoints: 10_001 },
      { ...share('hot', 0, 0, 0), minBasisPoints: 0.5 },
      { ...amount('hot', '0', '0', '0'), maxUnits: '1e9' },
      { ...amount('hot', '0', '0', '0'), minUnits: '-1' },
      { ...share('hot', 0, 0, 0), minUnits: '0' },
    ];
    for (const band of malformed) {
      const parsed = change.safeParse(bandsSet([band as TierBand]));
      expect(parsed.success).toBe(false);
    }
    expect(change.safeParse(bandsSet([], { contract: USDX.contract })).success).toBe(false);
  });

  it('are not refused for shares that say nothing of one of the tiers', () => {
    expect(codeOf(appended(tiers, bandsSet([share('hot', 0, 100, 200)])))).toBe('accepted');
    const mixed = [share('hot', 0, 100, 200), amount('cold', '0', '1', '2')];
    expect(codeOf(appended(tiers, bandsSet(mixed)))).toBe('accepted');
  });

  it('end what waits to set those of the same asset, and of no other', () => {
    const ofEther = bandsSet([share('hot', 0, 1, 2)], { chain: ETHEREUM });
    const waits = stateOf(appended(stateOf(appended(banded, bandsSet([]))), ofEther));
    const quick = stateOf(
      appended(waits, bandsSet([share('hot', 200, 400, 499), HOT_AND_COLD[1] as TierBand])),
    );
    // What waited was meant for the bands of before.
    expect([...quick.pending.values()].map((entry) => entry.change)).toEqual([ofEther]);
  });
});

describe('SAFU and bands', () => {
  const BAND = amount('safu', '100', '200', '300');

  it('takes its own quorum for its band, and for nothing else of the asset', () => {
    expect(codeOf(appended(tiers, bandsSet([BAND])))).toBe('governance-quorum-missing');
    expect(codeOf(appended(tiers, bandsSet([BAND]), gina, hugo))).toBe('governance-quorum-missing');
    const guarded = acted(tiers, bandsSet([BAND]), alice, bob, gina, hugo);
    expect(bandsOf(guarded, BITCOIN, 'native')?.bands).toEqual([BAND]);
    expect(codeOf(appended(guarded, bandsSet([BAND, share('hot', 0, 1, 2)])))).toBe('accepted');
    for (const without of [[], [share('hot', 0, 1, 2)], [amount('safu', '100', '200', '299')]]) {
      expect(codeOf(appended(guarded, bandsSet(without)))).toBe('governance-quorum-missing');
    }
  });

  it('has a band where it alone is on a chain', () => {
    const lone = { ...tiers, wallets: new Map([...tiers.wallets].filter(([, { tier }]) => tier === 'safu')) };
    expect(bandsFlaw(lone, { chain: BITCOIN, contract: 'native', bands: [BAND] })).toBeUndefined();
  });

  it('raises its band at once and lowers it after the wait', () => {
    const guarded = acted(tiers, bandsSet([BAND]), alice, bob, gina, hugo);
    const all = [alice, bob, gina, hugo] as const;
    const raised = stateOf(appended(guarded, bandsSet([amount('safu', '150', '250', '300')]), ...all));
    expect(raised.pending.size).toBe(0);
    const lowered = stateOf(appended(guarded, bandsSet([amount('safu', '99', '200', '300')]), ...all));
    expect(lowered.pending.size).toBe(1);
  });
});

describe('what loosens a band', () => {
  const asset = (bands: readonly TierBand[]): AssetBands => ({
    chain: BITCOIN,
    contract: 'native',
    bands: [...bands],
  });

  it.each<[string, readonly TierBand[], boolean]>([
    ['a raised most in hot', [share('hot', 200, 400, 501), share('cold', 9_500, 9_600, 9_800)], true],
    ['a raised least in hot', [share('hot', 201, 400, 500), share('cold', 9_500, 9_600, 9_800)], true],
    [
      'less in hot and more in cold',
      [share('hot', 100, 300, 400), share('cold', 9_600, 9_700, 9_900)],
      false,
    ],
    ['a lowered least in cold', [share('hot', 200, 400, 500), share('cold', 9_499, 9_600, 9_800)], true],
    ['another measure', [amount('hot', '0', '0', '0'), share('cold', 9_500, 9_600, 9_800)], true],
    ['a band that goes', [share('cold', 9_500, 9_600, 9_800)], true],
    ['nothing', HOT_AND_COLD, false],
  ])('%s', (_, next, waits) => {
    expect(loosensBands(asset(HOT_AND_COLD), asset(next))).toBe(waits);
    expect(stateOf(appended(banded, bandsSet(next))).pending.size).toBe(waits ? 1 : 0);
  });

  it('is a first band, whatever it says', () => {
    expect(loosensBands(undefined, asset([share('hot', 0, 0, 0)]))).toBe(true);
  });

  const MOST = 12n;
  const edges = fc
    .tuple(...[0, 1, 2].map(() => fc.bigInt({ min: 0n, max: MOST })))
    .map((three) => three.toSorted((one, other) => Number(one - other)).map(String));
  const bandIn = (tier: Tier) =>
    edges.map(([min = '', target = '', max = '']) => amount(tier, min, target, max));

  /** What lies in a tier once somebody has kept its band: nobody moves what is inside. */
  function kept(band: TierBand, held: bigint): bigint {
    const { min, target, max } = edgesOf(band);
    return held < min || held > max ? target : held;
  }

  const HOLDINGS = Array.from({ length: Number(MOST) + 3 }, (_, held) => BigInt(held));

  it.each<[Tier, 1n | -1n]>([
    ['hot', 1n],
    ['warm', 1n],
    ['deposit', 1n],
    ['cold', -1n],
    ['safu', -1n],
  ])('is told of %s for any two bands, as keeping them would show', (tier, towards) => {
    fc.assert(
      fc.property(bandIn(tier), bandIn(tier), (was, is) => {
        const exposed = HOLDINGS.some((held) => towards * (kept(is, held) - kept(was, held)) > 0n);
        const loosens = loosensBands(asset([was]), asset([is]));
        // Nothing that exposes more passes as tightening.
        if (exposed) expect(loosens).toBe(true);
        // And nothing waits for no reason: only a better aim may wait without showing.
        if (loosens && edgesOf(was).target === edgesOf(is).target) expect(exposed).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is never less than that of one of its tiers', () => {
    const pair = fc.tuple(bandIn('hot'), bandIn('cold'));
    fc.assert(
      fc.property(pair, pair, (was, is) => {
        const each = was.map((band, at) => loosensBands(asset([band]), asset([is[at] as TierBand])));
        expect(loosensBands(asset(was), asset(is.toReversed()))).toBe(each.includes(true));
      }),
    );
  });
});

describe('bands in words', () => {
  const said = (before: GovernanceState, after: GovernanceState) =>
    wordsOfChange(before, after).map(({ says }) => says);
  const regtest = 'Bitcoin regtest (bip122:0f9188f13cb7b2c71f2a335e3a4fc328)';

  it('says them when they come, change and go', () => {
    const one = acted(tiers, bandsSet([share('hot', 200, 400, 550)]));
    expect(said(tiers, one)).toEqual([
      `sets how much BTC in hot wallets on ${regtest} is to be: between 2% and 5.5%, best 4%, of all BTC outside SAFU`,
    ]);
    const other = acted(one, bandsSet([amount('hot', '100000000', '150000000', '300000000')]));
    expect(said(one, other)).toEqual([
      `changes how much BTC in hot wallets on ${regtest} is to be: between 1 BTC and 3 BTC, best 1.5 BTC, and no longer between 2% and 5.5%, best 4%, of all BTC outside SAFU`,
    ]);
    expect(said(other, acted(other, bandsSet([])))).toEqual([
      `no longer says how much BTC in hot wallets on ${regtest} is to be; it was between 1 BTC and 3 BTC, best 1.5 BTC`,
    ]);
  });

  it('writes a token in its own units', () => {
    const set = acted(
      tiers,
      bandsSet([amount('hot', '0', '2500000', '1000000000')], { chain: ETHEREUM, contract: CONTRACT }),
    );
    expect(said(tiers, { ...set, pending: new Map() })).toEqual([
      'sets how much USDX in hot wallets on Ethereum chain 31337 (eip155:31337) is to be: between 0 USDX and 1000 USDX, best 2.5 USDX',
    ]);
  });
});
