// The orchestrator's side of the signer protocol: a few connections, one query on each at a time, every reply checked
// against its schema. It does NOT decide what a refusal means and sends nothing twice by itself: after a fault it is
// the caller's to ask again, which is harmless (the signer gives the same answer to the same bytes).

import { connect as connectPlain, isIP } from 'node:net';
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import type { SigningOrder } from '../../core/authorization/signing-order.js';
import type { Clock } from '../../core/clock.js';
import { accepted, Fault, type Outcome, refused, unreachable } from '../../core/fault.js';
import type { GovernanceEntry } from '../../core/governance/entry.js';
import type { Randomness } from '../../core/randomness.js';
import type { Burial } from '../../core/recovery/burial.js';
import type { AttestedVoid } from '../../core/recovery/void.js';
import type { SignedRequest } from '../../core/statements/request.js';
import type { Certificates } from '../../platform/certificates.js';
import {
  type BuryResult,
  type CertificatesResult,
  type CheckpointResult,
  type GovernanceResult,
  type Growth,
  PROTOCOL_VERSION,
  type PublicKeysResult,
  type Query,
  type Reply,
  type ResultOf,
  resultSchemas,
  type SignResult,
  type StatusResult,
  type TransferRecord,
  type Verb,
} from '../../signer-protocol/messages.js';
import type { SignerClientFaultCode } from './signer-client.errors.js';
import { SignerConnection } from './signer-connection.js';

/** Carries one query at a time. A dead one is never used again. */
export type SignerCarrier = Pick<SignerConnection, 'dead' | 'ask' | 'close'>;

/** Where the signer is: a way to get a connection that stands. Throws `signer-unreachable`. */
export interface SignerEndpoint {
  open(timeoutMs: number): Promise<SignerCarrier>;
}

export function unixSocketEndpoint(path: string): SignerEndpoint {
  return { open: (timeoutMs) => SignerConnection.open(connectPlain({ path }), 'connect', timeoutMs) };
}

export interface TlsEndpointOptions {
  readonly host: string;
  readonly port: number;
  /** Name in the signer's certificate, when it is not the host. */
  readonly serverName?: string;
  /** Asked for each connection, since certificates are replaced while the program runs. May throw. */
  readonly certificates: () => Pick<Certificates, 'certificate' | 'key' | 'authority'>;
}

export function tlsEndpoint({ host, port, serverName, certificates }: TlsEndpointOptions): SignerEndpoint {
  const name = serverName ?? host;
  const connect = (): TLSSocket => {
    const { certificate, key, authority } = certificates();
    return connectTls({
      host,
      port,
      ca: authority,
      cert: certificate,
      key,
      // An address is no server name (RFC 6066 §3), but has to be in the certificate all the same.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_asked, shown) => checkServerIdentity(name, shown),
      minVersion: 'TLSv1.3',
      rejectUnauthorized: true,
    });
  };
  return { open: async (timeoutMs) => SignerConnection.open(connect(), 'secureConnect', timeoutMs) };
}

export interface SignerClientOptions {
  readonly endpoint: SignerEndpoint;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** For one query, from sending it to its reply. */
  readonly timeoutMs: number;
  readonly maxConnections?: number;
  readonly maxWaiting?: number;
}

/** A query without what the client adds to it. */
type Question<V extends Verb> = Omit<Extract<Query, { verb: V }>, 'version' | 'id' | 'verb'>;

const DEFAULT_CONNECTIONS = 8;
const DEFAULT_WAITING = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;
/** Bound of the protocol on transfers in one status query. */
const STATUS_TRANSFERS = 100;

export class SignerClient {
  private readonly connections = new Set<SignerCarrier>();
  private readonly idle: SignerCarrier[] = [];
  private readonly turns: { readonly go: () => void; readonly drop: (fault: Fault) => void }[] = [];
  private busy = 0;
  private failedConnects = 0;
  private notBeforeMs = 0;
  private sent = 0;
  private closed = false;
  private readonly prefix: string;

  constructor(private readonly options: SignerClientOptions) {
    // Ids only pair a reply with its query; the prefix keeps two programs' apart in the signer's log.
    this.prefix = Buffer.from(options.randomness.bytes(6)).toString('hex');
  }

  /** The signer's own account of itself, and of at most 100 transfers. */
  async status(transferIds: readonly string[] = []): Promise<StatusResult> {
    return certain(await this.ask('status', { transferIds: [...transferIds] }));
  }

  /** What the signer has done for each of these transfers; one record for each, whatever their number. */
  async records(transferIds: readonly string[]): Promise<readonly TransferRecord[]> {
    const records: TransferRecord[] = [];
    for (let from = 0; from < transferIds.length; from += STATUS_TRANSFERS) {
      const asked = transferIds.slice(from, from + STATUS_TRANSFERS);
      const { transfers } = await this.status(asked);
      for (const transferId of asked) {
        const record = transfers.find((candidate) => candidate.transferId === transferId);
        if (!record) throw malformed('the status says nothing about a transfer', { transferId });
        records.push(record);
      }
    }
    return records;
  }

  async publicKeys(): Promise<PublicKeysResult> {
    return certain(await this.ask('public-keys', {}));
  }

  /** The one verb that gives a signature. A refusal carries the signer's code and facts. */
  sign(order: SigningOrder): Promise<Outcome<SignResult>> {
    return this.ask('sign', { order });
  }

