// What is packed for each program: that it is enough to run, and no more than the import rules allow; and that the
// Dockerfiles and the compose file name what is there and confine what they start. No image is built here.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { compileProgram } from '../../devnet/compile-program.js';
import { Deployment } from '../../devnet/deployment.js';
import { repositoryRoot } from '../../devnet/paths.js';
import { bareEnvironment, freePort, startProgram } from '../../devnet/process.js';
import { SocketClient } from '../../devnet/socket-client.js';
import { configuration } from '../../src/orchestrator/config/settings.js';
import { ConfigurationFile } from '../../src/platform/configuration-file.js';
import { signerConfig } from '../../src/signer/config.js';
import { watcherConfig } from '../../src/watcher/config.js';

const docker = join(repositoryRoot, 'packaging', 'docker');
const PROGRAMS = ['signer', 'orchestrator', 'watcher'] as const;
/** Those of the one compose file; the watcher has another, for a host of its own. */
const TOGETHER = ['signer', 'orchestrator'] as const;
type Name = (typeof PROGRAMS)[number];

let place: string;
let deployment: Deployment;
const packed = {} as Record<Name, string>;

/** The script as the Dockerfiles call it, on a build of this test's own. */
async function pack(program: Name): Promise<string> {
  const entry = await compileProgram(`src/${program}/main.ts`);
  const built = entry.slice(0, -`/src/${program}/main.js`.length);
  const folder = join(place, program);
  const script = join(repositoryRoot, 'scripts', 'program-files.mjs');
  const call = `import(${JSON.stringify(script)}).then(({ copyProgram }) => copyProgram(...process.argv.slice(1)))`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', call, program, folder, built], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return folder;
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-images-'));
  for (const program of PROGRAMS) packed[program] = await pack(program);
  deployment = await Deployment.create();
}, 120_000);
afterAll(async () => {
  await deployment?.destroy();
  rmSync(place, { recursive: true, force: true });
});

