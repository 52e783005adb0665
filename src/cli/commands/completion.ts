import { Argument, type Command } from 'commander';
import type { Run } from '../command.ts';

const SHELLS = ['bash', 'zsh'] as const;

export function addCompletion(program: Command, run: Run): void {
  program
    .command('completion')
    .summary('print what completes commands in your shell')
    .description('Prints a script that completes commands and options with the Tab key.')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(signalbox completion bash)          # this shell; put the line into ~/.bashrc for every one
  source <(signalbox completion zsh)           # ~/.zshrc`,
    )
    .action((shell: (typeof SHELLS)[number]) =>
      run(async () => {
        const { completionScript } = await import('../completion.ts');
        process.stdout.write(completionScript(program, shell));
        return 0;
      }),
    );
}
