import type { Command } from 'commander';
import { InvalidOptionError } from '../../errors.js';

/**
 * Throws `InvalidOptionError` where an option was given an empty text, as of a shell's variable that is not set: no option has a use
 * for it, and some would take it for their default.
 */
export function checkGiven(command: Command): void {
	for (const option of command.options) {
		const value: unknown = command.getOptionValue(option.attributeName());
		if (![value].flat().includes('')) continue;
		const expected = 'given with a value, got an empty string (is a shell variable unset?)';
		throw new InvalidOptionError(option.short ?? option.long ?? option.flags, expected);
	}
}
