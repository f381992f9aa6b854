import type { Terminal } from './terminal.js';

/** What every command is given besides its options. */
export interface CommandContext {
	readonly terminal: Terminal;
	/** Aborted by an interrupt from outside. */
	readonly signal: AbortSignal;
	/** The time at which the command was started: what relative times count from. */
	readonly nowMs: number;
}
