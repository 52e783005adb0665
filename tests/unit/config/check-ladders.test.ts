/** What a policy says about silence can happen: whatever could not is a mistake when it is read. */
import { describe, expect, it } from 'vitest';
import { aConfig, parse, problemsOf } from './config-texts.ts';

/** A policy beside the default one. */
function written(policy: string, files: Parameters<typeof aConfig>[0] = {}) {
  const escalation = `${aConfig().escalation}  quick:\n${policy.replaceAll(/^/gm, '    ')}\n`;
  return { escalation, ...files };
}

function mistakesIn(policy: string, files?: Parameters<typeof aConfig>[0]): string[] {
  return problemsOf(written(policy, files)).map(
    ({ keyPath, expected, found, hint }) => `${keyPath}: ${expected}; ${found} (${hint})`,
  );
}

const MORE = '{ escalate: { to: { role: manager }, for: 1h } }';

describe('the steps of a policy when nobody answers', () => {
  it.each([
    ['an answer at the end', `on_timeout: [${MORE}, { answer: wait }]`],
    ['others where a silent yes does not apply', `on_timeout: [approve, ${MORE}]`],
    ['an answer where a silent yes does not apply', 'on_timeout: [approve, { answer: wait }]'],
    ['others twice, with time left', `on_timeout: [${MORE}, ${MORE}]\nhard_deadline: 26h`],
  ])('OM-123 may be %s', (_what, steps) => {
    expect(() => parse(written(`deadline: 24h\n${steps}`))).not.toThrow();
  });

  it.each([
    [
      'follow an answer',
      `on_timeout: [{ answer: wait }, ${MORE}]`,
      /^policies\.quick\.on_timeout\[1\]: nothing after an answer; step 2, which is never taken .*put the answer last/,
    ],
    [
      'are a silent yes again',
      `on_timeout: [approve, ${MORE}, approve]`,
      /^policies\.quick\.on_timeout\[2\]: approve once; step 3, which is never taken \(what step 1 does not let run/,
    ],
    [
      'begin at the hard deadline',
      `on_timeout: [${MORE}, ${MORE}]\nhard_deadline: 25h`,
      /^policies\.quick\.on_timeout\[1\]\.escalate: a hard_deadline that leaves time for this; step 2, .*longer hard_deadline than 25h/,
    ],
  ])('OM-123 are refused where they %s', (_what, steps, mistake) => {
    expect(mistakesIn(`deadline: 24h\n${steps}`)).toEqual([expect.stringMatching(mistake)]);
  });

  it('are refused where the hard deadline is the one that holds if nothing is said', () => {
    expect(mistakesIn(`deadline: 10d\non_timeout: [${MORE}]`)).toEqual([
      expect.stringMatching(/on_timeout\[0\]\.escalate: .*longer hard_deadline than 10d/),
    ]);
    expect(mistakesIn(`deadline: 7d\non_timeout: [${MORE}]`)).toEqual([
      expect.stringMatching(/on_timeout\[0\]\.escalate: .*than 7d, which it is if left out/),
    ]);
  });
});

describe('a hard deadline', () => {
  it('is no less than the deadline, where it is written', () => {
    expect(mistakesIn('deadline: 24h\nhard_deadline: 1h')).toEqual([
      expect.stringMatching(
        /^policies\.quick\.hard_deadline: no less than the deadline of 24h; .*it ends then in any case/,
      ),
    ]);
    expect(() => parse(written('deadline: 24h\nhard_deadline: 24h'))).not.toThrow();
    expect(() => parse(written('deadline: 30d'))).not.toThrow();
  });
});

describe('silence as a yes', () => {
  const { authorizations = '' } = aConfig();
  const quick = 'deadline: 24h\non_timeout: [approve]';
  const denied = `${authorizations}  - name: no deploys
    tool: deploy
    decision: deny
    escalate: { approvers: { role: manager }, policy: quick }
`;

  it.each([
    ['exceptions', denied],
    [
      'what strangers may want',
      `${authorizations}after_reading: { approvers: { role: manager }, policy: quick }\n`,
    ],
    ['elevations', `${authorizations}elevation: { approvers: { role: manager }, policy: quick }\n`],
  ])('OM-123 is refused in a policy that is named for %s alone', (_what, rules) => {
    expect(mistakesIn(quick, { authorizations: rules })).toEqual([
      expect.stringMatching(
        /^policies\.quick\.on_timeout\[0\]: no approve in a policy for exceptions alone; approve, which never applies/,
      ),
    ]);
  });

  it.each([
    [
      'a rule asks by it as well',
      denied.replace('approvers: { role: manager }\n', 'approvers: { role: manager }\n    policy: quick\n'),
      undefined,
    ],
    ['a program may name it', denied, 'api:\n  clients:\n    shop: { policies: [quick] }\n'],
    ['nobody names it', authorizations, undefined],
  ])('stands where %s', (_when, rules, settings) => {
    expect(() =>
      parse(written(quick, { authorizations: rules, ...(settings ? { settings } : {}) })),
    ).not.toThrow();
  });
});
