import { describe, expect, it } from '@jest/globals';
import { bitcoinSettings } from './settings.js';

const node = { url: 'http://127.0.0.1:8332/', user: 'portcullis', passwordFile: '/run/credentials/rpc' };

describe('the settings of a Bitcoin chain', () => {
  it('need a node and nothing else', () => {
    expect(bitcoinSettings.parse({ nodes: [node] })).toMatchObject({
      finalConfirmations: 6,
      fallbackFeeRate: 5_000n,
      maxUnconfirmedChain: 3,
    });
  });

  it.each([
    ['no node', { nodes: [] }],
    ['a password in the URL', { nodes: [{ url: 'http://user:secret@127.0.0.1:8332/' }] }],
    ['a user without a password', { nodes: [{ url: node.url, user: 'portcullis' }] }],
    ['a cookie and a password', { nodes: [{ ...node, cookieFile: '/x/.cookie' }] }],
    ['a URL that is not HTTP', { nodes: [{ url: 'ftp://127.0.0.1/' }] }],
    ['a fallback above the ceiling', { nodes: [node], fallbackFeeRate: '500000' }],
    ['a fee rate that is a number', { nodes: [node], fallbackFeeRate: 5_000 }],
    ['a fee rate with decimals', { nodes: [node], ceilingFeeRate: '1.5' }],
    ['a fee rate of nothing', { nodes: [node], fallbackFeeRate: '0' }],
    ['an insane fee rate', { nodes: [node], ceilingFeeRate: '100000001' }],
    ['more inputs than a plan holds', { nodes: [node], maxInputs: 251 }],
    ['an unknown setting', { nodes: [node], trustEverything: true }],
  ])('are refused with %s', (_name, settings) => {
    expect(bitcoinSettings.safeParse(settings).success).toBe(false);
  });
});