  /** The signer's attested word that a request is never signed: the same one whenever it is asked for. */
  void(request: SignedRequest): Promise<Outcome<AttestedVoid>> {
    return this.ask('void', { request });
  }

  /** Hands in a quorum's word that what was signed for some transfers can never be mined. */
  bury(burial: Burial): Promise<Outcome<BuryResult>> {
    return this.ask('bury', { burial });
  }

  /** Asks for a signed checkpoint of the audit log, with proof that it has grown from the one that was signed last. */
  checkpoint(growth: Growth): Promise<Outcome<CheckpointResult>> {
    return this.ask('checkpoint', { ...growth });
  }

  /** Decision certificates from an ordinal on, attested together: at most so many. */
  async certificates(fromOrdinal: number, most: number): Promise<CertificatesResult> {
    return certain(await this.ask('certificates', { fromOrdinal, most }));
  }

  /** At most 50 entries of the governance log from a sequence. */
  async governanceRead(fromSequence: number): Promise<GovernanceResult> {
    return certain(await this.ask('governance-read', { fromSequence }));
  }

  governanceAppend(entry: GovernanceEntry): Promise<Outcome<GovernanceResult>> {
    return this.ask('governance-append', { entry });
  }

  /** Ends all connections; queries under way end with a fault. */
  close(): void {
    this.closed = true;
    for (const connection of this.connections) connection.close();
    this.connections.clear();
    for (const turn of this.turns.splice(0)) turn.drop(closedFault());
  }

  private async ask<V extends Verb>(verb: V, question: Question<V>): Promise<Outcome<ResultOf[V]>> {
    await this.turn();
    try {
      const connection = await this.connection();
      this.sent += 1;
      const id = `${this.prefix}-${this.sent}`;
      const query = { version: PROTOCOL_VERSION, id, verb, ...question };
      const body = new TextEncoder().encode(JSON.stringify(query));
      const answer = await connection.ask(id, body, this.options.timeoutMs);
      // A whole reply to the right question: the connection is sound, whatever the reply says.
      if (!this.closed) this.idle.push(connection);
      return this.outcome(verb, answer);
    } finally {
      this.release();
    }
  }

  private outcome<V extends Verb>(verb: V, answer: Reply): Outcome<ResultOf[V]> {
    switch (answer.kind) {
      case 'refused':
        return refused(answer.code, answer.facts);
      case 'fault':
        throw new Fault<SignerClientFaultCode>('signer-fault', 'the signer reports a fault', {
          facts: { ...answer.facts, verb, signerCode: answer.code },
        });
      case 'done':
        return accepted(result(verb, answer.result));
      default:
        return unreachable(answer);
    }
  }

  /** Waits until one of the allowed number of queries is free, and takes it. */
  private async turn(): Promise<void> {
    if (this.closed) throw closedFault();
    if (this.busy < (this.options.maxConnections ?? DEFAULT_CONNECTIONS)) {
      this.busy += 1;
      return;
    }
    if (this.turns.length >= (this.options.maxWaiting ?? DEFAULT_WAITING)) {
      throw new Fault<SignerClientFaultCode>('signer-busy', 'too many queries wait for the signer');
    }
    await new Promise<void>((go, drop) => {
      this.turns.push({ go, drop });
    });
  }

  /** Hands the turn on to whoever waits longest. */
  private release(): void {
    const next = this.turns.shift();
    if (next) next.go();
    else this.busy -= 1;
  }

  /** One that nobody else uses until it is put back. One that failed is not put back. */
  private async connection(): Promise<SignerCarrier> {
    for (let idle = this.idle.pop(); idle; idle = this.idle.pop()) if (!idle.dead) return idle;
    const { clock, endpoint, randomness } = this.options;
    if (clock.nowMs() < this.notBeforeMs) {
      throw new Fault<SignerClientFaultCode>(
        'signer-unreachable',
        'the signer was not reachable a moment ago',
      );
    }
    try {
      const opened = await endpoint.open(CONNECT_TIMEOUT_MS);
      if (this.closed) {
        opened.close();
        throw closedFault();
      }
      this.failedConnects = 0;
      for (const known of this.connections) if (known.dead) this.connections.delete(known);
      this.connections.add(opened);
      return opened;
    } catch (error) {
      this.failedConnects = Math.min(this.failedConnects + 1, 20);
      const longest = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.failedConnects - 1));
      this.notBeforeMs = clock.nowMs() + Math.ceil(longest * (0.5 + randomness.fraction() / 2));
      throw error;
    }
  }
}

function result<V extends Verb>(verb: V, answer: unknown): ResultOf[V] {
  const parsed = resultSchemas[verb].safeParse(answer);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed('a result is not of the form that its verb has', {
      verb,
      where: issue?.path.map(String).join('.').slice(0, 200) ?? '',
    });
  }
  // The schema was chosen by the verb, which the compiler cannot follow through an indexed union.
  return parsed.data as ResultOf[V];
}

function closedFault(): Fault<SignerClientFaultCode> {
  return new Fault('signer-client-closed', 'the connection to the signer was closed by this program');
}

function malformed(message: string, facts: Record<string, string>): Fault<SignerClientFaultCode> {
  return new Fault('signer-reply-malformed', message, { facts });
}

/** For verbs that a signer has no reason to refuse: a refusal is a fault then. */
function certain<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'accepted') return outcome.value;
  throw new Fault<SignerClientFaultCode>(
    'signer-fault',
    'the signer refuses a query that it always answers',
    {
      facts: { ...outcome.facts, signerCode: outcome.code },
    },
  );
}
