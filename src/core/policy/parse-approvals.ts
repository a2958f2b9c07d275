// What a rule does with a transfer, and whose approvals it wants: groups that exist, quorums that can be reached, and no list
// that another one makes needless. Whether approvals are enough is approvals.ts.

import { classWord, countsIn, sumOf } from '../governance/credential-class.js';
import { classesHeld } from '../governance/state.js';
import { candidatesFor, isReachable, meetingMeets } from './approvals.js';
import type { RequirementsText, RuleText, WayText } from './document.js';
import { holdMsOf } from './durations.js';
import { distinct, malformed, type Page, type Path } from './page.js';
import { perhaps } from './suggestions.js';
import type { ApprovalRequirement, Effect } from './types.js';

function noSuchGroup({ context }: Page, group: string): string {
  return `no such group: ${group}${perhaps(group, context.groups.keys())}`;
}

function requirementOf(page: Page, path: Path, written: RequirementsText[number]): Requirement {
  const { groups, everRegistered } = page.context;
  const { group, quorum, except, 'not-members-of': notMembersOf, with: classes } = written;
  const members = groups.get(group) ?? malformed(page, [...path, 'group'], noSuchGroup(page, group));
  // Whoever was a person once may stay in the text: else nobody whom a policy names could be removed in a hurry.
  except?.forEach((person, index) => {
    if (!everRegistered.has(`person:${person}`))
      malformed(
        page,
        [...path, 'except', index],
        `no such person: ${person}${perhaps(person, page.context.persons.keys())}`,
      );
  });
  notMembersOf?.forEach((other, index) => {
    if (!groups.has(other)) malformed(page, [...path, 'not-members-of', index], noSuchGroup(page, other));
  });
  distinct(page, [...path, 'except'], except ?? []);
  distinct(page, [...path, 'not-members-of'], notMembersOf ?? []);
  const requirement = {
    group,
    quorum,
    ...(except && { except }),
    ...(notMembersOf && { notMembersOf }),
    ...(classes && { with: classes }),
  };
  const left = candidatesFor(requirement, groups).length;
  if (quorum > left) {
    const besides = left < members.length ? ' besides those who do not count' : '';
    malformed(
      page,
      [...path, 'quorum'],
      `${group} has ${left} members${besides}, ${quorum} can never approve`,
    );
  }
  checkClasses(page, [...path, 'with'], requirement);
  return requirement;
}

function checkClasses(page: Page, path: Path, requirement: ApprovalRequirement): void {
  const { groups } = page.context;
  if (sumOf(requirement.with) > requirement.quorum)
    malformed(page, path, 'more than the quorum asks for at all');
  const held = classesHeld(page.context);
  const candidates = candidatesFor(requirement, groups);
  for (const [one, wanted] of countsIn(requirement.with)) {
    const able = candidates.filter((person) => held.get(person)?.has(one)).length;
    if (wanted > able) {
      malformed(
        page,
        [...path, one],
        `${able} of ${requirement.group} could approve with ${classWord(one)}, and never ${wanted}`,
      );
    }
  }
  if (!isReachable([requirement], new Set(candidates), groups, new Set(), held)) {
    malformed(page, path, `nobody approves with two of these: ${requirement.group} has too few for all`);
  }
}

type Requirement = Omit<ApprovalRequirement, 'alternative'>;

/** Whether all of these can be met, each by persons of their own. */
function canApprove({ context }: Page, requirements: readonly Requirement[]): boolean {
  const everybody = new Set(requirements.flatMap(({ group }) => context.groups.get(group) ?? []));
  return isReachable(requirements, everybody, context.groups, new Set(), classesHeld(context));
}

/** What has to be met together. */
function requirementsOf(page: Page, path: Path, written: RequirementsText): readonly Requirement[] {
  const requirements = written.map((one, index) => {
    if (written.findIndex(({ group }) => group === one.group) !== index) {
      malformed(page, [...path, index, 'group'], `${one.group} stands here twice`);
    }
    return requirementOf(page, [...path, index], one);
  });
  if (!canApprove(page, requirements))
    malformed(page, path, 'these groups share too many members to approve together');
  return requirements;
}

/** One list, or several of which each is met before the next. Whoever approves in one step counts in no other. */
function wayOf(page: Page, path: Path, written: WayText): readonly Requirement[] {
  if (!('steps' in written)) return requirementsOf(page, path, written);
  const requirements: Requirement[] = [];
  for (const [step, one] of written.steps.entries()) {
    const at = [...path, 'steps', step];
    requirements.push(...requirementsOf(page, at, one).map((requirement) => ({ ...requirement, step })));
    if (!canApprove(page, requirements))
      malformed(
        page,
        at,
        'too few are left for this step: whoever approved in one before counts there alone',
      );
  }
  return requirements;
}

function alternativesOf(page: Page, path: Path, written: readonly WayText[]): readonly ApprovalRequirement[] {
  const alternatives = written.map((one, index) => wayOf(page, [...path, index], one));
  alternatives.forEach((one, index) => {
    const isSpared = alternatives.some(
      (other, at) => at !== index && meetingMeets(one, other) && (at < index || !meetingMeets(other, one)),
    );
    if (isSpared) malformed(page, [...path, index], 'never needed: another of these lists asks for no more');
  });
  return alternatives.flatMap((requirements, alternative) =>
    requirements.map((requirement) => ({ ...requirement, alternative })),
  );
}

/** Whether somebody who may ask for it leaves persons enough: nobody approves what they asked for. */
export function canApproveFor(page: Page, { requirements }: Approve, requesters: readonly string[]): boolean {
  const { groups } = page.context;
  const everybody = new Set(requirements.flatMap(({ group }) => groups.get(group) ?? []));
  return requesters.some((requester) =>
    isReachable(requirements, everybody, groups, new Set([requester]), classesHeld(page.context)),
  );
}

type Approved = Extract<RuleText['then'], { readonly approve: unknown }>;
type Approve = Extract<Effect, { readonly kind: 'approve' }>;

function approveOf(page: Page, path: Path, { approve }: Approved): Approve {
  const at = [...path, 'approve'];
  const requirements =
    'any-of' in approve
      ? alternativesOf(page, [...at, 'any-of'], approve['any-of'])
      : wayOf(page, at, approve);
  return { kind: 'approve', requirements };
}

export function effectOf(page: Page, path: Path, then: RuleText['then']): Effect {
  if (typeof then === 'string') return { kind: then };
  if ('approve' in then) return approveOf(page, path, then);
  const holdMs = holdMsOf(page, [...path, 'hold'], then.hold);
  const after = then.then;
  if (after === 'allow') return { kind: 'allow', holdMs };
  return { ...approveOf(page, [...path, 'then'], after), holdMs };
}
