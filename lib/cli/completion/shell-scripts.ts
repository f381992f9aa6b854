/** Shells that have a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** The command that the scripts call with the words that were typed. */
export const CANDIDATES_COMMAND = '__candidates';

/*
 * Each hands the words on as they are, and nothing of them to `eval`. The first line of what comes is `files`, `directories` or
 * `words`; each line after it a word, a tab and what it is for.
 */

/* Also for bash 3.2, which macOS has: no mapfile and no compopt, so that files are listed where there is nothing else. */
const BASH = `# kvs-archive completion for bash: source <(kvs-archive completion bash)
_kvs_archive() {
	local kind='' line
	COMPREPLY=()
	while IFS= read -r line; do
		if [ -z "$kind" ]; then
			kind=$line
		else
			COMPREPLY+=("\${line%%$'\\t'*}")
		fi
	done < <(kvs-archive ${CANDIDATES_COMMAND} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	case $kind in
		words) compopt +o default 2>/dev/null ;;
		directories) compopt +o default -o dirnames 2>/dev/null ;;
	esac
	return 0
}
complete -o default -F _kvs_archive kvs-archive
`;

const ZSH = `#compdef kvs-archive
# kvs-archive completion for zsh: source <(kvs-archive completion zsh), after compinit
_kvs_archive() {
	local -a lines values
	local kind line
	lines=("\${(@f)$(kvs-archive ${CANDIDATES_COMMAND} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
	kind=$lines[1]
	shift lines
	case $kind in
		files) _files ;;
		directories) _files -/ ;;
		words)
			for line in $lines; do
				values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
			done
			_describe -t values value values
			;;
	esac
}
if [ "$funcstack[1]" = _kvs_archive ]; then
	_kvs_archive "$@"
else
	compdef _kvs_archive kvs-archive
fi
`;

const FISH = `# kvs-archive completion for fish: kvs-archive completion fish | source
function __kvs_archive_candidates
	set -l before (commandline -opc)
	set -e before[1]
	set -l current (commandline -ct)
	set -l lines (kvs-archive ${CANDIDATES_COMMAND} -- $before "$current" 2>/dev/null)
	switch "$lines[1]"
		case files
			__fish_complete_path "$current"
		case directories
			__fish_complete_directories "$current"
		case words
			set -e lines[1]
			printf '%s\\n' $lines
	end
end
complete -c kvs-archive -f -a '(__kvs_archive_candidates)'
`;

/** What a shell has to read to complete commands, options and their values. */
export function shellScript(shell: Shell): string {
	return { bash: BASH, zsh: ZSH, fish: FISH }[shell];
}
