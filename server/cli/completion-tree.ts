import type { Argument, Command, Option } from 'commander';

/** What can be typed after one command. */
export interface CommandWords {
  /** Words from the program to the command: `config show`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly meaning: string }[];
  readonly options: readonly OptionWords[];
  /** Words that its first argument may be. */
  readonly choices: readonly string[];
  /** Whether an argument is a file. */
  readonly takesFile: boolean;
}

export interface OptionWords {
  readonly names: readonly string[];
  readonly meaning: string;
  readonly value: 'none' | 'file' | 'other' | readonly string[];
}

/** The program and all its commands, hidden ones left out. */
export function describeCommands(program: Command): CommandWords[] {
  return describe(program, '');
}

function describe(command: Command, path: string): CommandWords[] {
  const children = command.createHelp().visibleCommands(command);
  const args = command.registeredArguments;
  const words: CommandWords = {
    path,
    commands: children.map((child) => ({ name: child.name(), meaning: child.description() })),
    options: command.createHelp().visibleOptions(command).map(describeOption),
    choices: args[0]?.argChoices ?? [],
    takesFile: args.some(isFile),
  };
  // The help command completes to the commands, which is all that it takes.
  const real = children.filter((child) => command.commands.includes(child));
  return [words, ...real.flatMap((child) => describe(child, path === '' ? child.name() : `${path} ${child.name()}`))];
}

function isFile(argument: Argument): boolean {
  return /^(file|path)$/i.test(argument.name());
}

function describeOption(option: Option): OptionWords {
  const names = [option.long, option.short].filter((name) => name !== undefined && name !== null);
  return { names, meaning: option.description, value: valueWords(option) };
}

function valueWords(option: Option): OptionWords['value'] {
  if (option.argChoices) return option.argChoices;
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1];
  if (placeholder === undefined) return 'none';
  if (placeholder.includes('|')) return placeholder.split('|');
  if (/^(file|path)$/i.test(placeholder)) return 'file';
  return placeholder === 'BOOL' ? ['true', 'false'] : 'other';
}
