import { describe, expect, it } from '@jest/globals';
import { EXAMPLE_WAYS } from './cli.fixture.js';
import { render } from './lines.js';
import { togetherOf, WAYS, waysLines } from './ways-words.js';

const ID = EXAMPLE_WAYS.transferId;

describe('the ways that lead on from a transfer', () => {
  const text = render(waysLines(EXAMPLE_WAYS), false).replaceAll(/\s+/g, ' ');

  it('come with what signer, chain and books say', () => {
    expect(text).toContain('the signer signed');
    expect(text).toContain('conflicted, block 905214, 7 deep');
    expect(text).toContain(`in its place: ${'f'.repeat(64)}`);
    expect(text).toContain('the books: conflicted');
  });

  it('name the command for each that is open, and why the others are not', () => {
    for (const command of WAYS.bury?.commands(ID) ?? []) expect(text).toContain(`$ portcullis ${command}`);
    expect(text).toContain("✗ have the signer's void: The signer has signed something for it.");
    expect(text).not.toContain(`portcullis void ${ID}`);
  });

  it('say what a wrong choice costs, whatever the service says or leaves out', () => {
    expect(text).toContain('the customer is paid twice');
    expect(text).not.toContain('It costs nothing at all.');
  });

  it('name the transfers that stand and fall with it', () => {
    expect(togetherOf(EXAMPLE_WAYS)).toEqual([ID, `tr-${'2'.repeat(40)}`]);
    expect(text).toContain(`together with tr-${'2'.repeat(40)}`);
  });

  it('say that nothing is known when the signer does not answer', () => {
    const silent = render(waysLines({ ...EXAMPLE_WAYS, signer: null }), false);
    expect(silent).toContain('does not answer');
  });
});
