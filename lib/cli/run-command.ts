import type { CommandContext } from './command-context.js';
import { describeExit, oneLine } from './exit.js';
import { createProgram } from './program.js';

/** Runs one command line, without the program's name: prints what comes of it, an error too, and resolves with the exit status. */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<number> {
	let exitCode = 0;
	let printed = '';
	const program = createProgram(context, {
		exit: (code) => {
			exitCode = code;
		},
		print: (text) => {
			printed += text;
		},
	});
	const parse = async (): Promise<void> => {
		try {
			await program.parseAsync(args, { from: 'user' });
		} finally {
			if (printed !== '') await context.terminal.writeBytes(Buffer.from(printed));
		}
	};
	try {
		await parse();
	} catch (error) {
		const described = describeExit(error);
		exitCode = described.exitCode;
		if (described.line !== null) context.terminal.say(described.line);
		if (args.includes('--verbose') && error instanceof Error) {
			const { stack = '', message } = error;
			for (const line of stack.replace(message, () => oneLine(message)).split('\n'))
				context.terminal.say(line);
		}
	}
	return exitCode;
}
