import { Argument, type Command } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { describeCommands } from './completion-tree.ts';
import { zshCompletion } from './completion-zsh.ts';
import type { CliContext } from './context.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `quicether completion bash|zsh|fish`: prints a script for the shell, made from the commands as they are. */
export function register(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('Print a completion script: source <(quicether completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SHELLS)))
    .option('--json', 'print the script as JSON')
    .action((shell: keyof typeof SHELLS, { json }: { json?: boolean }) => {
      const script = SHELLS[shell](program.name(), describeCommands(program));
      context.out(json ? JSON.stringify({ shell, script }) : script.trimEnd());
    });
}
