import type { Argument, Command, Option } from 'commander';

/** What may stand where the cursor is: files or directories, which the shell lists, or one of these words; of them maybe none. */
export type Candidates = 'files' | 'directories' | readonly Candidate[];

/** A word that may stand where the cursor is. */
export interface Candidate {
	readonly word: string;
	readonly description: string;
}

/**
 * What may come next on a command line, by the commands and options of a program.
 *
 * @param words - what was typed after the program's name, as the shell has it; the last is the one at the cursor, empty where
 *   a new one begins. bash has `--gaps=close` as three words, other shells as one
 */
export function candidatesFor(program: Command, words: readonly string[]): Candidates {
	const before = words.slice(0, -1);
	const isAssigned = before.at(-1) === '=' || words.at(-1) === '=';
	const current = words.at(-1) === '=' ? '' : (words.at(-1) ?? '');
	const { command, operands, open } = readWords(
		program,
		before.filter((word) => word !== '='),
	);
	const assigned = isAssigned ? optionOf(command, wordBefore(words)) : open;
	if (assigned !== undefined && !(assigned.optional && current.startsWith('-'))) {
		return valuesOf(assigned, current, '');
	}
	const [, flag, value = ''] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
	if (flag !== undefined) {
		const option = optionOf(command, flag);
		return option === undefined ? [] : valuesOf(option, value, `${flag}=`);
	}
	if (current.startsWith('-')) return startingWith(current, optionsOf(command));
	const argument = command.registeredArguments[operands];
	if (operands > 0 || command.commands.length === 0) {
		return argument === undefined ? [] : valuesOf(argument, current, '');
	}
	return startingWith(current, commandsOf(command));
}

/** The command that words name, how many operands it has so far, and the option whose value is still to come. */
function readWords(
	program: Command,
	words: readonly string[],
): { command: Command; operands: number; open: Option | undefined } {
	let command = program;
	let operands = 0;
	let open: Option | undefined;
	for (const word of words) {
		if (open !== undefined && !(open.optional && word.startsWith('-'))) {
			open = undefined;
			continue;
		}
		if (word.startsWith('-')) {
			const option = optionOf(command, word);
			open = option !== undefined && (option.required || option.optional) ? option : undefined;
			continue;
		}
		open = undefined;
		const next = operands > 0 ? undefined : command.commands.find((one) => one.name() === word);
		if (next !== undefined) command = next;
		else if (!(command === program && word === 'help')) operands++;
	}
	return { command, operands, open };
}

/** The option before a `=` that is a word of its own. */
function wordBefore(words: readonly string[]): string {
	return words[words.lastIndexOf('=') - 1] ?? '';
}

function optionOf(command: Command, flag: string): Option | undefined {
	return command.options.find(({ long, short }) => flag === long || flag === short);
}

function optionsOf(command: Command): Candidate[] {
	const options = command.createHelp().visibleOptions(command);
	return options.map(({ long, short, description }) => ({ word: long ?? short ?? '', description }));
}

function commandsOf(command: Command): Candidate[] {
	const commands = command.createHelp().visibleCommands(command);
	return commands.map((one) => ({ word: one.name(), description: one.description() }));
}

function valuesOf(of: Option | Argument, current: string, prefix: string): Candidates {
	if (of.argChoices !== undefined) {
		const words = of.argChoices.map((choice) => ({ word: `${prefix}${choice}`, description: '' }));
		return startingWith(`${prefix}${current}`, words);
	}
	const [, placeholder] = 'flags' in of ? (/[<[](\w+)[\]>]$/.exec(of.flags) ?? []) : ['', of.name()];
	if (placeholder === 'dir') return 'directories';
	return FILES.has(placeholder ?? '') ? 'files' : [];
}

/** What help calls a value that is a file. */
const FILES: ReadonlySet<string> = new Set(['file', 'path', 'place', 'module']);

function startingWith(text: string, candidates: readonly Candidate[]): Candidate[] {
	return candidates.filter(({ word }) => word.startsWith(text));
}
