import test from 'ava';
import type { CommandContext } from '#lib/cli/command-context.js';
import { createProgram } from '#lib/cli/program.js';
import { commandLine } from '../helpers/program/command-line.js';
import { assertFailure } from '../helpers/program/outcome.js';

/** Refused before anything is connected to: nothing listens there. */
const AWAY = ['--endpoint', 'http://127.0.0.1:1'];
const RANGE = ['--stream', 'door', '--from', '-15m', ...AWAY];
const REDIS = ['--redis', 'redis://127.0.0.1:1'];
const SLICES = [...RANGE, ...REDIS];
const FOLLOW = ['submit', 'follow', ...REDIS];

/** A command line that is wrong in one place, the flag that its message is to name, and what the message says of it. */
const WRONG: readonly (readonly [args: readonly string[], flag: string, says: RegExp])[] = [
	[['work', '--redis', 'http://x'], '--redis', /redis:\/\/HOST\[:PORT\], .*, got `http:\/\/…`/],
	[['work', '--redis', 'secret'], '--redis', /rediss:\/\/…\n$/],
	[['submit', 'export', ...RANGE, '--redis', 'http://x', '-o', 'out'], '--redis', /got `http:\/\/…`/],
	[['submit', 'follow', '--redis', 'http://x', '--streams', 'door', '-o', 'out'], '--redis', /got `http/],
	[['export', ...RANGE, '--redis', 'foo', '-o', 'x.mp4'], '--redis', /redis:\/\/HOST/],
	[['follow', '--stream', 'door', '--checkpoint', 'redis://['], '--checkpoint', /got `redis:\/\/…`/],
	[['follow', '--stream', 'door', '--checkpoint', 'dynamodb://!'], '--checkpoint', /got `!`/],
	[['work', ...REDIS, '--queue', 'a b'], '--queue', /got `a b`/],
	[['work', ...REDIS, '--out', 's3://'], '--out', /`s3:\/\/BUCKET\/KEY`, .*, got `s3:\/\/`/],
	[['work', ...REDIS, '--out', 'http://x'], '--out', /got `http:\/\/x`/],
	[['work', ...REDIS, '--concurrency', '0'], '--concurrency', /got `0`/],
	[['export', ...RANGE, '-o', 's3://bad_Bucket'], '-o', /`s3:\/\/BUCKET\/KEY`, .*, got `s3:\/\/bad_Bucket`/],
	[['export', ...RANGE, '-o', 'http://x/y.mp4'], '-o', /got `http:\/\/x\/y.mp4`/],
	[['export', ...RANGE, '--raw', 's3://'], '--raw', /got `s3:\/\/`/],
	[['export', ...RANGE, '-o', 'x.avi'], '-o', /ends in one of \.mkv/],
	[['frames', ...RANGE, '-o', 's3://'], '-o', /got `s3:\/\/`/],
	[['frames', ...RANGE, '-o', 'http://x'], '-o', /got `http:\/\/x`/],
	[['images', ...RANGE, '-o', 's3://'], '-o', /got `s3:\/\/`/],
	[['follow', '--stream', 'door', ...AWAY, '-o', 's3://'], '-o', /got `s3:\/\/`/],
	[['clip', ...RANGE, '-o', 'x.mkv'], '-o', /ends in \.mp4, or - for stdout, got `x\.mkv`/],
	[['clip', ...RANGE, '-o', 's3://bucket/x.mp4'], '-o', /got `s3:\/\/bucket\/x\.mp4`/],
	[['verify', 's3://'], 'file', /got `s3:\/\/`/],
	[['submit', 'export', ...SLICES, '-o', 's3://bad_Bucket'], '-o', /got `s3:\/\/bad_Bucket`/],
	[['submit', 'frames', ...SLICES, '-o', 'http://x'], '-o', /got `http:\/\/x`/],
	[['submit', 'frames', ...SLICES, '--out', 's3://b', '-o', 'x'], '--out', /got `s3:\/\/b`/],
	[[...FOLLOW, '--streams', 'a/b', '-o', 'out'], '--streams', /got `a\/b`/],
	[[...FOLLOW, '--remove', 'a/b'], '--remove', /got `a\/b`/],
	[[...FOLLOW, '--streams', 'door', '--options', '{}', '-o', 'out'], '--options', /given with a module only/],
	[['hls', '--stream', 'door', '--mode', 'live', '--from', '-15m', ...AWAY], '--from', /`--mode live`/],
	[['hls', '--stream', 'door', '--mode', 'live-replay', ...AWAY], '--from', /`--mode live-replay`/],
	[['hls', ...RANGE, '--max-fragments', '0'], '--max-fragments', /from 1 to 5000, got `0`/],
	[['dash', ...RANGE, '--expires', '1s'], '--expires', /from 300 to 43200, got `1`/],
	[['list', '--stream', 'door', '--from', '-15m', '--endpoint', 'foo'], '--endpoint', /got `foo`/],
	[['list', ...RANGE, '--region', 'us east'], '--region', /such as `us-east-1`, got `us east`/],
	[['view', '--region', 's3://', ...AWAY], '--region', /got `s3:\/\/`/],
	[['submit', 'export', ...SLICES, '--region', '-', '-o', 'out'], '--region', /got `-`/],
	[['serve', '--region', 's3://', '--port', '0'], '--region', /got `s3:\/\/`/],
	[['serve', '--data', 's3://bucket/data', '--port', '0'], '--data', /got `s3:\/\/bucket\/data`/],
	[['serve', '--retention', '999999', '--port', '0'], '--retention', /got `999999`/],
	[['events', '--stream', 'door', '--around', '-1m', '--wait', '0s', ...AWAY], '--wait', /got `0`/],
];

test('a message names the flag that was given, what was given, and what is right', async (t) => {
	for (const [args, flag, says] of WRONG) {
		const outcome = await commandLine(args);
		const { stderr } = outcome;
		const begins = `KVS_INVALID_OPTION: expected \`${flag}\` to be `;
		t.true(stderr.startsWith(begins), `${args.join(' ')}: ${stderr}`);
		assertFailure(t, outcome, 2, says);
	}
});

test('no option takes an empty text for its default: one of each command', async (t) => {
	const program = createProgram({} as CommandContext, { exit: () => {}, print: () => {} });
	for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
		const option = command.options.findLast(({ required, optional }) => required || optional);
		if (option === undefined) continue;
		const path = command.parent === program ? [command.name()] : ['submit', command.name()];
		const words = command.name() === 'handler' ? ['submit'] : path;
		const required = command.registeredArguments.filter((argument) => argument.required).map(() => 'x.js');
		const others = command.options.filter((other) => other.mandatory && other !== option);
		const args = [...words, ...required, ...others.flatMap(({ long }) => [`${long}`, 'x'])];
		const { code, stderr } = await commandLine([...args, `${option.long}=`]);
		t.is(code, 2, `${args.join(' ')} ${option.long}: ${stderr}`);
		t.regex(
			stderr,
			new RegExp(
				`expected \`(?:${option.long}|${option.short})\` to be given with a value, got an empty string \\(is a shell variable unset\\?\\)\n$`,
			),
		);
	}
});
