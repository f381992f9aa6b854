import type { Command } from 'commander';
import { choiceArgument } from '../options/choice-option.js';
import { candidatesFor } from './candidates.js';
import { CANDIDATES_COMMAND, SHELLS, type Shell, shellScript } from './shell-scripts.js';

/**
 * Adds `completion`, and the hidden command that its scripts call: what they complete is what the program has.
 *
 * @param print - called with what they print
 */
export function addCompletion(program: Command, print: (text: string) => void): void {
	program
		.command('completion')
		.addArgument(choiceArgument('shell', 'whose script to print', SHELLS))
		.description('print what a shell reads to complete commands, options and their values')
		.addHelpText(
			'after',
			`
To have it in every shell:
  bash  echo 'source <(kvs-archive completion bash)' >> ~/.bashrc
  zsh   echo 'source <(kvs-archive completion zsh)' >> ~/.zshrc     (after compinit)
  fish  kvs-archive completion fish > ~/.config/fish/completions/kvs-archive.fish`,
		)
		.action((shell: Shell) => print(shellScript(shell)));

	program
		.command(CANDIDATES_COMMAND, { hidden: true })
		.argument('[words...]')
		.action((words: readonly string[]) => {
			const candidates = candidatesFor(program, words);
			if (typeof candidates === 'string') return print(`${candidates}\n`);
			const lines = candidates.map(({ word, description }) => `${word}\t${description}`);
			return print(['words', ...lines, ''].join('\n'));
		});
}
