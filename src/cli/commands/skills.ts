import { type Command, Option } from 'commander';
import type { Run } from '../command.ts';

type Work = typeof import('../skills.ts');

interface Options {
  readonly json: boolean;
}

export function addSkills(program: Command, run: Run): void {
  const skills = program
    .command('skills')
    .summary('what the agent knows how to do, and why it does')
    .description(
      'The skills of this gateway: where each comes from, which are used and what keeps the others from it, what is wrong with one, and which a text calls for. Needs no store and no platform, except for `learned`.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox skills list --ineligible
  signalbox skills show refund-policy
  signalbox skills lint workspace/skills/greeting
  signalbox skills why "please refund order 7"
  signalbox skills learned
  signalbox skills restore greeting`,
    );

  command('list', 'every skill, with its source and whether it is used')
    .option('--ineligible', 'only those that cannot be used, with what is missing', false)
    .action((options: Options & { readonly ineligible: boolean }) =>
      work((its, config) => its.listSkills({ ...options, config })),
    );
  command('show <name>', 'one skill: its head, its hash and the whole of its text').action(
    (name: string, options: Options) => work((its, config) => its.showSkill(name, { ...options, config })),
  );
  command(
    'lint [path]',
    'what is wrong with the skills, or with those of one folder; exit code 1 for errors',
  ).action((path: string | undefined, options: Options) =>
    work((its, config) => its.lintSkills(path, { ...options, config })),
  );
  command('why <text...>', 'which skills a message would be answered with, and why')
    .option('--on <platform>', 'where it would be written', 'slack')
    .action((text: string[], options: Options & { readonly on: string }) =>
      work((its, config) => its.explainSkills(text.join(' '), { ...options, config })),
    );

  command(
    'restore <name> [version]',
    'an earlier version of a skill of the workspace takes the place of the one there is, which is kept',
  ).action((name: string, version: string | undefined, options: Options) =>
    run(async ({ config }) => {
      const { restoreSkill } = await import('../restore-skill.ts');
      return restoreSkill(name, version, { ...options, config });
    }),
  );
  command(
    'learned',
    'skills the agent proposed and somebody agreed to, with what turns came to before and after',
  ).action((options: Options) =>
    run(async ({ config }) => {
      const { showLearned } = await import('../learned-skills.ts');
      return showLearned({ ...options, config });
    }),
  );

  function command(usage: string, summary: string): Command {
    return skills
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'));
  }

  function work(act: (its: Work, config: string) => Promise<number>): Promise<void> {
    return run(async ({ config }) => act(await import('../skills.ts'), config));
  }
}
