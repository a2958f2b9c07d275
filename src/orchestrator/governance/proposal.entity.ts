// The tables of proposals. Shapes only; both are only ever inserted into.

import { Column, Entity } from 'typeorm';
import { z } from 'zod';
import { type EntryBody, entryBody } from '../../core/governance/entry.js';
import type { Said } from '../../core/governance/words.js';
import { integerColumn, jsonColumn, oneOfColumn, textColumn, timeColumn } from '../database/columns.js';
import { saidShape } from './proposal.dto.js';

export const acts = ['proposed', 'signed', 'cancelled'] as const;
export type Act = (typeof acts)[number];

@Entity('governance_proposals')
export class ProposalRow {
  /** Hash of the entry. */
  @Column(textColumn({ primary: true })) proposalId!: string;
  @Column(integerColumn()) sequence!: number;
  @Column(jsonColumn(entryBody)) body!: EntryBody;
  /** As it was when it was drafted. */
  @Column(jsonColumn(z.array(saidShape))) said!: readonly Said[];
  @Column(textColumn()) proposedBy!: string;
  @Column(timeColumn()) proposedAtMs!: number;
  /** The proposal that this one makes anew on top of a newer entry. */
  @Column(textColumn({ nullable: true })) redraftOf!: string | null;
}

@Entity('governance_acts')
export class ActRow {
  @Column(textColumn({ primary: true })) proposalId!: string;
  @Column({ ...oneOfColumn(acts), primary: true }) act!: Act;
  @Column(textColumn({ primary: true })) personId!: string;
  @Column(textColumn({ nullable: true })) credentialId!: string | null;
  @Column(textColumn({ nullable: true })) signature!: string | null;
  @Column(timeColumn()) atMs!: number;
}

export const proposalEntities = [ProposalRow, ActRow];
