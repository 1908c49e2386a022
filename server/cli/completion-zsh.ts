import type { CommandWords, OptionWords } from './completion-tree.ts';

/** A completion script for zsh; works sourced and as a file in `fpath`. */
export function zshCompletion(program: string, commands: readonly CommandWords[]): string {
  const name = `_${program}`;
  // "path" is PATH in zsh, hence "place".
  return `#compdef ${program}
# zsh completion for ${program}; load it with: source <(${program} completion zsh)
${name}() {
  local place="" word before="\${words[CURRENT-1]}"
  local -a described
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
      (${commands
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path.includes(' ') ? path : ` ${path}`))
        .join('|')}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place $before" in
${commands.flatMap((command) => command.options.flatMap((option) => optionCase(command, option))).join('\n')}
  esac
  case "$place" in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == ${name} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi
`;
}

function optionCase(command: CommandWords, option: OptionWords): string[] {
  if (option.value === 'none') return [];
  const patterns = option.names.map((name) => quoted(`${command.path} ${name}`)).join('|');
  const action =
    option.value === 'file'
      ? '_files; '
      : option.value === 'other'
        ? ''
        : `compadd -- ${option.value.map(quoted).join(' ')}; `;
  return [`    (${patterns}) ${action}return ;;`];
}

function commandCase({ path, commands, options, choices, takesFile }: CommandWords): string {
  const flags = options.flatMap((option) => option.names.map((name) => describedWord(name, option.meaning)));
  const words = [...commands.map((command) => describedWord(command.name, command.meaning)), ...choices.map(quoted)];
  const files = takesFile ? '; _files' : '';
  return `    (${quoted(path)})
      if [[ $PREFIX == -* ]]; then described=(${flags.join(' ')}); else described=(${words.join(' ')})${files}; fi
      (( $#described )) && _describe '' described ;;`;
}

/** \`name:meaning\` with colons in the name escaped, as _describe wants it. */
function describedWord(name: string, meaning: string): string {
  return quoted(`${name.replaceAll(':', '\\:')}:${meaning}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
