// The signer's door: a unix socket, or mTLS for another host. It decides who may talk to the signer at all; what is said
// then is conversation.ts. Certificates are replaced while it stands open: docs/decisions/0041.

import { constants } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import { Fault } from '../core/fault.js';
import { type Certificates, readCertificates, requireValid } from '../platform/certificates.js';
import type { SignerConfig } from './config.js';
import { BOUNDS, type Bounds, converse, type Log, type Talk } from './conversation.js';
import type { Signer } from './signer.js';

const MAX_CONNECTIONS = 64;
/** Whoever has not shown a certificate after this long is not talked to any longer. */
const HANDSHAKE_DEADLINE_MS = 10_000;
const OPEN_TO_OTHERS = 0o027;

export type ServerFaultCode = 'socket-directory-open' | 'socket-taken';

/** Makes the directory of the socket, whatever the umask, or looks at the one that is there. Throws `socket-directory-open`. */
function readyDirectory(directory: string, groupId: number | undefined): void {
  if (mkdirSync(directory, { recursive: true }) !== undefined) {
    chmodSync(directory, 0o750);
    if (groupId !== undefined) chownSync(directory, process.getuid?.() ?? 0, groupId);
  }
  const status = statSync(directory);
  const ours = [process.getuid?.() ?? 0, 0].includes(status.uid);
  if (!ours || (status.mode & OPEN_TO_OTHERS) !== 0) {
    throw new Fault<ServerFaultCode>(
      'socket-directory-open',
      "the directory of the socket is open to others, or is somebody else's",
      {
        facts: { directory, owner: status.uid, mode: (status.mode & 0o777).toString(8), wanted: '750' },
      },
    );
  }
}

/** Readies the place for the socket: a directory that only owner and group can enter. Throws a ServerFaultCode. */
function readySocketPath(path: string, groupId: number | undefined): void {
  readyDirectory(dirname(path), groupId);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isSocket()) {
    throw new Fault<ServerFaultCode>('socket-taken', 'something that is no socket stands at the socket path');
  }
  // The store's lock has shown already that no other signer of this deployment runs: what is left is a dead one's.
  if (found) rmSync(path);
}

export interface RunningServer {
  /** Port of a TLS server; undefined for a unix socket. */
  readonly port: number | undefined;
  /**
   * Reads the certificates' files again, and goes by them if they fit together: new connections at once, and those that
   * stand are closed after what they have asked. Undefined for a unix socket. Throws a CertificateFaultCode, and then
   * nothing has changed.
   */
  reload(): Certificates | undefined;
  close(): Promise<void>;
}

type TlsSettings = Extract<SignerConfig['listen'], { kind: 'tls' }>;

function certificatesFor({ certificateFile, keyFile, clientAuthorityFile }: TlsSettings): Certificates {
  const certificates = readCertificates({ certificateFile, keyFile, authorityFile: clientAuthorityFile });
  requireValid(certificates, Date.now());
  return certificates;
}

function contextOf({ certificate, key, authority }: Certificates): SecureContextOptions {
  return {
    cert: certificate,
    key,
    ca: authority,
    minVersion: 'TLSv1.3',
    // No resumption: whoever comes again shows their certificate again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** The TLS server and whoever talks over it. */
class TlsDoor {
  readonly server: TlsServer;
  private readonly talks = new Set<Talk>();
  /** Connections, by their other end, that began under certificates which are still in force. */
  private readonly current = new Set<string>();

  constructor(
    private readonly settings: TlsSettings,
    private readonly longestMs: number,
    private readonly admitted: (socket: Socket) => Talk,
  ) {
    const options = {
      ...contextOf(certificatesFor(settings)),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_DEADLINE_MS,
    };
    this.server = createTlsServer(options, (socket) => this.admit(socket));
    this.server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket);
      this.current.add(peer);
      socket.on('close', () => this.current.delete(peer));
    });
  }

  reload(): Certificates {
    const certificates = certificatesFor(this.settings);
    this.server.setSecureContext(contextOf(certificates));
    this.current.clear();
    for (const talk of this.talks) talk.retire();
    return certificates;
  }

  private admit(socket: Socket): void {
    // Its handshake began before the certificates were replaced, and was judged by the old ones.
    if (!this.current.has(peerOf(socket))) {
      socket.destroy();
      return;
    }
    const talk = this.admitted(socket);
    this.talks.add(talk);
    const tooOld = setTimeout(() => talk.retire(), this.longestMs).unref();
    socket.on('close', () => {
      clearTimeout(tooOld);
      this.talks.delete(talk);
    });
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Listens as configured. Whoever can connect can ask; what may be signed does not depend on who asks. */
export async function listen(
  config: SignerConfig['listen'],
  signer: Signer,
  log: Log,
  bounds: Bounds = BOUNDS,
): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  /** Also those that have shown no certificate yet: nobody keeps the signer from stopping. */
  const connected = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };
  const admitted = (socket: Socket) => converse(socket, signer, log, bounds);
  const door = config.kind === 'tls' ? new TlsDoor(config, bounds.longestMs, admitted) : undefined;
  const server: Server = door?.server ?? createServer(admitted);
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', connected);
  server.on('drop', () => log('warn', 'connection-dropped', { limit: MAX_CONNECTIONS }));
  server.on('tlsClientError', (error: Error) =>
    log('warn', 'connection-refused', { message: error.message.slice(0, 200) }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (config.kind === 'unix') {
      readySocketPath(config.path, config.groupId);
      const before = process.umask(0o117);
      server.listen(config.path, resolve);
      process.umask(before);
    } else {
      server.listen(config.port, config.host, resolve);
    }
  });
  // What goes wrong with one connection before it is one (no descriptors left, say) ends that one, not the program.
  server.on('error', (error) => log('error', 'listener-error', { message: error.message.slice(0, 200) }));
  if (config.kind === 'unix') {
    chmodSync(config.path, 0o660);
    if (config.groupId !== undefined) chownSync(config.path, process.getuid?.() ?? 0, config.groupId);
  }
  const address = server.address();
  return {
    port: typeof address === 'object' ? address?.port : undefined,
    reload: () => door?.reload(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.end();
        setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, 2_000).unref();
      }),
  };
}
