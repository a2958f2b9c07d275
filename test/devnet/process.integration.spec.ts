import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../../devnet/paths.js';
import { onFreePort, startProgram } from '../../devnet/process.js';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-process-'));
const logFile = join(folder, 'program.log');
afterAll(() => rmSync(folder, { recursive: true }));

const ready = async (): Promise<boolean> => true;

describe('programs of the devnet', () => {
  it('stops a program by its own process id', async () => {
    const program = await startProgram({ name: 'sleep', command: 'sleep', args: ['60'], logFile, ready });
    expect(readFileSync(`/proc/${program.pid}/comm`, 'utf8')).toMatch(/sleep|setpriv/);
    expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(program.running).toBe(false);
  });

  it('kills a program that does not listen to SIGTERM', async () => {
    const marker = join(folder, 'listening');
    const program = await startProgram({
      name: 'deaf',
      command: 'sh',
      args: ['-c', `trap "" TERM; touch ${marker}; while :; do sleep 0.05; done`],
      logFile,
      ready: async () => existsSync(marker),
    });
    expect(await program.stop(200)).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('stops a program that hangs', async () => {
    const program = await startProgram({ name: 'sleep', command: 'sleep', args: ['60'], logFile, ready });
    program.signal('SIGSTOP');
    expect((await program.stop(2_000)).signal).not.toBeNull();
  });

  it('reports program-ended-early with the end of its log', async () => {
    const start = startProgram({
      name: 'broken',
      command: 'sh',
      args: ['-c', 'echo the disk is full >&2; exit 3'],
      logFile,
      ready: async () => false,
    });
    await expect(start).rejects.toMatchObject({
      code: 'program-ended-early',
      message: expect.stringContaining('the disk is full'),
    });
  });

  it('reports program-not-ready, and leaves nothing running, when the time is over', async () => {
    const pidFile = join(folder, 'pid');
    const start = startProgram({
      name: 'slow',
      command: 'sh',
      args: ['-c', `echo $$ > ${pidFile}; exec sleep 60`],
      logFile,
      ready: async () => false,
      readyWithinMs: 300,
    });
    await expect(start).rejects.toMatchObject({ code: 'program-not-ready' });
    expect(existsSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}`)).toBe(false);
  });

  it('reports a program that does not exist as ended early', async () => {
    const start = startProgram({
      name: 'none',
      command: '/no/such/program',
      args: [],
      logFile,
      ready: async () => false,
    });
    await expect(start).rejects.toMatchObject({ code: 'program-ended-early' });
  });

  it('takes another port when a program ends early on the first', async () => {
    const ports: number[] = [];
    const program = await onFreePort((port) => {
      ports.push(port);
      const first = ports.length === 1;
      return startProgram({
        name: 'listener',
        command: 'sh',
        args: ['-c', first ? 'exit 1' : 'exec sleep 60'],
        logFile,
        ready: async () => !first,
      });
    });
    await program.stop();
    expect(new Set(ports).size).toBe(2);
  });

  it('ends with the process that started it, even if that one is killed', async () => {
    const pidFile = join(folder, 'grandchild');
    const script = join(folder, 'parent.mjs');
    // Another Node.js process runs the very source under test; it needs `.js` imports led to their `.ts` sources.
    writeFileSync(
      script,
      `import { registerHooks } from 'node:module';
       import { writeFileSync } from 'node:fs';
       registerHooks({
         resolve(name, context, next) {
           return next(name.startsWith('.') ? name.replace(/\\.js$/, '.ts') : name, context);
         },
       });
       const { startProgram } = await import(${JSON.stringify(join(repositoryRoot, 'devnet', 'process.ts'))});
       const options = { name: 'sleep', command: 'sleep', args: ['60'], logFile: ${JSON.stringify(logFile)} };
       const program = await startProgram({ ...options, ready: async () => true });
       writeFileSync(${JSON.stringify(pidFile)}, String(program.pid));
       setInterval(() => {}, 1000);`,
    );
    const parent = spawn(process.execPath, ['--experimental-transform-types', '--no-warnings', script], {
      stdio: 'ignore',
    });
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
    const pid = readFileSync(pidFile, 'utf8');
    await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sleep'));
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid));
    expect(isAlive(pid)).toBe(false);
  });
});

function isAlive(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await sleep(25);
}
