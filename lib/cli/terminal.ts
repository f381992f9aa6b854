import { once } from 'node:events';

/** The two ends of a command: data goes to stdout, everything said to a person to stderr. */
export class Terminal {
	readonly #stdout: NodeJS.WriteStream;
	readonly #stderr: NodeJS.WriteStream;
	#failure: Error | null = null;

	constructor(stdout: NodeJS.WriteStream = process.stdout, stderr: NodeJS.WriteStream = process.stderr) {
		this.#stdout = stdout;
		this.#stderr = stderr;
		stdout.on('error', (error) => {
			this.#failure = error;
		});
		// A person who does not listen is no failure.
		stderr.on('error', () => {});
	}

	/** Writes lines of data, and waits while the reader is slow. Throws `EPIPE` where the reader has gone. */
	async write(lines: readonly string[]): Promise<void> {
		if (this.#failure !== null) throw this.#failure;
		if (lines.length === 0 || this.#stdout.write(`${lines.join('\n')}\n`)) return;
		// `once` rejects with the stream's error.
		await once(this.#stdout, 'drain');
	}

	/** Writes objects as JSON Lines. */
	async writeJson(objects: readonly object[]): Promise<void> {
		await this.write(objects.map((object) => JSON.stringify(object)));
	}

	/** Says a line to a person. */
	say(line: string): void {
		this.#stderr.write(`${line}\n`);
	}
}
