import { Command } from 'commander';

const MIN_LETTERS = 3;

/**
 * The word that may have been meant, null where none is close: by commander's own measure, so that values are suggested as
 * commands and options are. In upper or lower case is close.
 */
export function suggestionFor(text: string, words: readonly string[]): string | null {
	const sameLetters = words.find((word) => word.toLowerCase() === text.toLowerCase());
	if (sameLetters !== undefined) return sameLetters;
	// Two letters are close to anything; what begins like an option commander takes for one.
	if (text.length < MIN_LETTERS || text.startsWith('--')) return null;
	// Commander exports its measure with what it does for an unknown command only.
	const commands = new Command()
		.helpCommand(false)
		.exitOverride()
		.configureOutput({ writeErr: () => {} });
	for (const word of words) commands.command(word);
	try {
		commands.parse(['--', text], { from: 'user' });
	} catch (error) {
		const [, meant = null] = /\(Did you mean (?:one of )?([^,?]+)/.exec((error as Error).message) ?? [];
		return meant;
	}
	return null;
}
