import type { CommandWords, OptionWords } from './completion-tree.ts';

/** A completion script for bash 4 or later; needs no bash-completion package. */
export function bashCompletion(program: string, commands: readonly CommandWords[]): string {
  const name = `_${program.replaceAll('-', '_')}`;
  return `# bash completion for ${program}; load it with: source <(${program} completion bash)
${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" word
  local -a middle=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  for word in "\${middle[@]}"; do
    case "$path $word" in
      ${pathPatterns(commands)}) path="\${path:+$path }$word" ;;
    esac
  done
  COMPREPLY=()
  case "$path $before" in
${commands.flatMap((command) => command.options.flatMap((option) => optionCase(command, option))).join('\n')}
  esac
  case "$path" in
${commands.map(commandCase).join('\n')}
  esac
}
complete -F ${name} ${program}
`;
}

/** Every path with its last word apart, as the loop meets them. */
function pathPatterns(commands: readonly CommandWords[]): string {
  return commands
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path.includes(' ') ? path : ` ${path}`))
    .join('|');
}

function optionCase(command: CommandWords, option: OptionWords): string[] {
  if (option.value === 'none') return [];
  const patterns = option.names.map((name) => quoted(`${command.path} ${name}`)).join('|');
  const action =
    option.value === 'file'
      ? 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); '
      : option.value === 'other'
        ? ''
        : `${reply(option.value)}; `;
  return [`    ${patterns}) ${action}return ;;`];
}

function commandCase({ path, commands, options, choices, takesFile }: CommandWords): string {
  const words = [...commands.map((command) => command.name), ...choices];
  const flags = options.flatMap((option) => option.names);
  const files = takesFile ? 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")' : reply(words);
  return `    ${quoted(path)}) if [[ $current == -* ]]; then ${reply(flags)}; else ${files}; fi ;;`;
}

function reply(words: readonly string[]): string {
  return `mapfile -t COMPREPLY < <(compgen -W ${quoted(words.join(' '))} -- "$current")`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
