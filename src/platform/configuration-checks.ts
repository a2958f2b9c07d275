// What can be seen of a configuration on the spot, beyond its schema: whether its files are there, fit together, and are
// closed to those whom they do not concern. It changes nothing, opens no connection, and loads nothing.

import { accessSync, closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { Fault } from '../core/fault.js';
import { type CertificateFiles, readCertificates, requireValid } from './certificates.js';
import type { Mistake, Section } from './configuration-file.js';

type Path = readonly (string | number)[];

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Time enough to get a new certificate. */
const EXPIRES_SOON_MS = 30 * DAY_MS;
/** A longer path does not fit into a socket's address. Linux, unix(7). */
const LONGEST_SOCKET_PATH = 107;
const READABLE_BY_OTHERS = 0o007;
const WRITABLE_BY_GROUP = 0o020;
const OPEN_TO_GROUP = 0o077;
/** `e_machine` of ELF files, elf(5). */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/** Collects what is wrong with one program's section. */
export class Checks {
  readonly mistakes: Mistake[] = [];

  constructor(
    private readonly section: Section,
    private readonly nowMs: number,
  ) {}

  error(at: Path, problem: string): void {
    this.mistakes.push(this.section.mistake('error', at, problem));
  }

  warn(at: Path, problem: string): void {
    this.mistakes.push(this.section.mistake('warning', at, problem));
  }

  /** A file that is to be read. */
  file(at: Path, path: string): Stats | undefined {
    const status = this.there(at, path);
    if (!status) return undefined;
    if (!status.isFile()) this.error(at, `${path} is not a file`);
    else if (!allowed(path, constants.R_OK)) this.error(at, `whoever runs this check cannot read ${path}`);
    return status;
  }

  /** A file that is nobody else's business. `alone`: not the group's either. */
  secret(at: Path, path: string, { alone = false } = {}): void {
    const status = this.file(at, path);
    if (!status) return;
    const open = alone ? OPEN_TO_GROUP : READABLE_BY_OTHERS | WRITABLE_BY_GROUP;
    if ((status.mode & open) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(3, '0');
      this.error(
        at,
        `others can read or change ${path} (mode ${mode}): chmod ${alone ? '600' : 'o-rwx,g-w'} ${path}`,
      );
    }
  }

  /** A file that the program itself makes, or a socket: its folder has to be there. */
  folderOf(at: Path, path: string, { writable = true } = {}): void {
    if (!isAbsolute(path))
      this.warn(at, `${path} is relative: what it means depends on where the program is started`);
    const folder = dirname(path);
    const status = this.there(at, folder);
    if (!status) return;
    if (!status.isDirectory()) this.error(at, `${folder} is not a folder`);
    else if (writable && !allowed(folder, constants.W_OK))
      this.warn(at, `whoever runs this check cannot write into ${folder}`);
  }

  socket(at: Path, path: string): void {
    if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
      this.error(at, `a socket's path has at most ${LONGEST_SOCKET_PATH} bytes`);
    }
    if (!isAbsolute(path)) this.error(at, `${path} is relative; both ends need the same path`);
  }

  /** Certificate, key and authorities of one end. The names are those of the settings. */
  certificates(at: Path, names: Record<keyof CertificateFiles, string>, files: CertificateFiles): void {
    const before = this.mistakes.length;
    this.file([...at, names.certificateFile], files.certificateFile);
    this.file([...at, names.authorityFile], files.authorityFile);
    this.secret([...at, names.keyFile], files.keyFile);
    if (this.mistakes.length > before) return;
    const own = [...at, names.certificateFile];
    try {
      const certificates = readCertificates(files);
      requireValid(certificates, this.nowMs);
      const leftMs = certificates.validToMs - this.nowMs;
      if (leftMs < EXPIRES_SOON_MS) {
        this.warn(own, `the certificate expires in ${Math.floor(leftMs / DAY_MS)} days`);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { path } = error.facts;
      const culprit = Object.entries(files).find(([, file]) => file === path)?.[0];
      const at2 = culprit === 'keyFile' || culprit === 'authorityFile' ? [...at, names[culprit]] : own;
      this.error(at2, `${error.code}: ${error.message}`);
    }
  }

  /** A PKCS#11 module: a shared object for this machine. It is not loaded: its code is only run where it has to be. */
  module(at: Path, path: string): void {
    if (!this.file(at, path)) return;
    const head = Buffer.alloc(20);
    const file = openSync(path, 'r');
    try {
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
    const machine = MACHINES[process.arch];
    if (head.toString('latin1', 0, 4) !== '\x7fELF') this.error(at, `${path} is not a shared object`);
    else if (machine !== undefined && head.readUInt16LE(18) !== machine) {
      this.error(at, `${path} is for another kind of machine than this one (${process.arch})`);
    }
  }

  private there(at: Path, path: string): Stats | undefined {
    try {
      return statSync(path);
    } catch {
      this.error(at, `${path} is not there, or cannot be reached by whoever runs this check`);
      return undefined;
    }
  }
}

function allowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
