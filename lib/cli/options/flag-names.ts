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
	limiter: ['--redis'],
	name: ['--queue'],
	params: ['--param'],
	tags: ['--tag'],
	timeoutMs: ['--wait'],
	'tls.cert': ['--tls-cert'],
	'tls.key': ['--tls-key'],
};

/** What the library's names end with, and flags do not. */
const UNIT = /(?:Ms|Bytes|Hours)$/;

/** A name of the library in a message about options, alone, with a member or with a value: `mode`, `tags.site`, `mode: 'live'`. */
const NAME = /`([A-Za-z]+)(?:\.([^`]+))?(?:: '([^'`]*)')?`/g;

/**
 * The same in any other message, where a file or a stream may have such a name: there the library says `option` before it, and
 * may put all of it in brackets.
 */
const OPTION = /( \()?\boption `([A-Za-z]+)(?:: '([^'`]*)')?`(?: of `(\w+)\(\)`)?(\))?/g;

/**
 * The error of a command as its caller knows it: where the library says which option is invalid, the message has the flags by
 * which the command takes it. Every other error is as it was: {@link withFlags} is for these.
 *
 * @param command - that ran
 */
export function inFlags(error: unknown, command: Command): unknown {
	if (!(error instanceof InvalidOptionError)) return error;
	// What was given is left as it is.
	const [expected = '', ...given] = error.message.split(', got ');
	const named = expected.replace(NAME, (text, name: string, member?: string, value?: string) => {
		const whole = member === undefined ? undefined : flagOf(`${name}.${member}`, command);
		if (whole !== undefined) return `\`${nameOf(whole)}\``;
		const flag = flagOf(name, command);
		return flag === undefined ? text : inBackticks(nameOf(flag), member, value);
	});
	const { option } = error;
	const flag = command.options.find(({ long }) => long === option) ?? flagOf(option, command);
	// One that takes no value is given, and that is all.
	const takesValue = flag === undefined || flag.required || flag.optional;
	error.message = [named, ...(takesValue ? given : [])].join(', got ');
	return error;
}

/**
 * Any other text of the library as the caller of a command knows it: ``the option `gaps` `` becomes ``the option `--gaps` ``.
 * What stands in brackets about an option that the command does not have is left out.
 */
export function withFlags(text: string, command: Command): string {
	return text.replace(
		OPTION,
		(whole, open: string | undefined, name: string, value?: string, of?: string, close?: string) => {
			const flag = flagOf(of ?? name, command);
			if (flag !== undefined) return `${open ?? ''}option ${inBackticks(nameOf(flag), value)}${close ?? ''}`;
			return open !== undefined && close !== undefined ? '' : whole;
		},
	);
}

function flagOf(name: string, command: Command): Option | undefined {
	const words = name.replace(UNIT, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
	const flags = [...(FLAGS[name] ?? []), `--${words}`].flatMap((flag) =>
		command.options.filter(({ long }) => long === flag),
	);
	const isGiven = (flag: Option): boolean => command.getOptionValueSource(flag.attributeName()) === 'cli';
	return flags.find(isGiven) ?? flags[0];
}

/** The short one of `--output` is what help, documents and messages have. */
function nameOf({ short, long, flags }: Option): string {
	return short ?? long ?? flags;
}

function inBackticks(...words: readonly (string | undefined)[]): string {
	return `\`${words.filter((word) => word !== undefined).join(' ')}\``;
}
