// Configuration files as people write them, right and wrong.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { databaseUrl } from './database-url.js';
import { configurationPath, loadConfiguration, parseConfiguration } from './load.js';

const MINIMAL = `
deploymentId: ${'ab'.repeat(32)}
database: { url: 'sqlite:/var/lib/portcullis/orchestrator.db' }
signer: { socket: /run/portcullis/signer.sock }
`;
const ETHEREUM = `
chains:
  ethereum:
    eip155:31337:
      providers: [{ name: local, url: 'http://127.0.0.1:8545' }]
`;

function refusal(work: () => unknown): { code: string; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a configuration', () => {
  it('needs a deployment, a database and a signer; the rest has defaults', () => {
    const configuration = parseConfiguration(MINIMAL);
    expect(configuration.http).toMatchObject({ host: '127.0.0.1', port: 7430, bodyLimitBytes: 524_288 });
    expect(configuration.http.rateLimits.perPrincipal).toEqual({ perMinute: 3_000, burst: 300 });
    expect(configuration.workers.concurrency).toBe(4);
    expect(configuration.chains).toEqual({ bitcoin: {}, ethereum: {} });
  });

  it('may be JSON', () => {
    const json = JSON.stringify({
      deploymentId: 'ab'.repeat(32),
      database: { url: 'postgres://portcullis@127.0.0.1:5432/portcullis' },
      signer: {
        host: 'signer.internal',
        port: 7431,
        tls: { caFile: '/c', certificateFile: '/d', keyFile: '/e' },
      },
    });
    expect(parseConfiguration(json).signer).toMatchObject({ host: 'signer.internal', timeoutMs: 30_000 });
  });

  it('keeps the settings of each chain under its id', () => {
    const configuration = parseConfiguration(MINIMAL + ETHEREUM);
    expect(configuration.chains.ethereum['eip155:31337']?.providers[0]?.name).toBe('local');
  });
});

describe('a mistake in the configuration', () => {
  it.each([
    ['an unknown setting', `${MINIMAL}skipChecks: true\n`, '(top): unknown setting skipChecks'],
    ['an unknown nested setting', `${MINIMAL}http: { prot: 1 }\n`, 'http: unknown setting prot'],
    ['a missing setting', 'signer: { socket: /x }\nlog: {}\n', 'database: missing; expected object'],
    ['a port out of range', `${MINIMAL}http: { port: 70000 }\n`, 'http.port: Too big'],
    [
      'another address without its names',
      `${MINIMAL}http: { host: 0.0.0.0 }\n`,
      'http.authorities: state what clients sign as the host',
    ],
    ['a port as text', `${MINIMAL}http: { port: "x" }\n`, 'http.port: Invalid input: expected number'],
    [
      'a relative database path',
      MINIMAL.replace('sqlite:/var', 'sqlite:var'),
      'database.url: expected sqlite:/ABSOLUTE/PATH or postgres://USER@HOST:PORT/DATABASE',
    ],
    ['a signer that is neither', MINIMAL.replace('socket:', 'sock:'), 'signer: either { socket: PATH } or'],
    [
      'a chain under the wrong family',
      `${MINIMAL}${ETHEREUM.replace('eip155:', 'bip122:').replace('31337', '0'.repeat(32))}`,
      `chains.ethereum.bip122:${'0'.repeat(32)}: an Ethereum chain id begins with eip155:`,
    ],
  ])('is refused with its path and what would be right: %s', (_name, text, message) => {
    const found = refusal(() => parseConfiguration(text, 'conf.yaml'));
    expect(found.code).toBe('configuration-invalid');
    expect(found.message).toContain(message);
    expect(found.message).toContain('conf.yaml');
  });

  it.each([
    ['not YAML', 'a: [1', /conf\.yaml:\d+:\d+: not YAML or JSON/],
    ['a key twice', `${MINIMAL}http: {}\nhttp: {}\n`, /DUPLICATE_KEY/],
  ])('is refused with its line: %s', (_name, text, message) => {
    const found = refusal(() => parseConfiguration(text, 'conf.yaml'));
    expect(found.code).toBe('configuration-malformed');
    expect(found.message).toMatch(message);
  });

  it('never shows a password that stands in a URL', () => {
    const text = MINIMAL.replace("'sqlite:/var/lib/portcullis/orchestrator.db'", "'mysql://u:s3cret@h/d'");
    expect(refusal(() => parseConfiguration(text)).message).not.toContain('s3cret');
  });

  it('is refused when the file is not there', () => {
    expect(refusal(() => loadConfiguration('/nonexistent/portcullis.yaml')).code).toBe(
      'configuration-unreadable',
    );
  });
});

describe('where the configuration is', () => {
  it.each([
    [['--config', '/a.yaml'], {}, '/a.yaml'],
    [['--config=/b.yaml'], {}, '/b.yaml'],
    [[], { PORTCULLIS_CONFIG: '/c.yaml' }, '/c.yaml'],
    [['--config', '/a.yaml'], { PORTCULLIS_CONFIG: '/c.yaml' }, '/a.yaml'],
  ])('is said by %j and %j', (args, environment, expected) => {
    expect(configurationPath(args, environment)).toBe(expected);
  });

  it.each([[[]], [['--config']], [['--config', '--other']]])(
    'is refused as missing when %j says nothing',
    (args) => {
      expect(refusal(() => configurationPath(args, {})).code).toBe('configuration-missing');
    },
  );
});

describe('the password of the database', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-config-')), 'password');
  writeFileSync(file, 'p@ss/word\n');

  it('is read from its file and escaped', () => {
    expect(databaseUrl({ url: 'postgres://u@127.0.0.1:5432/d', passwordFile: file })).toBe(
      'postgres://u:p%40ss%2Fword@127.0.0.1:5432/d',
    );
  });

  it.each([
    ['sqlite:/x.db', file],
    ['postgres://u:p@127.0.0.1/d', file],
    ['postgres://127.0.0.1/d', file],
  ])('is refused for %s', (url, passwordFile) => {
    expect(refusal(() => databaseUrl({ url, passwordFile })).code).toBe('configuration-invalid');
  });
});
