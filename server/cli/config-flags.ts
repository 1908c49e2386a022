import { type Command, Option } from 'commander';
import type { ConfigDesk } from '../settings/config-desk.ts';
import type { GivenFlag } from '../settings/text-drafts.ts';

/** Adds every flag that sets a key to a command; the values then come from {@link givenFlags}. */
export function addSettingsFlags(command: Command, desk: ConfigDesk, names?: readonly string[]): void {
  for (const flag of desk.flags) {
    if (names && !names.includes(flag.name)) continue;
    const isBool = flag.kindName === 'bool';
    const value = isBool ? '[BOOL]' : `<${placeholder(flag.kindName)}>`;
    const option = new Option(`${flag.name} ${value}`, flag.meaning);
    if (isBool) option.preset('true');
    if (flag.isList) {
      option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
    }
    command.addOption(option);
  }
}

function placeholder(kindName: string): string {
  const choices = /^one of (.*)$/.exec(kindName)?.[1];
  if (choices) return choices.split(', ').join('|');
  return kindName
    .replace(/^list of /, '')
    .replace(/ or list$/, '')
    .replaceAll(' ', '_')
    .toUpperCase();
}

/** The flags that were given to a command, as `ConfigDesk.load` takes them. */
export function givenFlags(command: Command, desk: ConfigDesk): GivenFlag[] {
  return command.options.flatMap((option) => {
    const name = option.long ?? '';
    const value: unknown = command.getOptionValue(option.attributeName());
    if (value === undefined || !desk.flags.some((flag) => flag.name === name)) return [];
    const texts = Array.isArray(value) ? value.map(String) : [String(value)];
    return texts.map((text) => ({ name, text }));
  });
}
