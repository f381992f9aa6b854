import { CommanderError } from 'commander';
import { ArchiveError, InvalidOptionError } from '../errors.js';

/** What the process says with its exit status. */
export const EXIT = {
	done: 0,
	failed: 1,
	usage: 2,
	incomplete: 3,
	hungUp: 129,
	interrupted: 130,
	terminated: 143,
} as const;

/** Reason of the signal that an interrupt from outside aborts. */
export class Interruption extends Error {
	override name = 'Interruption' as const;
	readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP';
	readonly exitCode: number;

	constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
		super(`interrupted by ${signal}`);
		this.signal = signal;
		this.exitCode = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp }[signal];
	}
}

/** What an error ends the process with, and the one line that is said of it; no line for an end that needs no word. */
export function describeExit(error: unknown): { exitCode: number; line: string | null } {
	if (error instanceof Interruption)
		return { exitCode: error.exitCode, line: `KVS_INTERRUPTED: ${error.message}` };
	if (error instanceof CommanderError) {
		if (error.exitCode === 0) return { exitCode: EXIT.done, line: null };
		// For no command at all commander prints the help, which it calls an error without a message.
		const message = error.code === 'commander.help' ? 'no command given' : error.message;
		return { exitCode: EXIT.usage, line: `KVS_USAGE: ${oneLine(message.replace(/^error: /, ''))}` };
	}
	const { code, message } = error as { code?: unknown; message?: unknown };
	// The reader of our output has closed it, which is not a failure.
	if (code === 'EPIPE') return { exitCode: EXIT.done, line: null };
	if (error instanceof ArchiveError) {
		const exitCode = error instanceof InvalidOptionError ? EXIT.usage : EXIT.failed;
		return { exitCode, line: `${error.code}: ${oneLine(error.message)}` };
	}
	const name = typeof code === 'string' ? code : 'KVS_INTERNAL';
	// What Node says begins with the code.
	const text = oneLine(String(message ?? error)).replace(`${name}: `, '');
	return { exitCode: EXIT.failed, line: `${name}: ${text}` };
}

/** A text of several lines as one. */
export function oneLine(text: string): string {
	return text.replace(/\s+/g, ' ').trim();
}
