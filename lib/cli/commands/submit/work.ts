import {
	ArchiveWorker,
	type FollowTurn,
	type JobStream,
	type SliceAttempt,
	WorkerMetrics,
} from '../../../bullmq/index.js';
import { InvalidOptionError } from '../../../index.js';
import { counted } from '../../../wording/counted.js';
import { underName } from '../../../wording/option-name.js';
import type { CommandContext } from '../../command-context.js';
import { parseDuration } from '../../duration.js';
import { EXIT, oneLine } from '../../exit.js';
import { integerOption } from '../../integer-option.js';
import type { MetricsCommandOptions } from '../../metrics/metrics-options.js';
import { openMetrics } from '../../metrics/open-metrics.js';
import type { Terminal } from '../../terminal.js';
import { queueTrouble } from './queue-trouble.js';

/** Options of `work`. */
export interface WorkCommandOptions extends MetricsCommandOptions {
	readonly redis: string;
	readonly queue?: string;
	readonly out?: readonly string[];
	readonly handlers: string;
	readonly concurrency?: string;
	readonly streams?: string;
	readonly grace: string;
	readonly profile?: string;
	readonly ffmpeg?: string;
	readonly decoders?: string;
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
	const metrics = options.metrics === undefined ? undefined : new WorkerMetrics();
	const workerOptions = {
		url,
		name,
		out,
		handlers,
		concurrency: integerOption('--concurrency', options.concurrency),
		streams: integerOption('--streams', options.streams),
		client: { profile },
		ffmpeg,
		decoders: integerOption('--decoders', options.decoders),
		metrics,
		onTrouble: queueTrouble(terminal),
		onSlice: (attempt: SliceAttempt) => lines.slice(attempt),
		onTurn: (turn: FollowTurn) => lines.turn(turn),
	};
	const worker = underName('url', '--redis', () => new ArchiveWorker(workerOptions));
	await using _ = await openMetrics(options, metrics, terminal);
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
		const done =
			result === null
				? null
				: `${result.delivered} of ${counted(result.fragments, 'fragment')}${result.wasDone ? ', done before' : ''}`;
		this.#add({ type: 'slice', stream, from, to, result }, `${from} to ${to}: `, done, error);
	}

	/** Of turns in which there was something to do, or that failed. */
	turn({ job, result, error }: FollowTurn): void {
		if (result !== null && (result.isBusy || result.fragments === 0)) return;
		const { stream, consumer } = job;
		const done = result === null ? null : `${counted(result.fragments, 'fragment')}, ${result.failed} failed`;
		this.#add({ type: 'turn', stream, consumer, result }, 'follow: ', done, error);
	}

	#add(
		line: Readonly<Record<string, unknown>> & { readonly stream: JobStream },
		what: string,
		done: string | null,
		error: Error | null,
	): void {
		const stream = line.stream.streamName ?? line.stream.streamArn ?? '';
		const failure = error === null ? null : oneLine(error.message);
		const write = (): Promise<void> =>
			this.#isJson
				? this.#terminal.writeJson([{ ...line, stream, error: failure }])
				: this.#terminal.write([`${stream} ${what}${done ?? `failed: ${failure}`}`]);
		this.written = this.written.then(write).catch(this.#fail);
	}
}
