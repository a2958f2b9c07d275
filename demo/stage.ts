// Where the demo keeps what it keeps: everything lies in .portcullis/demo and can be removed by removing that folder.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { repositoryRoot } from '../devnet/paths.js';
import { freePort } from '../devnet/process.js';
import { Fault } from '../src/core/fault.js';
import { governanceEntry } from '../src/core/governance/entry.js';
import type { DemoFaultCode } from './failure.js';

export const PEOPLE = ['alice', 'bob', 'carol'] as const;
export type Person = (typeof PEOPLE)[number];

/** A unix socket's path has to fit into sockaddr_un. */
const LONGEST_SOCKET_PATH = 100;

const home = join(repositoryRoot, '.portcullis', 'demo');
const lockFile = join(repositoryRoot, '.portcullis', 'demo.pid');
const inHome = (...parts: string[]) => join(home, ...parts);

export const places = {
  home,
  logs: inHome('logs'),
  hsm: (whose: string) => inHome('hsm', whose),
  key: (name: string) => inHome('keys', `${name}.key.json`),
  /** The private request keys of backends, which belong to them and not to Portcullis. */
  requestKey: (id: string) => inHome('keys', `${id}.pem`),
  plan: inHome('ceremony', 'plan.yaml'),
  genesis: inHome('ceremony', 'genesis.json'),
  /** Written last: the ceremony was held to its end. */
  ceremony: inHome('ceremony', 'done.json'),
  signerConfig: inHome('signer', 'signer.yaml'),
  signerStore: inHome('signer', 'signer.db'),
  signerSocket: socketPath(),
  orchestratorConfig: inHome('orchestrator', 'orchestrator.yaml'),
  database: inHome('orchestrator', 'orchestrator.db'),
  bitcoin: inHome('bitcoin'),
  bitcoinPassword: inHome('orchestrator', 'bitcoin-node.password'),
  ethereum: inHome('ethereum', 'state.json'),
  /** What somebody who types commands as this person or backend needs. */
  config: (who: string) => inHome(`${who}.yaml`),
  certificates: inHome('certificates'),
  auditLogChange: inHome('ceremony', 'audit-log.yaml'),
  auditLogEntry: inHome('ceremony', 'audit-log-entry.json'),
  /** Written when the signer has taken the entry. */
  auditLogNamed: inHome('ceremony', 'audit-log.done'),
  watcher: inHome('watcher'),
  watcherConfig: inHome('watcher', 'watcher.json'),
  factKey: inHome('watcher', 'fact-key.pem'),
  prices: inHome('watcher', 'prices.json'),
  factKeyChange: inHome('ceremony', 'fact-key.yaml'),
  factKeyEntry: inHome('ceremony', 'fact-key-entry.json'),
  /** Written when the signer has taken the entry. */
  factKeyNamed: inHome('ceremony', 'fact-key.done'),
  auditMirror: inHome('audit-mirror'),
  governanceLog: inHome('governance.json'),
  ports: inHome('ports.json'),
  log: (program: string) => inHome('logs', `${program}.log`),
} as const;

function socketPath(): string {
  const path = inHome('signer', 'run', 'signer.sock');
  if (path.length <= LONGEST_SOCKET_PATH) return path;
  const name = createHash('sha256').update(home).digest('hex').slice(0, 12);
  return join(tmpdir(), `portcullis-demo-${name}`, 'signer.sock');
}

/** As a person at the repository's root would type it. */
export function shown(path: string): string {
  return relative(repositoryRoot, path);
}

export function makeFolders(): void {
  for (const folder of [
    '',
    'logs',
    'hsm',
    'keys',
    'ceremony',
    'signer',
    'orchestrator',
    'watcher',
    'ethereum',
    'certificates',
  ]) {
    mkdirSync(inHome(folder), { recursive: true, mode: 0o700 });
  }
}

/**
 * One demo at a time in one work tree: two would use the same tokens and books. A process id that is left over from a
 * crash, and by now is somebody else's, is told apart by the command line behind it.
 */
export function takeStage(): void {
  const holder = existsSync(lockFile) ? Number.parseInt(readFileSync(lockFile, 'utf8'), 10) : undefined;
  if (holder !== undefined && holder !== process.pid && isDemo(holder)) {
    throw new Fault<DemoFaultCode>(
      'already-running',
      `the demo is running already, as process ${holder}: end that one first`,
    );
  }
  mkdirSync(dirname(lockFile), { recursive: true });
  writeFileSync(lockFile, `${process.pid}\n`);
}

function isDemo(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join('demo', 'main.js'));
  } catch {
    // There is no such process.
    return false;
  }
}

/** Forgets everything: tokens, keys, chains, books. */
export function startOver(): void {
  rmSync(home, { recursive: true, force: true });
}

export function writeText(path: string, text: string, mode = 0o600): void {
  writeFileSync(path, text, { mode });
}

const ceremonyRecord = z.strictObject({
  deploymentId: z.string(),
  token: z.string(),
  startHeight: z.int(),
  addresses: z.strictObject({ bitcoin: z.string(), ethereum: z.string() }),
});
/** What the ceremony left behind for the programs' configurations. */
export type CeremonyRecord = z.infer<typeof ceremonyRecord>;

export function readCeremony(): CeremonyRecord | undefined {
  if (!existsSync(places.ceremony)) return undefined;
  return ceremonyRecord.parse(JSON.parse(readFileSync(places.ceremony, 'utf8')));
}

/** Whether this version still reads the genesis that an earlier start has signed. */
export function isCeremonyReadable(): boolean {
  return (
    existsSync(places.genesis) &&
    governanceEntry.safeParse(JSON.parse(readFileSync(places.genesis, 'utf8'))).success
  );
}

const portNumbers = z.strictObject({ api: z.int(), bitcoin: z.int(), ethereum: z.int(), watcher: z.int() });
export type Ports = z.infer<typeof portNumbers>;

/** The ports of the start before where they are free, others where they are not. */
export async function choosePorts(): Promise<Ports> {
  const known = existsSync(places.ports)
    ? portNumbers.safeParse(JSON.parse(readFileSync(places.ports, 'utf8'))).data
    : undefined;
  const ports = {
    api: await portLike(known?.api),
    bitcoin: await portLike(known?.bitcoin),
    ethereum: await portLike(known?.ethereum),
    watcher: await portLike(known?.watcher),
  };
  writeText(places.ports, `${JSON.stringify(ports, null, 2)}\n`, 0o644);
  return ports;
}

async function portLike(wanted: number | undefined): Promise<number> {
  return wanted !== undefined && (await isFree(wanted)) ? wanted : freePort();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
