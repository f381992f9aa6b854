import test from 'ava';
import type { CommandContext } from '#lib/cli/command-context.js';
import { suggestionFor } from '#lib/cli/options/suggestion.js';
import { createProgram } from '#lib/cli/program.js';
import { commandLine } from '../helpers/program/command-line.js';
import { kvsProcess } from '../helpers/program/main-process.js';
import { assertFailure } from '../helpers/program/outcome.js';

test('without a command it prints its help, and that a command is missing', async (t) => {
	const { code, stdout, stderr } = await kvsProcess([]);
	t.is(code, 2);
	t.is(stdout, (await kvsProcess(['--help'])).stdout);
	t.regex(stdout, /^Usage: kvs-archive .*\n {2}serve .*\n/s);
	t.is(stderr, 'KVS_USAGE: no command given\n');
});

const RANGE = ['--stream', 'door', '--from', '-15m'];

const suggests = test.macro({
	exec: async (t, args: readonly string[], end: RegExp) => assertFailure(t, await commandLine(args), 2, end),
	title: (_, args: readonly string[]) => `did you mean: ${args.join(' ')}`,
});

test(suggests, ['lst'], /^KVS_USAGE: unknown command 'lst' \(Did you mean list\?\)\n$/);
test(suggests, ['list', '--form', 'now'], /^KVS_USAGE: unknown option '--form' \(Did you mean --from\?\)\n$/);
test(
	suggests,
	['list', ...RANGE, '--by', 'produccer'],
	/ `--by` to be server or producer, got `produccer`; did you mean `producer`\?\n$/,
);
test(suggests, ['list', ...RANGE, '--by', 'moon'], / `--by` to be server or producer, got `moon`\n$/);
test(suggests, ['frames', ...RANGE, '-o', 'x', '--format', 'JPG'], / `--format` .*; did you mean `jpg`\?\n$/);
test(suggests, ['hls', '--stream', 'door', '--mode', 'on-demnad'], /; did you mean `on-demand`\?\n$/);
test(suggests, ['export', ...RANGE, '-o', 'x.mp4', '--gaps', 'klose'], /; did you mean `close`\?\n$/);
test(suggests, ['serve', '--quotas', 'awz'], /; did you mean `aws`\?\n$/);
test(suggests, ['presign', 'GetClip', '--method', 'put'], / `--method` to be GET or POST, got `put`\n$/);

test(suggests, ['submit', 'exprot'], /^KVS_USAGE: unknown command 'exprot' \(Did you mean export\?\)\n$/);
test(
	suggests,
	['submit', 'cameras', ...RANGE],
	/^KVS_USAGE: unknown command 'cameras' \(expected export, frames, follow or a module, HANDLER\.js\)\n$/,
);
test(
	suggests,
	['hls', '--stream', 'door', '--endpoint', 'http://127.0.0.1:1', '--expires', '1s'],
	/ `--expires` to be /,
);

test('suggestions work for a word that looks like an option, or like several words', (t) => {
	t.is(suggestionFor('--json', ['json', 'text']), null);
	t.is(suggestionFor('no', ['on', 'off']), null);
	t.is(suggestionFor('ON', ['on', 'off']), 'on');
	t.is(suggestionFor('', ['on', 'off']), null);
	t.is(suggestionFor('of course', ['on', 'off']), null);
	t.is(suggestionFor('hlep', ['live', 'replay']), null);
});

test('help says what every option takes and is by default, in words', (t) => {
	const context = {} as CommandContext;
	const program = createProgram(context, { exit: () => {}, print: () => {} });
	const all = [program, ...program.commands.flatMap((command) => [command, ...command.commands])];
	for (const command of all) {
		const help = command.helpInformation();
		t.notRegex(help, /\[\]|undefined|\[object|""/, command.name());
		for (const { argChoices, defaultValue, flags } of command.options) {
			if (argChoices === undefined || defaultValue === undefined) continue;
			t.true(argChoices.includes(defaultValue), `${command.name()} ${flags}`);
		}
	}
});
