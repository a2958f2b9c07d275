// What `npm start` runs once everything is set up: the whole of Portcullis on real parts, in front of whoever watches.
//   --once    ends when all was shown; exit code 0 only if all of it went as it should
//   --fresh   forgets the demo's tokens, keys, chains and books first
//
// It is NOT a test of its own making: it does what officers and backends do, through the portcullis command, and checks
// what comes of it.

import { existsSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { Program } from '../devnet/process.js';
import { strong } from '../src/cli/lines.js';
import { Fault } from '../src/core/fault.js';
import { checkAuditLog, makeAuditKey, nameAuditLog } from './audit.js';
import { holdCeremony, writeSignerConfig } from './ceremony.js';
import { portcullisOk, typed } from './command.js';
import type { DemoFaultCode } from './failure.js';
import { Miner } from './miner.js';
import { openTokens, writeAskerConfigs, writeOfficerConfigs } from './people.js';
import { startBitcoin, startEthereum, startOrchestrator, startSigner } from './programs.js';
import {
  beginExpiring,
  changedDestination,
  endExpiring,
  oneOfficerTwice,
  overTheLimit,
  ownRequest,
  voids,
} from './refusals.js';
import { Screen } from './screen.js';
import {
  choosePorts,
  isCeremonyReadable,
  makeFolders,
  places,
  readCeremony,
  shown,
  startOver,
  takeStage,
} from './stage.js';
import { registerWatcher, startWatcher, watcherUrl } from './watcher.js';
import { approveAll, askForAll, followAll, fund, verifyAll, wishes } from './withdrawals.js';

/** As a shell reports a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

const USAGE = `Usage: npm start [-- --once] [-- --fresh]

  --once    end when everything was shown; exit code 0 only if all went as it should
  --fresh   forget the demo's tokens, keys, chains and books first
  --help    print this
`;

/** Stops what was started, last first. Nothing is left running, whatever happened. */
class Running {
  private readonly stops: (() => Promise<unknown>)[] = [];
  private stopping: Promise<void> | undefined;

  add(stop: () => Promise<unknown>): void {
    this.stops.push(stop);
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    for (const stop of this.stops.reverse()) {
      await stop().catch((error: unknown) => {
        process.stderr.write(`while stopping: ${error instanceof Error ? error.message : String(error)}\n`);
      });
    }
  }
}

/** The whole play. Returns the programs that are left running. */
async function play(screen: Screen, running: Running): Promise<Program[]> {
  const ports = await choosePorts();
  const api = `http://127.0.0.1:${ports.api}`;

  screen.title('Portcullis · the parts');
  const bitcoin = await screen.during(
    'Bitcoin node, regtest',
    () => startBitcoin(ports),
    () => `127.0.0.1:${ports.bitcoin}`,
  );
  running.add(() => bitcoin.stop());
  const ethereum = await screen.during(
    'Ethereum node, chain 31337',
    () => startEthereum(ports),
    () => `127.0.0.1:${ports.ethereum}`,
  );
  running.add(() => ethereum.stop());
  const nodes = { bitcoin, ethereum };

  const tokens = await openTokens();
  const record = readCeremony() ?? (await holdCeremony(screen, tokens, bitcoin, ethereum));
  const { deploymentId } = record;
  const treasury = tokens.get('treasury');
  if (treasury) writeSignerConfig(treasury, deploymentId);
  writeOfficerConfigs(tokens, { api, deployment: deploymentId });
  writeAskerConfigs({ api, deployment: deploymentId, log: places.governanceLog });

  await makeAuditKey();
  let signer: Program = await screen.during('signer, checks itself and opens the token', startSigner);
  running.add(() => signer.stop());
  const watcher = await screen.during(
    'watcher, states what things are worth',
    () => startWatcher(ports, nodes, record),
    () => watcherUrl(ports),
  );
  running.add(() => watcher.stop());
  const orchestrator = await screen.during(
    'orchestrator, holds no key',
    () => startOrchestrator(ports, nodes, record),
    () => api,
  );
  running.add(() => orchestrator.stop());
  const miner = new Miner(nodes);
  await miner.start();
  running.add(() => miner.stop());
  const alice = ['--config', places.config('alice')];
  await nameAuditLog(screen);
  await registerWatcher(screen, ports);
  await screen.during(
    'a governor vouches for the log, for what nobody approves',
    () => portcullisOk(['governance', 'vouch', '--yes', ...alice], z.unknown()),
    () => 'alice',
  );
  rmSync(places.governanceLog, { force: true });
  await portcullisOk(['governance', 'log', '--out', places.governanceLog, ...alice], z.unknown());
  await screen.during('everything well', () => portcullisOk(['status', ...alice], z.unknown()));
  screen.command(typed(['status', ...alice]));
  await screen.during(
    'wallets funded',
    () => fund(nodes, record),
    (held) => held,
  );

  screen.title('Three withdrawals, each approved by two officers');
  const customer = `customer-${Date.now().toString(36)}`;
  const asked = await askForAll(screen, wishes(customer));
  await approveAll(screen, asked);
  await followAll(screen, asked);
  await verifyAll(screen, asked);
  await checkAuditLog(screen, asked[0]?.transferId ?? '');

  screen.title('What must not work');
  const cast = {
    customer,
    stopSigner: async () => {
      await signer.stop();
    },
    startSigner: async () => {
      signer = await startSigner();
      return signer;
    },
  };
  const expiring = await beginExpiring(screen, cast);
  await overTheLimit(screen, cast);
  const waiting = await oneOfficerTwice(screen, cast);
  await ownRequest(screen);
  await changedDestination(screen, cast);
  await endExpiring(screen, expiring);
  await voids(screen, expiring, asked[0]?.transferId ?? '');

  screen.title(`All of it went as it should, in ${screen.seconds} seconds.`);
  whereToLook(screen, api, asked[0]?.transferId ?? '', waiting);
  return [bitcoin.program, ethereum.program, signer, watcher, orchestrator].filter(
    (program) => program !== null,
  );
}

function whereToLook(screen: Screen, api: string, settled: string, waiting: string): void {
  const exchange = ['--config', places.config('exchange-1')];
  const alice = ['--config', places.config('alice')];
  screen.print(
    '  Where to look next',
    '',
    ['    the API, to read    ', strong(`${api}/docs`)],
    `    as OpenAPI 3.1      ${api}/openapi.json`,
    `    alive, and ready    ${api}/healthz   ${api}/readyz`,
    `    logs                ${shown(places.logs)}/`,
    `    who may do what     ${shown(places.plan)}, policies/`,
    '',
    '  To type yourself, from here',
    '',
  );
  for (const args of [
    ['list', ...exchange],
    ['show', settled, ...exchange],
    ['wallets', ...alice],
    ['governance', 'show', ...alice],
  ]) {
    screen.command(typed(args));
  }
  screen.print('', '  One transfer still waits for a second officer. Be bob:', '');
  screen.command(typed(['approve', waiting, '--config', places.config('bob')]));
  screen.command(typed(['follow', waiting, ...exchange]));
}

/** Resolves when one of the programs has ended by itself. */
async function oneEnded(programs: readonly Program[]): Promise<never> {
  const ended = await Promise.race(
    programs.map(async (program) => ({ program, exit: await program.exited })),
  );
  const { program, exit } = ended;
  throw new Fault<DemoFaultCode>(
    'not-as-expected',
    `${program.name} ended by itself (${exit.signal ?? `exit code ${exit.code}`}); see ${shown(program.logFile)}`,
  );
}

function failed(error: unknown): void {
  const fault = error instanceof Fault ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `\n  It did not go as it should${fault ? ` (${fault.code})` : ''}:\n\n    ${message.replaceAll('\n', '\n    ')}\n`,
  );
  for (const [name, value] of Object.entries(fault?.facts ?? {}))
    process.stderr.write(`    ${name}: ${String(value)}\n`);
  if (fault === undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.stderr.write(
    `\n  Logs: ${shown(places.logs)}/\n  To begin anew, without what the demo has made so far: npm start -- --fresh\n\n`,
  );
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean' }, fresh: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  takeStage();
  // A ceremony that was cut short left nothing that anybody could rely on.
  const isOlder = readCeremony() !== undefined && !isCeremonyReadable();
  if (isOlder)
    process.stdout.write('\n  What the demo made before is of an older version; it begins anew.\n');
  if (values.fresh || isOlder || (existsSync(places.home) && readCeremony() === undefined)) startOver();
  makeFolders();
  const screen = new Screen(process.stdout);
  const running = new Running();
  const interrupted = Promise.withResolvers<'interrupted'>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.resolve('interrupted'));
  }
  try {
    const left = await Promise.race([play(screen, running), interrupted.promise]);
    if (left === 'interrupted') {
      screen.print('', '  Interrupted; stopping …');
      screen.silence();
      return INTERRUPTED;
    }
    if (values.once) return 0;
    screen.print('', '  It stays up until Ctrl-C.', '');
    await Promise.race([interrupted.promise, oneEnded(left)]);
    return 0;
  } catch (error) {
    failed(error);
    return 1;
  } finally {
    if (!values.once) screen.print('  Stopping …');
    await running.stop();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  failed(error);
  return 2;
});
// Whoever was interrupted in the middle may still have a command running; it has nobody left to tell.
process.exit();
