import { GENERAL_FLAGS, type CompletedCommand, type Values } from './words';

/** For bash 3.2 (macOS) and later. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const cases = commands.flatMap((command) => [
    ...command.options.flatMap(({ flag, values }) =>
      values === undefined ? [] : [`    "${command.name} ${flag}") ${offer(values)} ;;`],
    ),
  ]);
  const flags = commands.map(
    ({ name, options }) => `    ${name}) flags="${options.map(({ flag }) => flag).join(' ')}" ;;`,
  );
  const operands = commands.map(({ name, operands: list }) => {
    const words = [...new Set(list.flatMap((operand) => operand.words))].join(' ');
    const files = list.some((operand) => operand.words.length === 0 || operand.name === 'MODEL');
    return `    ${name}) operands="${words}" files=${files ? 'yes' : ''} ;;`;
  });
  const general = [...commands.map(({ name }) => name), 'help', ...GENERAL_FLAGS.map(({ flag }) => flag)].join(' ');
  return `# bash completion of moescope: source <(moescope completion bash)
_moescope() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="" flags="" operands="" files="" i
  local IFS=$' \\t\\n'
  COMPREPLY=()
  if [ "$cur" = "=" ]; then cur=""
  elif [ "$prev" = "=" ]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
    -*) ;;
    *) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  if [ -z "$command" ]; then
    COMPREPLY=($(compgen -W "${general}" -- "$cur"))
    return
  fi
  if [ "$command" = "help" ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$cur"))
    return
  fi
  case "$command $prev" in
${cases.join('\n')}
  esac
  case "$command" in
${flags.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  fi
  case "$command" in
${operands.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$operands" -- "$cur"))
  [ -n "$files" ] && _moescope_files -f
}
_moescope_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen "$1" -- "$cur"))
}
complete -F _moescope moescope
`;
}

function offer(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `COMPREPLY=($(compgen -W "${values.words.join(' ')}" -- "$cur")); return`;
    case 'file':
      return '_moescope_files -f; return';
    case 'folder':
      return '_moescope_files -d; return';
    case 'text':
      return 'return';
  }
}
