import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { CommandContext } from '#lib/cli/command-context.js';
import { candidatesFor } from '#lib/cli/completion/candidates.js';
import { SHELLS } from '#lib/cli/completion/shell-scripts.js';
import { createProgram } from '#lib/cli/program.js';
import { commandLine } from '../helpers/program/command-line.js';
import { main } from '../helpers/program/main-process.js';
import { assertFailure } from '../helpers/program/outcome.js';
import { writeShellProgram } from '../helpers/program/shell-program.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const program = createProgram({} as CommandContext, { exit: () => {}, print: () => {} });

const candidates = (...words: string[]): string | readonly string[] => {
	const found = candidatesFor(program, words);
	return typeof found === 'string' ? found : found.map(({ word }) => word);
};

test('completes the commands, options and values of the program', (t) => {
	t.deepEqual(candidates('li'), ['list']);
	t.deepEqual(candidates('help', 'verif'), ['verify']);
	t.deepEqual(candidates('list', '--fr'), ['--from']);
	t.deepEqual(candidates('list', '--by', ''), ['server', 'producer']);
	t.deepEqual(candidates('list', '--by=pro'), ['--by=producer']);
	t.deepEqual(candidates('list', '--by', '=', 'pro'), ['producer']);
	t.deepEqual(candidates('list', '--by', '='), ['server', 'producer']);
	t.deepEqual(candidates('list', '--by', 'server', '--nothing', '--js'), ['--json']);
	t.deepEqual(candidates('list', '--nothing=', ''), []);
	t.deepEqual(candidates('submit', 'ex'), ['export']);
	t.deepEqual(candidates('submit', 'export', '--gaps', 'c'), ['close']);
	t.deepEqual(candidates('completion', ''), [...SHELLS]);
	t.deepEqual(candidates('nothing', 'li'), []);
	t.is(candidates('inspect', ''), 'files');
	t.is(candidates('export', '-o', ''), 'files');
	t.is(candidates('export', '--raw', 'x'), 'files');
	t.deepEqual(candidates('export', '--raw', '--fas'), ['--faststart']);
	t.is(candidates('frames', '--output', ''), 'directories');
	t.deepEqual(candidates('list', '--from', ''), []);
	t.deepEqual(candidates('list', ''), []);
	t.true(candidates('').includes('serve'));
	t.false(candidates('').includes('__candidates'));
	t.deepEqual(candidates(), candidates(''));
});

test('every option and every command is found from its first letters on', (t) => {
	for (const command of program.commands.filter((one) => !one.name().startsWith('_'))) {
		t.true(candidates(command.name().slice(0, 2)).includes(command.name()));
		for (const { long, hidden } of command.options) {
			if (!hidden && long) t.true(candidates(command.name(), long.slice(0, 4)).includes(long), long);
		}
	}
});

test('a shell that has no script is refused', async (t) => {
	assertFailure(
		t,
		await commandLine(['completion', 'bahs']),
		2,
		/to be bash, zsh or fish, got `bahs`; did you mean `bash`\?/,
	);
});

/** What each shell does with its script and the words that were typed: prints the candidates, a line each. */
const asks = {
	bash: (words: readonly string[]) =>
		`source <(kvs-archive completion bash); COMP_WORDS=(${quoted(['kvs-archive', ...words])}); ` +
		`COMP_CWORD=${words.length}; _kvs_archive; printf '%s\n' "\${COMPREPLY[@]}"`,
	// Its own lists need a terminal: what would be listed is printed in their place.
	zsh: (words: readonly string[]) =>
		`compdef() { :; }; _describe() { print -l -- \${\${(P)4}%%:*}; }; source <(kvs-archive completion zsh); ` +
		`words=(${quoted(['kvs-archive', ...words])}); CURRENT=$#words; _kvs_archive`,
	fish: (words: readonly string[]) =>
		`kvs-archive completion fish | source; complete -C '${['kvs-archive', ...words].join(' ')}' | cut -f 1`,
} as const;

for (const shell of SHELLS) {
	const isThere = spawnSync(shell, ['-c', 'true']).status === 0;
	(isThere ? test : test.skip)(`${shell} completes by its script`, async (t) => {
		const ask = await asking(t, shell);
		t.deepEqual(await ask(['lis']), ['list']);
		t.deepEqual(await ask(['export', '--gaps', '']), ['close', 'fill', 'keep']);
		t.deepEqual(await ask(['list', '--verb']), ['--verbose']);
		// Nothing of what was typed is run.
		if (shell === 'bash') t.deepEqual(await ask(['list', '$(echo --json)']), ['']);
	});
}

async function asking(
	t: ExecutionContext,
	shell: (typeof SHELLS)[number],
): Promise<(words: readonly string[]) => Promise<string[]>> {
	const directory = await temporaryDirectory(t);
	const program = join(directory, 'kvs-archive');
	writeShellProgram(program, `exec '${process.execPath}' '${main}' "$@"`);
	const env = { PATH: `${directory}${delimiter}${process.env['PATH']}` };
	return async (words) => {
		const { code, stdout, stderr } = await run(shell, ['-c', asks[shell](words)], { env });
		t.is(code, 0, stderr);
		return stdout.replace(/\n$/, '').split('\n').toSorted();
	};
}

function quoted(words: readonly string[]): string {
	return words.map((word) => `'${word}'`).join(' ');
}
