/**
 * Completion for bash and zsh, made from the commands themselves. Pure.
 *
 * The script holds every word it offers: a press of the Tab key starts no program, and nothing that was typed is
 * ever evaluated.
 */
import type { Argument, Command } from 'commander';
import { quoted } from './shell-command.ts';

type Shell = 'bash' | 'zsh';

/** What can come after one command. */
interface Place {
  /** The commands before it: `''`, `approvals`, `approvals approve`. */
  readonly path: string;
  readonly words: readonly Word[];
  /** Options that take a value, so that it is not taken for a command. */
  readonly valued: readonly string[];
}

interface Word {
  readonly text: string;
  readonly about: string;
}

export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, '');
  switch (shell) {
    case 'bash':
      return bashScript(places);
    case 'zsh':
      return zshScript(places);
    default:
      return shell satisfies never;
  }
}

function placesOf(command: Command, path: string): Place[] {
  const children = visible(command);
  const help = command.createHelp();
  const options = [
    ...help.visibleOptions(command),
    ...(path === '' ? [] : help.visibleGlobalOptions(command)),
  ];
  return [
    {
      path,
      words: [
        ...children.map((child) => ({ text: child.name(), about: child.summary() || child.description() })),
        ...command.registeredArguments.flatMap(choicesOf),
        ...options.flatMap(({ long, short, description }) =>
          [long, short].flatMap((text) => (text ? [{ text, about: description }] : [])),
        ),
      ],
      valued: options
        .filter(({ required, optional }) => required || optional)
        .flatMap(({ long, short }) => [long, short].flatMap((text) => (text ? [text] : []))),
    },
    ...children.flatMap((child) => placesOf(child, path === '' ? child.name() : `${path} ${child.name()}`)),
  ];
}

function visible(command: Command): Command[] {
  return command.createHelp().visibleCommands(command);
}

function choicesOf({ argChoices, description }: Argument): Word[] {
  return (argChoices ?? []).map((text) => ({ text, about: description }));
}

function bashScript(places: readonly Place[]): string {
  const words = places.map(
    ({ path, words }) => `    ${quoted(path)}) echo ${quoted(words.map(({ text }) => text).join(' '))} ;;`,
  );
  return `# bash completion of signalbox
_signalbox_words() {
  case "$1" in
${words.join('\n')}
  esac
}
_signalbox_place() {
  case "$1" in
    ${places.map(({ path }) => quoted(path)).join('|')}) return 0 ;;
  esac
  return 1
}
_signalbox_valued() {
  case " ${valuedOf(places).join(' ')} " in
    *" $1 "*) return 0 ;;
  esac
  return 1
}
_signalbox() {
  local place='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if _signalbox_valued "$word"; then ((i++)); continue; fi
    if _signalbox_place "\${place:+$place }$word"; then place="\${place:+$place }$word"; fi
  done
  COMPREPLY=()
  if _signalbox_valued "\${COMP_WORDS[COMP_CWORD-1]}"; then return; fi
  local IFS=$' \\n'
  COMPREPLY=($(compgen -W "$(_signalbox_words "$place")" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _signalbox signalbox
`;
}

function zshScript(places: readonly Place[]): string {
  const words = places.map(({ path, words }) => {
    const described = words.map(({ text, about }) =>
      quoted(`${text.replaceAll(':', '\\:')}:${oneLine(about)}`),
    );
    return `    ${quoted(path)}) reply=(${described.join(' ')}) ;;`;
  });
  return `#compdef signalbox
# zsh completion of signalbox
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_signalbox_words() {
  reply=()
  case "$1" in
${words.join('\n')}
  esac
}
_signalbox() {
  local place='' word
  local -a reply valued
  local -i i
  valued=(${valuedOf(places).map(quoted).join(' ')})
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if (( $valued[(Ie)$word] )); then ((i++)); continue; fi
    _signalbox_words "\${place:+$place }$word"
    if (( $#reply )); then place="\${place:+$place }$word"; fi
  done
  if (( $valued[(Ie)$words[CURRENT-1]] )); then _files; return; fi
  _signalbox_words "$place"
  _describe 'signalbox' reply
}
compdef _signalbox signalbox
`;
}

function valuedOf(places: readonly Place[]): string[] {
  return [...new Set(places.flatMap(({ valued }) => valued))];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
