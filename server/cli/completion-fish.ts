import type { CommandWords, OptionWords } from './completion-tree.ts';

/** A completion script for fish. */
export function fishCompletion(program: string, commands: readonly CommandWords[]): string {
  const place = `__${program.replaceAll('-', '_')}_place`;
  const known = commands
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path.includes(' ') ? path : ` ${path}`));
  return `# fish completion for ${program}; load it with: ${program} completion fish | source
function ${place}
    set -l place ''
    for word in (commandline -opc)[2..-1]
        switch "$place $word"
            case ${known.join(' ')}
                set place (string trim -- "$place $word")
        end
    end
    echo "$place"
end
complete -c ${program} -f
${commands.flatMap((command) => commandLines(program, place, command)).join('\n')}
`;
}

function commandLines(program: string, place: string, command: CommandWords): string[] {
  const start = `complete -c ${program} -n ${quoted(`string match -q -- "${command.path}" (${place})`)}`;
  return [
    ...command.commands.map(({ name, meaning }) => `${start} -a ${quoted(name)} -d ${quoted(meaning)}`),
    ...(command.choices.length > 0 ? [`${start} -a ${quoted(command.choices.join(' '))}`] : []),
    ...(command.takesFile ? [`${start} -F`] : []),
    ...command.options.map(
      (option) => `${start}${optionNames(option)}${optionValue(option)} -d ${quoted(option.meaning)}`,
    ),
  ];
}

function optionNames({ names }: OptionWords): string {
  return names.map((name) => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`)).join('');
}

function optionValue({ value }: OptionWords): string {
  if (value === 'none') return '';
  if (value === 'file') return ' -r -F';
  return value === 'other' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
