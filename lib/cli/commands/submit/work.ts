import { ArchiveWorker, type SliceAttempt } from '../../../bullmq/index.js';
import { InvalidOptionError } from '../../../index.js';
import type { CommandContext } from '../../command-context.js';
import { parseDuration } from '../../duration.js';
import { EXIT, oneLine } from '../../exit.js';
import { integerOption } from '../../integer-option.js';
import type { Terminal } from '../../terminal.js';
import { queueTrouble } from './queue-trouble.js';

/** Options of `work`. */
export interface WorkCommandOptions {
	readonly redis: string;
	readonly queue?: string;
	readonly out: string;
	readonly handlers: string;
	readonly concurrency?: string;
	readonly grace: string;
	readonly profile?: string;
	readonly ffmpeg?: string;
	readonly json?: true;
}

/** Does the jobs of a queue until the signal; then finishes those under way, or hands them back. */
export async function work(
	options: WorkCommandOptions,
	{ terminal, signal }: CommandContext,
): Promise<number> {
	const { redis: url, queue: name, out, handlers, profile, ffmpeg } = options;
	const graceMs = parseDuration(options.grace);
	if (graceMs === null)
		throw new InvalidOptionError('--grace', 'a length of time such as 30s', options.grace);
	const lines = new Lines(terminal, options.json === true);
	const worker = new ArchiveWorker({
		url,
		name,
		out,
		handlers,
		concurrency: integerOption('--concurrency', options.concurrency),
		client: { profile },
		ffmpeg,
		onTrouble: queueTrouble(terminal),
		onSlice: (attempt) => lines.slice(attempt),
	});
	await worker.start({ signal });
	terminal.say('waiting for jobs');
	await Promise.race([aborted(signal), lines.failed]);
	await worker.close({ graceMs });
	await lines.written;
	return EXIT.done;
}

function aborted(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener('abort', () => resolve(), { once: true });
	});
}

/** A line of each attempt, in order. */
class Lines {
	/** Rejects when stdout takes no more. */
	readonly failed: Promise<never>;
	written: Promise<void> = Promise.resolve();
	readonly #terminal: Terminal;
	readonly #isJson: boolean;
	#fail: (error: unknown) => void = () => {};

	constructor(terminal: Terminal, isJson: boolean) {
		this.#terminal = terminal;
		this.#isJson = isJson;
		this.failed = new Promise((_, reject) => {
			this.#fail = reject;
		});
		this.failed.catch(() => {});
	}

	slice({ job, result, error }: SliceAttempt): void {
		const { stream, from, to } = job;
		const name = stream.streamName ?? stream.streamArn;
		const line = (): Promise<void> => {
			if (this.#isJson) {
				const failure = error === null ? null : oneLine(error.message);
				return this.#terminal.writeJson([{ type: 'slice', stream: name, from, to, error: failure, result }]);
			}
			const what =
				result === null
					? `failed: ${oneLine(String(error?.message))}`
					: `${result.delivered} of ${result.fragments} fragments${result.wasDone ? ', done before' : ''}`;
			return this.#terminal.write([`${name} ${from} to ${to}: ${what}`]);
		};
		this.written = this.written.then(line).catch(this.#fail);
	}
}
