import type { Option } from 'commander';
import { InvalidOptionError } from '../../errors.js';

/** Flags whose options the library calls otherwise. */
const FLAGS: Readonly<Record<string, string>> = {
	streamName: '--stream',
	file: '--output',
	directory: '--output',
	expiresIn: '--expires',
};

/** What the library's names end with, and flags do not. */
const UNIT = /(?:Ms|Bytes|Hours)$/;

/**
 * An error of a command as its caller knows it: where the library names an option, the message has the flag by which the command
 * takes it. Every other error is as it was.
 *
 * @param options - those of the command
 */
export function inFlags(error: unknown, options: readonly Option[]): unknown {
	if (!(error instanceof InvalidOptionError)) return error;
	const words = error.option.replace(UNIT, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
	const flag =
		options.find(({ long }) => long === FLAGS[error.option]) ??
		options.find(({ long }) => long === `--${words}`);
	// The short one of `--output` is what help, documents and messages have.
	const shown = flag?.short ?? flag?.long;
	if (shown !== undefined) error.message = error.message.replace(`\`${error.option}\``, `\`${shown}\``);
	return error;
}
