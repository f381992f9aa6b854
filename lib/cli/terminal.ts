import { once } from 'node:events';
import { SinkError } from '../errors.js';
import type { FailedFragment } from '../index.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { type Line, renderLine } from './colors.js';

/**
 * The two ends of a command: data goes to stdout, messages to stderr. The one place where lines for a person become
 * characters, so that none of them holds a control character; JSON is written as it is.
 */
export class Terminal {
	/** What becomes of a line for a person before it is written: the command that runs has its flags put into it. */
	translate: (line: string) => string = (line) => line;
	readonly #stdout: NodeJS.WriteStream;
	readonly #stderr: NodeJS.WriteStream;
	/** On a terminal only, not in CI, where output is data for a program. */
	readonly #isColored: boolean;
	#failure: unknown = null;

	constructor(stdout: NodeJS.WriteStream = process.stdout, stderr: NodeJS.WriteStream = process.stderr) {
		const { NO_COLOR, FORCE_COLOR } = process.env;
		this.#stdout = stdout;
		this.#stderr = stderr;
		this.#isColored = !NO_COLOR && (Boolean(FORCE_COLOR) || stdout.isTTY === true);
		stdout.on('error', (error) => {
			this.#failure = failureOf(error);
		});
		// A closed stderr is not a failure.
		stderr.on('error', () => {});
	}

	/**
	 * Writes lines for a person, and waits while the reader is slow. Throws `EPIPE` where the reader has gone, and `SinkError`
	 * (`KVS_SINK_FAILED`) where stdout cannot be written, as on a full disk.
	 */
	async write(lines: readonly Line[]): Promise<void> {
		const rendered = lines.map((line) => renderLine(line, { isColored: this.#isColored }));
		await this.#write(rendered.map(this.translate));
	}

	/** Writes objects as JSON Lines, likewise. */
	async writeJson(objects: readonly object[]): Promise<void> {
		await this.#write(objects.map((object) => JSON.stringify(object)));
	}

	/** Writes bytes as they are, likewise. */
	async writeBytes(bytes: Uint8Array): Promise<void> {
		await this.#put(bytes);
	}

	/** Writes a message for a person. */
	say(line: string): void {
		this.#stderr.write(`${this.translate(renderLine(line, { isColored: false }))}\n`);
	}

	/** Writes a message about each of these fragments: its failure, with its name, or a notice. */
	sayFragments(
		fragments: readonly (Pick<FailedFragment, 'fragmentNumber' | 'message'> & { readonly name?: string })[],
	): void {
		for (const { fragmentNumber, name, message } of fragments) {
			const failure = name === undefined ? '' : `${name}: `;
			this.say(`fragment ${fragmentNumber ?? 'unknown'}: ${failure}${message}`);
		}
	}

	async #write(lines: readonly string[]): Promise<void> {
		if (lines.length > 0) await this.#put(`${lines.join('\n')}\n`);
		else if (this.#failure !== null) throw this.#failure;
	}

	async #put(text: string | Uint8Array): Promise<void> {
		if (this.#failure !== null) throw this.#failure;
		const stdout = this.#stdout;
		if (stdout.write(text)) return;
		const closing = new AbortController();
		const onClose = (): void => closing.abort();
		stdout.once('close', onClose);
		try {
			// It is closed without an error where a reader that was started as a child ends.
			if (stdout.destroyed) closing.abort();
			// `once` rejects with the stream's error.
			await once(stdout, 'drain', { signal: closing.signal });
		} catch (error) {
			throw this.#failure ?? (closing.signal.aborted ? readerGone() : failureOf(error));
		} finally {
			stdout.off('close', onClose);
		}
	}
}

function failureOf(error: unknown): unknown {
	if ((error as NodeJS.ErrnoException).code === 'EPIPE') return error;
	const message = `cannot write to stdout: ${systemTrouble(error)}`;
	return new SinkError('KVS_SINK_FAILED', 'stdout', message, error);
}

function readerGone(): Error {
	return Object.assign(new Error('the reader of stdout has gone'), { code: 'EPIPE' });
}
