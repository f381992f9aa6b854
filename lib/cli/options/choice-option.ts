import { Argument, Option } from 'commander';
import { InvalidOptionError } from '../../errors.js';
import { suggestionFor } from './suggestion.js';

/** What a choice is where it is not given: a word that the command gets, or one that only help shows. */
type DefaultChoice = string | { readonly shown: string };

/**
 * An option that takes one of a few words, which help and completion show. Another one throws `InvalidOptionError`, which says
 * what there is, and which of it may have been meant.
 *
 * @param flags - as commander reads them, `--by <clock>`
 */
export function choiceOption(
	flags: string,
	description: string,
	words: readonly string[],
	byDefault?: DefaultChoice,
): Option {
	const option = new Option(flags, description).choices(words);
	if (typeof byDefault === 'string') option.default(byDefault);
	if (typeof byDefault === 'object') option.default(undefined, byDefault.shown);
	// An empty text is refused as of every option: by `checkGiven`.
	return option.argParser((text) => (text === '' ? text : checkChoice(option.long ?? flags, words, text)));
}

/** An argument that takes one of a few words, likewise. */
export function choiceArgument(name: string, description: string, words: readonly string[]): Argument {
	return new Argument(`<${name}>`, description)
		.choices(words)
		.argParser((text) => checkChoice(name, words, text));
}

function checkChoice(flag: string, words: readonly string[], text: string): string {
	if (words.includes(text)) return text;
	const error = new InvalidOptionError(flag, new Intl.ListFormat('en-GB', LIST).format(words), text);
	const meant = suggestionFor(text, words);
	if (meant !== null) error.message += `; did you mean \`${meant}\`?`;
	throw error;
}

const LIST = { type: 'disjunction', style: 'long' } as const;