/** Names of the packages in a folder, `@scope/name` included. */
function packagesIn(folder: string): string[] {
  const modules = join(folder, 'node_modules');
  return readdirSync(modules).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

const ownFolders = (folder: string) => [
  ...readdirSync(join(folder, 'dist', 'src')).map((name) => `src/${name}`),
  ...readdirSync(join(folder, 'dist')).filter((name) => name !== 'src'),
];

function write(name: string, content: unknown): string {
  const path = join(place, name);
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return path;
}

describe('what is packed for the signer', () => {
  it('is its own code and that which it may import', () => {
    expect(ownFolders(packed.signer).toSorted()).toEqual([
      'hardware',
      'src/core',
      'src/platform',
      'src/signer',
      'src/signer-protocol',
    ]);
  });

  it('holds no framework, no database server’s driver, no client of a node, and not the workshop', () => {
    const packages = packagesIn(packed.signer);
    const forbidden =
      /^(@nestjs\/|typeorm$|pg|ethers$|express$|pino$|rxjs$|commander$|jest|typescript$|@biomejs)/;
    expect(packages.filter((name) => forbidden.test(name))).toEqual([]);
    expect(packages).toEqual(expect.arrayContaining(['better-sqlite3', 'pkcs11js', 'zod']));
    expect(packages.length).toBeLessThan(40);
  });

  it('is enough: from there it starts, opens the token and answers', async () => {
    const config = deployment.config();
    const path = config.listen.kind === 'unix' ? config.listen.path : '';
    const program = await startProgram({
      name: 'the packed signer',
      command: process.execPath,
      args: [
        join(packed.signer, 'dist/src/signer/main.js'),
        'serve',
        '--config',
        write('signer.json', config),
      ],
      cwd: place,
      env: bareEnvironment(),
      logFile: join(place, 'signer.log'),
      ready: async () => {
        const client = await SocketClient.connect(path);
        const answer = await client.ask({ verb: 'status', transferIds: [] });
        client.close();
        return answer.kind === 'done';
      },
    });
    expect(await program.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('what is packed for the orchestrator', () => {
  it('holds nothing that speaks to a token, and nothing of the signer', () => {
    expect(packagesIn(packed.orchestrator)).not.toContain('pkcs11js');
    expect(ownFolders(packed.orchestrator)).not.toContain('hardware');
    expect(ownFolders(packed.orchestrator)).not.toContain('src/signer');
  });

  it('is enough: from there it starts on a new database, and serves its API’s document', async () => {
    const port = await freePort();
    const config = write('orchestrator.json', {
      deploymentId: deployment.deploymentId,
      http: { port },
      database: { url: `sqlite:${join(place, 'orchestrator.db')}` },
      signer: { socket: join(place, 'nobody.sock') },
    });
    const program = await startProgram({
      name: 'the packed orchestrator',
      command: process.execPath,
      args: [join(packed.orchestrator, 'dist/src/orchestrator/main.js'), '--config', config],
      cwd: place,
      env: bareEnvironment(),
      logFile: join(place, 'orchestrator.log'),
      ready: async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok,
    });
    expect((await fetch(`http://127.0.0.1:${port}/openapi.json`)).status).toBe(200);
    expect(await program.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('what is packed for the watcher', () => {
  it('holds nothing that speaks to a token, nothing of the signer, no database and no framework', () => {
    expect(ownFolders(packed.watcher).toSorted()).toEqual(['src/core', 'src/platform', 'src/watcher']);
    const forbidden = /^(@nestjs\/|typeorm$|pg|better-sqlite3$|pkcs11js$|express$)/;
    expect(packagesIn(packed.watcher).filter((name) => forbidden.test(name))).toEqual([]);
  });

  it('is enough: from there it makes its key and its numbers, and answers', async () => {
    const port = await freePort();
    const main = join(packed.watcher, 'dist/src/watcher/main.js');
    const keyFile = join(place, 'fact-key.pem');
    const config = write('watcher.json', {
      deploymentId: deployment.deploymentId,
      key: { keyId: 'watcher-1', file: keyFile },
      sequenceFile: join(place, 'sequence'),
      listen: { port },
    });
    for (const args of [
      ['key', '--out', keyFile],
      ['init', '--config', config],
    ])
      expect(spawnSync(process.execPath, [main, ...args], { cwd: place }).status).toBe(0);
    const program = await startProgram({
      name: 'the packed watcher',
      command: process.execPath,
      args: [main, 'serve', '--config', config],
      cwd: place,
      env: bareEnvironment(),
      logFile: join(place, 'watcher.log'),
      ready: async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
    });
    expect(await program.stop()).toEqual({ code: 0, signal: null });
  });
});

describe.each(PROGRAMS)('the Dockerfile of the %s', (program) => {
  const text = readFileSync(join(docker, `${program}.Dockerfile`), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const starting = (word: string) => lines.filter((line) => line.startsWith(`${word} `));

  it('copies what is there, or what a stage before it has made', () => {
    for (const line of starting('COPY')) {
      const [first = '', ...paths] = line.split(' ').slice(1);
      if (first === '--from=build') expect(paths[0]).toBe('/program');
      else
        for (const source of [first, ...paths.slice(0, -1)])
          expect(existsSync(join(repositoryRoot, source))).toBe(true);
    }
    expect(text).toContain(`node scripts/program-files.mjs ${program} /program`);
    expect(existsSync(join(repositoryRoot, 'scripts', 'setup.mjs'))).toBe(true);
  });

  it('starts the program where it is packed, as a user who is not root', () => {
    const [entry = ''] = starting('ENTRYPOINT');
    const [, file] = z.tuple([z.string(), z.string()]).parse(JSON.parse(entry.slice('ENTRYPOINT '.length)));
    expect(existsSync(join(packed[program], file.replace('/opt/portcullis/', '')))).toBe(true);
    expect(starting('USER').at(-1)).toMatch(/^USER [1-9][0-9]*:[1-9][0-9]*$/);
  });

  it('names the images beneath by an exact tag, of the Node.js that the tests ran on', () => {
    const images = starting('ARG').map((line) => line.split('=')[1]);
    expect(images).toEqual([
      `node:${process.versions.node}-bookworm`,
      `node:${process.versions.node}-bookworm-slim`,
    ]);
  });
});

const service = z.looseObject({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  user: z.string().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()),
  network_mode: z.string().optional(),
  networks: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()),
  secrets: z.array(z.string()),
});
const compose = z.object({
  services: z.object({ signer: service, orchestrator: service, database: service }),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
  volumes: z.record(z.string(), z.object({})),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

describe('the compose file', () => {
  const file = join(docker, 'compose.yaml');
  const { services, networks, volumes, secrets } = compose.parse(
    parse(readFileSync(file, 'utf8'), { merge: true }),
  );

  it.each(TOGETHER)(
    'confines the %s: no root, no capability, nothing to write but its volumes',
    (program) => {
      const one = services[program];
      expect(one.read_only).toBe(true);
      expect(one.cap_drop).toEqual(['ALL']);
      expect(one.user).toMatch(/^[1-9][0-9]*:[1-9][0-9]*$/);
      expect(existsSync(join(repositoryRoot, one.build?.dockerfile ?? ''))).toBe(true);
      expect(join(docker, one.build?.context ?? '')).toBe(repositoryRoot.replace(/\/?$/, '/').slice(0, -1));
    },
  );

  it('gives the signer no network, the database one that leads nowhere, and the API to this host alone', () => {
    expect(services.signer.network_mode).toBe('none');
    expect(services.signer.networks ?? services.signer.ports).toBeUndefined();
    expect(services.database.networks).toEqual(['database']);
    expect(networks.database?.internal).toBe(true);
    for (const port of services.orchestrator.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('names volumes and secrets that it declares, gives nobody new privileges, and no image a tag that moves', () => {
    for (const one of Object.values(services)) {
      expect(one.security_opt).toContain('no-new-privileges:true');
      expect(one.image).toMatch(/:[0-9]+\.[0-9][0-9a-z.-]*$/);
      for (const name of one.secrets) expect(secrets[name]?.file).toBe(`./secrets/${name}`);
      for (const volume of one.volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./')) expect(existsSync(join(docker, source))).toBe(true);
        else if (!source.startsWith('/')) expect(volumes[source]).toBeDefined();
      }
    }
  });

  it('mounts settings that the programs take, with paths that it mounts', () => {
    const signer = ConfigurationFile.read(join(docker, 'config', 'signer.yaml'))
      .section('signer')
      .parsed(signerConfig);
    const path = join(docker, 'config', 'orchestrator.yaml');
    const orchestrator = ConfigurationFile.read(path).section('orchestrator').parsed(configuration);
    const door = signer.listen.kind === 'unix' ? signer.listen.path : '';
    expect(orchestrator.signer).toMatchObject({ socket: door });
    for (const one of [services.signer, services.orchestrator]) {
      expect(one.volumes.map((volume) => volume.split(':')[1])).toContain(
        door.slice(0, door.lastIndexOf('/')),
      );
    }
    const named = JSON.stringify(orchestrator, (_, value: unknown) =>
      typeof value === 'bigint' ? '' : value,
    );
    const read = [...`${named}${JSON.stringify(signer)}`.matchAll(/\/run\/secrets\/([a-z0-9-]+)/g)];
    expect(new Set(read.map(([, name]) => name))).toEqual(
      new Set([...services.signer.secrets, ...services.orchestrator.secrets]),
    );
  });

  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;
  (hasCompose ? it : it.skip)(
    `is taken by docker compose${hasCompose ? '' : ' (skipped: docker has no compose here)'}`,
    () => {
      const { status, stderr } = spawnSync('docker', ['compose', '-f', file, 'config', '--quiet'], {
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );
});

describe('the compose file of the watcher', () => {
  const { services, volumes, secrets } = z
    .object({
      services: z.object({ watcher: service }),
      volumes: z.record(z.string(), z.object({})),
      secrets: z.record(z.string(), z.object({ file: z.string() })),
    })
    .parse(parse(readFileSync(join(docker, 'watcher.compose.yaml'), 'utf8')));
  const { watcher } = services;

  it('confines it: no root, no capability, nothing to write but its numbers, and a door for this host alone', () => {
    expect([watcher.read_only, watcher.cap_drop, watcher.security_opt]).toEqual([
      true,
      ['ALL'],
      ['no-new-privileges:true'],
    ]);
    expect(watcher.user).toMatch(/^[1-9][0-9]*:[1-9][0-9]*$/);
    for (const port of watcher.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(watcher.volumes.map((volume) => volume.split(':')[0])).toEqual([
      'numbers',
      './config/watcher.yaml',
    ]);
    expect(Object.keys(volumes)).toEqual(['numbers']);
    expect(existsSync(join(repositoryRoot, watcher.build?.dockerfile ?? ''))).toBe(true);
  });

  it('mounts settings that it takes, with the secrets that they name', () => {
    const path = join(docker, 'config', 'watcher.yaml');
    const settings = ConfigurationFile.read(path).section('watcher').parsed(watcherConfig);
    const read = [...JSON.stringify(settings).matchAll(/\/run\/secrets\/([a-z0-9-]+)/g)];
    expect(read.map(([, name]) => name).toSorted()).toEqual(watcher.secrets.toSorted());
    for (const name of watcher.secrets) expect(secrets[name]?.file).toBe(`./secrets/${name}`);
    expect(watcher.volumes).toContain(`numbers:${settings.sequenceFile.replace(/\/sequence$/, '')}`);
    expect(watcher.ports).toEqual([`127.0.0.1:${settings.listen.port}:${settings.listen.port}`]);
  });
});
