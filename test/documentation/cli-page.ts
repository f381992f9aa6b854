import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { createProgram } from '#lib/cli/program.js';
import { Terminal } from '#lib/cli/terminal.js';

/** Stands in docs/cli.md after what is written by hand. */
const MARK = '<!-- What follows is written by `npm run docs`. -->';

/** Columns of the help on the page. */
const WIDTH = 120;

/** docs/cli.md: what is written by hand as it is, and after it the help of every command. */
export async function cliPage(): Promise<string> {
	const [written = ''] = (await readFile('docs/cli.md', 'utf8')).split(MARK);
	const context = {
		terminal: new Terminal(process.stdout, process.stderr),
		signal: new AbortController().signal,
		nowMs: 0,
	};
	const { commands } = createProgram(context, { exit: () => {}, print: () => {} });
	// Hidden ones begin like this: they are for scripts of our own.
	const shown = commands.filter((command) => !command.name().startsWith('_'));
	const helps = shown
		.flatMap((command) => [command, ...command.commands])
		.map((command) => `### ${titleOf(command)}\n\n\`\`\`\n${helpOf(command)}\`\`\`\n`);
	return `${written}${MARK}\n\n## Every command\n\n${helps.join('\n')}`;
}

/** `submit export`; what is called without its name has that of a file in place of it. */
function titleOf(command: Command): string {
	const { parent } = command;
	if (parent === null || parent.parent === null) return command.name();
	return `${parent.name()} ${command.name() === 'handler' ? 'HANDLER.js' : command.name()}`;
}

/** All that `--help` prints. */
function helpOf(command: Command): string {
	let help = '';
	command.configureHelp({ ...command.configureHelp(), helpWidth: WIDTH });
	command.configureOutput({ writeOut: (text) => (help += text) });
	command.outputHelp();
	return help;
}
