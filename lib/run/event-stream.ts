import { channel } from 'node:diagnostics_channel';
import type { Readable } from 'node:stream';
import { FragmentError } from '../errors.js';
import type { MediaEvent, RunEvent } from '../model/media-event.js';
import type { Progress } from '../model/progress.js';
import type { RunSummary } from '../model/run-summary.js';
import { Stage, type StageOptions } from '../stream/stage.js';
import type { RunCounter } from './run-counter.js';

/**
 * The events of a run: a Readable in object mode, typed in `for await`. Leaving the loop early is a normal end and closes
 * everything upstream.
 */
export interface EventStream<E = MediaEvent> extends Readable {
	[Symbol.asyncIterator](): NodeJS.AsyncIterator<E>;
	/** The same events in the arrays in which they were made, which costs less for each. Use one or the other. */
	batches(): AsyncIterable<E[]>;
	/** The result of the run. Resolves when it has ended, also with an error; never rejects. */
	readonly summary: Promise<RunSummary>;
}

/** The end of every run of the process, for tracing: its summary, and the error it ended with, if any. */
const runChannel = channel('kvs-archive:run');

/** Options of {@link RunOutput}. */
export interface RunOutputOptions<E> extends Pick<StageOptions, 'readableHighWaterMark'> {
	readonly counter: RunCounter;
	/** Selects what goes out of a batch of events. */
	readonly pick: (events: readonly RunEvent[]) => E[];
	/** Ends the run with a {@link FragmentError} at the first failure. */
	readonly strict: boolean;
	/** Called at most twice a second, and at the end. */
	readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** Least time between two reports of progress, in milliseconds. */
const PROGRESS_INTERVAL_MS = 500;

/** The last stage of a run: counts events and hands them to the caller. */
export class RunOutput<E> extends Stage<readonly RunEvent[], E> implements EventStream<E> {
	readonly summary: Promise<RunSummary>;
	readonly #options: RunOutputOptions<E>;
	#nextProgressMs = PROGRESS_INTERVAL_MS;
	#resolveSummary: (summary: RunSummary) => void = () => {};

	constructor(options: RunOutputOptions<E>) {
		super(options);
		this.#options = options;
		this.summary = new Promise((resolve) => {
			this.#resolveSummary = resolve;
		});
	}

	override [Symbol.asyncIterator](): NodeJS.AsyncIterator<E> {
		return super[Symbol.asyncIterator]();
	}

	protected override *process(events: readonly RunEvent[]): Generator<E[]> {
		const { counter, pick, strict } = this.#options;
		for (const [index, event] of events.entries()) {
			counter.event(event);
			if (strict && event.type === 'fragment-failure') {
				yield pick(events.slice(0, index));
				throw new FragmentError(event.fragmentNumber, event.message, event.retryable);
			}
		}
		yield pick(events);
		this.#report();
	}

	protected override finish(): E[][] {
		this.#options.onProgress?.(this.#options.counter.progress());
		return [];
	}

	#report(): void {
		const { counter, onProgress } = this.#options;
		if (onProgress === undefined || counter.elapsedMs < this.#nextProgressMs) return;
		this.#nextProgressMs = counter.elapsedMs + PROGRESS_INTERVAL_MS;
		onProgress(counter.progress());
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		const summary = this.#options.counter.summary();
		runChannel.publish({ summary, error });
		this.#resolveSummary(summary);
		super._destroy(error, callback);
	}
}

/** Picks the events that a caller sees, in an array of its own. */
export function publicEvents(events: readonly RunEvent[]): MediaEvent[] {
	return events.filter((event) => event.type !== 'fragment-skipped');
}

/** Picks all events, in an array of the caller's own. */
export function allEvents(events: readonly RunEvent[]): RunEvent[] {
	return [...events];
}
