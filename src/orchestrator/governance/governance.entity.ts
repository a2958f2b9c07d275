// The mirror of the signer's governance log. Only ever inserted into; read back, every row is replayed and verified.

import { Column, Entity } from 'typeorm';
import { integerColumn, textColumn, timeColumn } from '../database/columns.js';

@Entity('governance_entries')
export class GovernanceEntryRow {
  @Column(integerColumn({ primary: true })) sequence!: number;
  @Column(textColumn()) hash!: string;
  /** JSON of the entry with its signatures, as the signer gave it. */
  @Column(textColumn()) entry!: string;
  @Column(timeColumn()) mirroredAtMs!: number;
}

@Entity('governance_heads')
export class GovernanceHeadRow {
  /** SHA-256 of the credential's id and the statement's bytes. */
  @Column(textColumn({ primary: true })) digest!: string;
  /** JSON of the statement with its signature. */
  @Column(textColumn()) signed!: string;
  @Column(timeColumn()) createdAtMs!: number;
  @Column(timeColumn()) receivedAtMs!: number;
}

export const governanceEntities = [GovernanceEntryRow, GovernanceHeadRow];
