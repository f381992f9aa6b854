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
 * An error of a command as its caller knows it: where the library names options, the message has the flags by which the command
 * takes them. Every other error is as it was.
 *
 * @param options - those of the command
 */
export function inFlags(error: unknown, options: readonly Option[]): unknown {
	if (!(error instanceof InvalidOptionError)) return error;
	// What was given is left as it is.
	const [expected = '', ...given] = error.message.split(', got ');
	const named = expected.replace(/`([A-Za-z]+)`/g, (text, name: string) => flagOf(name, options) ?? text);
	error.message = [named, ...given].join(', got ');
	return error;
}

function flagOf(name: string, options: readonly Option[]): string | undefined {
	const words = name.replace(UNIT, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
	const flag =
		options.find(({ long }) => long === FLAGS[name]) ?? options.find(({ long }) => long === `--${words}`);
	// The short one of `--output` is what help, documents and messages have.
	const shown = flag?.short ?? flag?.long;
	return shown && `\`${shown}\``;
}
