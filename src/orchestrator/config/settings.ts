// The orchestrator's configuration: one schema, one typed object, parsed once. It holds addresses, bounds and timings;
// it holds no key, no PIN and no switch that turns a check off. What may be paid is governance, not configuration.

import { z } from 'zod';
import { chainId, identifier, sha256Hex } from '../../core/statements/fields.js';
import { bitcoinSettings } from '../chains/bitcoin/settings.js';
import { ethereumSettings } from '../chains/ethereum/settings.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Whole milliseconds between two bounds. */
function duration(minMs: number, maxMs: number, defaultMs: number) {
  return z.int().min(minMs).max(maxMs).default(defaultMs);
}

const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/, 'a host name or an IP address');
const port = z.int().min(0).max(65_535);
const path = z.string().min(1).max(1_024);

const rate = (perMinute: number, burst: number) =>
  z
    .strictObject({
      /** Requests that come back a minute. */
      perMinute: z.int().min(1).max(1_000_000).default(perMinute),
      /** Requests that may come at once. */
      burst: z.int().min(1).max(1_000_000).default(burst),
    })
    .prefault({});

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

const httpFields = z.strictObject({
  /** 127.0.0.1 unless said otherwise: another address is a decision that somebody takes. */
  host: host.default('127.0.0.1'),
  /** 0 takes a free port. */
  port: port.default(7430),
  /**
   * What clients may have signed as `@authority` (host, and port where it is not the scheme's own). A signature that was
   * made for another deployment's address is refused. Empty: the address listened on, and localhost with its port.
   */
  authorities: z
    .array(z.string().regex(/^[a-z0-9.:[\]-]{1,259}$/, 'lower case host, or host:port'))
    .max(16)
    .default([]),
  /** Addresses or networks of reverse proxies whose X-Forwarded-For is believed; it only chooses a rate-limit bucket. */
  trustedProxies: z
    .array(z.string().regex(/^[0-9a-fA-F.:/]{2,64}$/, 'an IP address or network'))
    .max(16)
    .default([]),
  bodyLimitBytes: z
    .int()
    .min(1_024)
    .max(8 * 1024 * 1024)
    .default(512 * 1024),
  /** A client must have sent its headers, and its whole request, within these; so must a handler have answered. */
  headersTimeoutMs: duration(100, MINUTE_MS, 10 * SECOND_MS),
  requestTimeoutMs: duration(100, 5 * MINUTE_MS, 30 * SECOND_MS),
  answerTimeoutMs: duration(100, 5 * MINUTE_MS, 30 * SECOND_MS),
  keepAliveTimeoutMs: duration(100, 10 * MINUTE_MS, 5 * SECOND_MS),
  maxConnections: z.int().min(1).max(100_000).default(1_000),
  rateLimits: z
    .strictObject({
      /** Before anything is known about the caller. */
      perAddress: rate(6_000, 600),
      /** For an authenticated request key or officer. */
      perPrincipal: rate(3_000, 300),
    })
    .prefault({}),
  /** How long answers are kept for a repeated Idempotency-Key. Transfers never repeat, however old their key. */
  idempotencyRetentionMs: duration(HOUR_MS, 400 * DAY_MS, 30 * DAY_MS),
  /** After SIGTERM: how long requests under way may take to finish. */
  drainMs: duration(0, 5 * MINUTE_MS, 10 * SECOND_MS),
});

export const httpSettings = httpFields.refine(
  (http) => LOOPBACK.has(http.host) || http.authorities.length > 0,
  {
    path: ['authorities'],
    message: 'state what clients sign as the host, since the API does not listen on the loopback address',
  },
);
export type HttpSettings = z.infer<typeof httpSettings>;

export const databaseSettings = z.strictObject({
  /** `sqlite:/var/lib/portcullis/orchestrator.db`, or `postgres://user@host:5432/database`. */
  url: z
    .string()
    .max(2_048)
    .regex(
      /^(?:sqlite:\/.+|postgres(?:ql)?:\/\/.+)$/,
      'expected sqlite:/ABSOLUTE/PATH or postgres://USER@HOST:PORT/DATABASE',
    ),
  /** A file whose first line is the password, so that the URL need not hold it. */
  passwordFile: path.optional(),
});
export type DatabaseSettings = z.infer<typeof databaseSettings>;

export const signerSettings = z.union(
  [
    z.strictObject({
      /** Unix socket of a signer on this host. */
      socket: path,
      timeoutMs: duration(100, 5 * MINUTE_MS, 30 * SECOND_MS),
    }),
    z.strictObject({
      /** A signer on another host: TLS with certificates on both sides. */
      host,
      port: port.min(1),
      tls: z.strictObject({
        caFile: path,
        certificateFile: path,
        keyFile: path,
        serverName: host.optional(),
      }),
      timeoutMs: duration(100, 5 * MINUTE_MS, 30 * SECOND_MS),
    }),
  ],
  { error: 'either { socket: PATH } or { host, port, tls: { caFile, certificateFile, keyFile } }' },
);
export type SignerSettings = z.infer<typeof signerSettings>;

