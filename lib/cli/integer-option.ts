import { InvalidOptionError } from '../errors.js';

/** The whole number an option was given, undefined where it was not. Throws `InvalidOptionError` for other text. */
export function integerOption(option: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	if (!/^\d{1,15}$/.test(text)) throw new InvalidOptionError(option, 'a whole number', text);
	return Number(text);
}
