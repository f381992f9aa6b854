import test from 'ava';
import { Command } from 'commander';
import { inFlags, withFlags } from '#lib/cli/options/flag-names.js';
import { ArchiveError, InvalidOptionError } from '#lib/errors.js';

/** A command that was called with these arguments. */
function command(...args: string[]): Command {
	return new Command()
		.option('-o, --output <file>')
		.option('--by <clock>')
		.option('--faststart')
		.option('--ffmpeg <path>')
		.option('--gaps <what>')
		.option('--param <name=value>')
		.option('--params <json>')
		.option('--redis <url>')
		.option('--tag <name=value>')
		.option('--tls-key <file>')
		.option('--tracks <list>')
		.parse(args, { from: 'user' });
}

for (const [text, expected] of [
	['that the option `gaps` leaves out', 'that the option `--gaps` leaves out'],
	["use the option `gaps: 'close'`", 'use the option `--gaps close`'],
	['name it (option `path` of `ffmpeg()`)', 'name it (option `--ffmpeg`)'],
	['its clock (option `by`), or', 'its clock (option `--by`), or'],
	['less (option `quotas`), or share (option `limiter`)', 'less, or share (option `--redis`)'],
	['the option `quotas` of it', 'the option `quotas` of it'],
	// These may be names of streams, files and tracks.
	['ListFragments for stream `tracks` failed', 'ListFragments for stream `tracks` failed'],
	['cannot write `gaps`: track 2 `by` is ulaw', 'cannot write `gaps`: track 2 `by` is ulaw'],
] as const) {
	test(`an option of the library is the flag of the command: ${text}`, (t) => {
		t.is(withFlags(text, command()), expected);
	});
}

for (const [option, args, expected] of [
	['tracks', [], '`--tracks` to be one, got `x`'],
	['file', [], '`-o` to be one, got `x`'],
	['tags', [], '`--tag` to be one, got `x`'],
	['tags.cam-2', [], '`--tag cam-2` to be one, got `x`'],
	['params.Foo', [], '`--param Foo` to be one, got `x`'],
	['params.Foo', ['--params', '{}'], '`--params Foo` to be one, got `x`'],
	['tls.key', [], '`--tls-key` to be one, got `x`'],
	['where.site', [], '`where.site` to be one, got `x`'],
	// A flag without a value was given, whatever the library got.
	['faststart', [], '`--faststart` to be one'],
	['--faststart', [], '`--faststart` to be one'],
] as const) {
	test(`an invalid option is named by its flag: ${option} ${args.join(' ')}`, (t) => {
		const error = inFlags(new InvalidOptionError(option, 'one', 'x'), command(...args));
		t.is((error as Error).message, `expected ${expected}`);
	});
}

test('a value is never taken for the name of an option, and other errors stay unchanged', (t) => {
	const error = new InvalidOptionError('tracks', 'one', 'gaps');
	t.is((inFlags(error, command()) as Error).message, 'expected `--tracks` to be one, got `gaps`');
	const other = new ArchiveError('KVS_CLOSED', 'the archive `tracks` was closed');
	t.is((inFlags(other, command()) as Error).message, 'the archive `tracks` was closed');
});
