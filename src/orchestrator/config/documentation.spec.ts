// docs/configuration.md says what the orchestrator's schema says: its examples parse, its defaults are the defaults, no
// setting is missing. (The signer's half: test/packaging.)

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { parseConfiguration } from './load.js';
import { configuration } from './settings.js';

const page = readFileSync(join('docs', 'configuration.md'), 'utf8');
const [minimal = '', everything = '', tls = ''] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
  ([, text]) => text ?? '',
);

function settingsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const names: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties' && typeof value === 'object' && value !== null)
      names.push(...Object.keys(value));
    names.push(...settingsOf(value));
  }
  return names;
}

describe('docs/configuration.md', () => {
  it('has examples that are taken as they stand', () => {
    for (const text of [minimal, everything, tls]) expect(() => parseConfiguration(text)).not.toThrow();
  });

  it('shows the defaults that a minimal file gets', () => {
    const shown = parseConfiguration(everything);
    const real = parseConfiguration(minimal);
    expect({ http: shown.http, workers: shown.workers, approvals: shown.approvals, log: shown.log }).toEqual({
      http: real.http,
      workers: real.workers,
      approvals: real.approvals,
      log: real.log,
    });
    const [bitcoin] = Object.values(shown.chains.bitcoin);
    const [ethereum] = Object.values(shown.chains.ethereum);
    const unsaid = parseConfiguration(
      `${minimal}  chains:\n    bitcoin: { 'bip122:${'0'.repeat(32)}': { nodes: [{ url: 'http://127.0.0.1' }] } }\n    ethereum: { 'eip155:1': { providers: [{ name: a, url: 'http://127.0.0.1' }] } }\n`,
    );
    const [bitcoinUnsaid] = Object.values(unsaid.chains.bitcoin);
    const [ethereumUnsaid] = Object.values(unsaid.chains.ethereum);
    expect({ ...bitcoin, nodes: 0, startHeight: 0, foreignCoinConfirmations: 6 }).toEqual({
      ...bitcoinUnsaid,
      nodes: 0,
      foreignCoinConfirmations: 6,
    });
    expect({ ...ethereum, providers: 0, reading: 0 }).toEqual({
      ...ethereumUnsaid,
      providers: 0,
      reading: 0,
    });
  });

  it('names every setting', () => {
    const schema = z.toJSONSchema(configuration, { io: 'input', unrepresentable: 'any' });
    const missing = [...new Set(settingsOf(schema))].filter(
      (name) => !new RegExp(`\\b${name}\\b`).test(page),
    );
    expect(missing).toEqual([]);
  });
});
