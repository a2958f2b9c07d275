// The audit log over HTTP: for looking things up, and for whoever keeps a copy of it.

import { Controller, Inject } from '@nestjs/common';
import { CHECKPOINT_PATH, countAt, parseTilePath, TILE_WIDTH } from '../../core/audit/tile-path.js';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { Database } from '../database/database.js';
import { Input, type InputOf, Serves } from '../http/endpoint.js';
import {
  type AuditFileAnswer,
  type AuditPageAnswer,
  DEFAULT_ITEMS,
  getAuditFile,
  getLogCheckpoint,
  getLogTile,
  searchAudit,
} from './audit.endpoints.js';
import { headOf } from './audit.log.js';
import { type AuditQuery, searchAudit as search } from './audit.search.js';
import { Checkpoints } from './checkpoints.js';
import { storedLog } from './stored-tiles.js';

type Query = InputOf<typeof searchAudit>['query'];

/** What an entry may be about, by the name of the filter. */
const SUBJECTS = {
  transfer: 'transfer',
  wallet: 'wallet',
  credential: 'credential',
  key: 'key',
  entry: 'governance-entry',
  proposal: 'proposal',
  policy: 'policy',
} as const;

function queryOf({ person, kind, from, to, before, limit, ...about }: Query): AuditQuery {
  const names = Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[];
  return {
    subjects: names.flatMap((name) => {
      const id = about[name];
      return id === undefined ? [] : [{ kind: SUBJECTS[name], id: `${id}` }];
    }),
    ...(person === undefined ? {} : { person }),
    ...(kind === undefined ? {} : { kind }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
    ...(before === undefined ? {} : { before }),
    limit: limit ?? DEFAULT_ITEMS,
  };
}

@Controller()
export class AuditController {
  constructor(
    private readonly database: Database,
    private readonly checkpoints: Checkpoints,
    @Inject(CONFIGURATION) private readonly configuration: Configuration,
  ) {}

  @Serves(searchAudit)
  async search(@Input() { query }: InputOf<typeof searchAudit>): Promise<Outcome<AuditPageAnswer>> {
    const { items, nextBefore } = await this.database.read((db) => search(db, queryOf(query)));
    return accepted({ items: [...items], nextBefore });
  }

  @Serves(getAuditFile)
  async file(
    @Input() { query: { path } }: InputOf<typeof getAuditFile>,
  ): Promise<Outcome<AuditFileAnswer, 'audit-file-unknown'>> {
    const bytes = path === CHECKPOINT_PATH ? await this.checkpoint() : await this.tile(path);
    return bytes
      ? accepted({ path, bytes: Buffer.from(bytes).toString('base64') })
      : refused('audit-file-unknown', { path });
  }

  @Serves(getLogCheckpoint)
  async logCheckpoint(): Promise<Outcome<string, 'audit-file-unknown' | 'route-unknown'>> {
    if (!this.configuration.audit.public) return refused('route-unknown');
    const newest = await this.checkpoints.newest();
    return newest ? accepted(newest.note) : refused('audit-file-unknown', { path: CHECKPOINT_PATH });
  }

  @Serves(getLogTile)
  async logTile(
    @Input() { params: { file } }: InputOf<typeof getLogTile>,
  ): Promise<Outcome<Uint8Array, 'audit-file-unknown' | 'route-unknown'>> {
    if (!this.configuration.audit.public) return refused('route-unknown');
    const path = `tile/${file}`;
    const bytes = await this.signedTile(path);
    return bytes ? accepted(bytes) : refused('audit-file-unknown', { path });
  }

  /** Of what a checkpoint is about: what comes after it is promised to nobody yet. */
  private async signedTile(path: string): Promise<Uint8Array | undefined> {
    const name = parseTilePath(path);
    const size = (await this.checkpoints.newest())?.size ?? 0;
    if (!name || name.index * TILE_WIDTH + name.width > countAt(name.level, size)) return undefined;
    return this.database.read((db) => storedLog(db, size).readTile(path));
  }

  private async checkpoint(): Promise<Uint8Array | undefined> {
    const newest = await this.checkpoints.newest();
    return newest && Buffer.from(newest.note, 'utf8');
  }

  private tile(path: string): Promise<Uint8Array | undefined> {
    return this.database.read(async (db) => {
      const { size } = await headOf(db);
      return storedLog(db, size).readTile(path);
    });
  }
}
