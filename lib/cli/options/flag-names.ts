import type { Command, Option } from 'commander';
import { InvalidOptionError } from '../../errors.js';

/** Flags whose options the library calls otherwise: the first that the command was given. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
	streamName: ['--stream', '--streams', '--remove'],
	file: ['--output', '--raw'],
	folder: ['--output'],
	directory: ['--output'],
	dataDirectory: ['--data'],
	expiresIn: ['--expires'],
	name: ['--queue'],
	timeoutMs: ['--wait'],
};

/** What the library's names end with, and flags do not. */
const UNIT = /(?:Ms|Bytes|Hours)$/;

/** A name of the library in a message, alone or with a value: `mode`, `mode: 'live'`. */
const NAME = /`([A-Za-z]+)(?:: '([^'`]*)')?`/g;

/**
 * An error of a command as its caller knows it: where the library names options, the message has the flags by which the command
 * takes them. Every other error is as it was.
 *
 * @param command - that ran
 */
export function inFlags(error: unknown, command: Command): unknown {
	if (!(error instanceof InvalidOptionError)) return error;
	// What was given is left as it is.
	const [expected = '', ...given] = error.message.split(', got ');
	const named = expected.replace(NAME, (text, name: string, value: string | undefined) => {
		const flag = flagOf(name, command);
		return flag === undefined ? text : `\`${[flag, value].filter((word) => word !== undefined).join(' ')}\``;
	});
	error.message = [named, ...given].join(', got ');
	return error;
}

function flagOf(name: string, command: Command): string | undefined {
	const words = name.replace(UNIT, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
	const flags = [...(FLAGS[name] ?? []), `--${words}`].flatMap((flag) =>
		command.options.filter(({ long }) => long === flag),
	);
	const isGiven = (flag: Option): boolean => command.getOptionValueSource(flag.attributeName()) === 'cli';
	const flag = flags.find(isGiven) ?? flags[0];
	// The short one of `--output` is what help, documents and messages have.
	return flag?.short ?? flag?.long;
}
