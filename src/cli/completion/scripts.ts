/** The hidden command that the scripts ask. */
export const askCommand = "__complete";

export type Shell = "bash" | "zsh" | "fish";

export const shells: readonly Shell[] = ["bash", "zsh", "fish"];

/** How a shell learns to complete `lightbox`. */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}

/*
 * Each script asks for candidates: `value TAB description`, one a line, then a last line that begins with a colon and
 * says what the shell adds by itself.
 */

const bash = `# bash completion of lightbox. Put this into ~/.bashrc:
#   source <(lightbox completion bash)
_lightbox() {
  local line=\${COMP_LINE:0:COMP_POINT} reply candidate ending= cut= word
  COMPREPLY=()
  while IFS= read -r reply; do
    case $reply in
      :*) ending=$reply ;;
      *) COMPREPLY+=("\${reply%%$'\\t'*}") ;;
    esac
  done < <(command lightbox ${askCommand} line -- "$line" 2>/dev/null)
  # Bash takes a word apart at = and :, and replaces the last part only.
  word=\${line##*[[:space:]]}
  if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then cut=\${word%"\${word##*=}"}; fi
  if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local colon=\${word%"\${word##*:}"}
    if (( \${#colon} > \${#cut} )); then cut=$colon; fi
  fi
  if [[ -n $cut ]]; then
    for candidate in "\${!COMPREPLY[@]}"; do COMPREPLY[candidate]=\${COMPREPLY[candidate]#"$cut"}; done
  fi
  case $ending in
    *files*) compopt -o filenames 2>/dev/null
      while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "\${word#"$cut"}") ;;
    *folders*) compopt -o filenames 2>/dev/null
      while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -d -- "\${word#"$cut"}") ;;
  esac
  if [[ $ending == *goes-on* ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _lightbox lightbox
`;

const zsh = `#compdef lightbox
# zsh completion of lightbox. Put this into ~/.zshrc, behind compinit:
#   source <(lightbox completion zsh)
_lightbox() {
  local reply ending
  local -a asked values descriptions blank
  asked=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
  while IFS= read -r reply; do
    case $reply in
      :*) ending=$reply ;;
      *) values+=("\${reply%%$'\\t'*}")
         if [[ -n \${reply#*$'\\t'} ]]; then
           descriptions+=("\${reply%%$'\\t'*}  -- \${reply#*$'\\t'}")
         else
           descriptions+=("\${reply%%$'\\t'*}")
         fi ;;
    esac
  done < <(command lightbox ${askCommand} words -- "\${(@)asked}" 2>/dev/null)
  if [[ $ending == *goes-on* ]]; then blank=(-S ''); fi
  if (( \${#values} > 0 )); then compadd -l -d descriptions "\${(@)blank}" -- "\${(@)values}"; fi
  case $ending in
    *files*) [[ $PREFIX == -*=* ]] && compset -P '*='; _files ;;
    *folders*) [[ $PREFIX == -*=* ]] && compset -P '*='; _files -/ ;;
  esac
}
compdef _lightbox lightbox
`;

const fish = `# fish completion of lightbox. Put it where fish looks for it:
#   lightbox completion fish > ~/.config/fish/completions/lightbox.fish
function __lightbox_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for reply in (command lightbox ${askCommand} words -- $words[2..-1] "$current" 2>/dev/null)
        switch $reply
            case ':*files*'
                __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
            case ':*folders*'
                __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$current") ''
            case ':*'
            case '*'
                echo $reply
        end
    end
end
complete -c lightbox -f -a '(__lightbox_complete)'
`;

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