export const workerSettings = z.strictObject({
  /** Name of this process in leases and transitions; host name and process id unless said otherwise. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .optional(),
  /** Steps under way at once. 0 makes a process that only answers the API. */
  concurrency: z.int().min(0).max(64).default(4),
  /** How long an idle worker waits before it looks again. */
  pollMs: duration(10, MINUTE_MS, 500),
  /** A step that has not finished within its lease may be taken over by another worker. */
  leaseMs: duration(SECOND_MS, 10 * MINUTE_MS, 60 * SECOND_MS),
  /** Bounds of the back-off after a step failed. */
  backoffMinMs: duration(10, MINUTE_MS, 500),
  backoffMaxMs: duration(100, HOUR_MS, MINUTE_MS),
  /** How often a transaction that was sent is looked at. */
  followMs: z
    .strictObject({
      bitcoin: duration(50, HOUR_MS, 5 * SECOND_MS),
      ethereum: duration(50, HOUR_MS, 2 * SECOND_MS),
    })
    .prefault({}),
  /** An unconfirmed transaction gets a higher fee after this, within its transfers' ceilings. */
  bumpAfterMs: z
    .strictObject({
      bitcoin: duration(SECOND_MS, 30 * DAY_MS, 30 * MINUTE_MS),
      ethereum: duration(SECOND_MS, 30 * DAY_MS, 3 * MINUTE_MS),
    })
    .prefault({}),
});
export type WorkerSettings = z.infer<typeof workerSettings>;

export const approvalSettings = z.strictObject({
  /** A statement that officers are asked to sign expires after this, or with its request if that is sooner. */
  ttlMs: duration(MINUTE_MS, 30 * DAY_MS, DAY_MS),
});
export type ApprovalSettings = z.infer<typeof approvalSettings>;

export const chainSettings = z
  .strictObject({
    bitcoin: z.record(chainId, bitcoinSettings).default({}),
    ethereum: z.record(chainId, ethereumSettings).default({}),
  })
  .superRefine((chains, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const id of Object.keys(chains.bitcoin)) {
      if (!id.startsWith('bip122:')) refuse(['bitcoin', id], 'a Bitcoin chain id begins with bip122:');
    }
    for (const id of Object.keys(chains.ethereum)) {
      if (!id.startsWith('eip155:')) refuse(['ethereum', id], 'an Ethereum chain id begins with eip155:');
    }
  });
export type ChainSettings = z.infer<typeof chainSettings>;

export const auditSettings = z.strictObject({
  /** How often what happened is given its place in the audit log. It is on the disk before that. */
  addMs: duration(50, MINUTE_MS, SECOND_MS),
  /** A checkpoint is signed once so many entries came since the last one, */
  checkpointEntries: z.int().min(1).max(1_000_000).default(1_000),
  /** or so long after it, if any came. Each is an entry in the signer's journal. */
  checkpointMs: duration(100, DAY_MS, MINUTE_MS),
  /** The files of the log are served to everybody who reaches the API: nothing in them names a person, and they show how much happens. */
  public: z.boolean().default(false),
});
export type AuditSettings = z.infer<typeof auditSettings>;

/** Whose signed facts are put into orders. What they state is believed by the signer, or not, by their signature. */
export const watcherSettings = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'an address like http://watcher.internal:7440' }).max(2_048),
  timeoutMs: duration(100, MINUTE_MS, 5 * SECOND_MS),
});
export type WatcherSettings = z.infer<typeof watcherSettings>;

export const freezeSettings = z.strictObject({
  /** As governance has it. */
  keyId: identifier,
  /** PEM file of the freeze key, mode 0600. */
  keyFile: path,
});
export type FreezeSettings = z.infer<typeof freezeSettings>;

export const logSettings = z.strictObject({
  level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});
export type LogSettings = z.infer<typeof logSettings>;

export const configuration = z.strictObject({
  /** Hash of the genesis entry. Anything that a signer or a database says about another deployment is refused. */
  deploymentId: sha256Hex,
  http: httpSettings.prefault({}),
  database: databaseSettings,
  signer: signerSettings,
  /** By CAIP-2 chain id. A chain that governance knows and that is missing here is not served. */
  chains: chainSettings.prefault({}),
  workers: workerSettings.prefault({}),
  approvals: approvalSettings.prefault({}),
  watchers: z.array(watcherSettings).max(8).default([]),
  audit: auditSettings.prefault({}),
  /** With a freeze key of its own it stops the signer where it sees what must not be; without one it raises the alarm alone. */
  freeze: freezeSettings.optional(),
  log: logSettings.prefault({}),
});
export type Configuration = z.infer<typeof configuration>;
