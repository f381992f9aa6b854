import { Readable } from 'node:stream';
import { InvalidOptionError } from '../errors.js';
import type { CaughtUp } from '../list/follow-source.js';
import type { MediaEvent, RunEvent } from '../model/media-event.js';
import type { RunSummary } from '../model/run-summary.js';
import type { Clock } from '../pace/clock.js';
import type { EventStream } from '../run/event-stream.js';
import { CaughtUpEvent } from './caught-up-event.js';
import { type Checkpoint, CheckpointKeeper, type CheckpointStore } from './checkpoint.js';
import type { FollowPosition } from './follow-position.js';
import { fragmentOver } from './fragment-over.js';
import type { GivenFragment } from './live-follow-source.js';

/** What a follower gives out. */
export type FollowEvent = MediaEvent | CaughtUpEvent;

/** The run under a {@link FollowStream}, from where it is to begin. */
export type OpenFollowRun = (
	start: Pick<CheckpointKeeper, 'fromMs' | 'done'>,
	listen: {
		readonly onGiven: (fragments: readonly GivenFragment[]) => void;
		readonly onCaughtUp: (caughtUp: CaughtUp) => void;
	},
) => EventStream<RunEvent>;

/** What a {@link FollowStream} is made of. */
export interface FollowStreamParts {
	readonly open: OpenFollowRun;
	/** Where it begins without a checkpoint, epoch milliseconds. */
	readonly fromMs: number;
	readonly store: CheckpointStore | null;
	/** What the checkpoint is kept under. */
	readonly key: string;
	readonly isManual: boolean;
	/** Whether it ends with the first `caught-up`. */
	readonly endsCaughtUp: boolean;
	readonly clock: Clock;
	/** Where it has come to; kept up to date here. */
	readonly position: FollowPosition;
}

/**
 * The events of a stream without end: a Readable in object mode, typed in `for await`. Leaving the loop early is a normal end.
 *
 * A fragment is done when the loop asks for what comes after its `fragment-end` (or after its failure, where it has none), or,
 * with `ack: 'manual'`, when {@link ack} was called with its number; then the checkpoint moves past it, before anything else is given out.
 */
export class FollowStream extends Readable implements EventStream<FollowEvent> {
	readonly summary: Promise<RunSummary>;
	readonly #parts: FollowStreamParts;
	readonly #events: AsyncGenerator<(RunEvent | CaughtUpEvent)[], void, undefined>;
	#run: EventStream<RunEvent> | null = null;
	#keeper: CheckpointKeeper | null = null;
	#finished = 0;
	#caughtUp: CaughtUp | null = null;
	#saidAt = -1;
	/** Whether the loop is given what is left out. */
	#givesSkipped = false;
	#wake: () => void = () => {};
	#resolveSummary: (summary: Promise<RunSummary> | RunSummary) => void = () => {};
	/** What the Readable has taken and not pushed. */
	#waiting: FollowEvent[] = [];

	constructor(parts: FollowStreamParts) {
		super({ objectMode: true, highWaterMark: 1 });
		this.#parts = parts;
		this.#events = this.#batches();
		this.summary = new Promise((resolve) => {
			this.#resolveSummary = resolve;
		});
	}

	override async *[Symbol.asyncIterator](): AsyncGenerator<FollowEvent, undefined, undefined> {
		for await (const events of this.batches()) yield* events;
		return undefined;
	}

	/** The same events in arrays; a fragment's end is the last of its array. */
	async *batches(): AsyncGenerator<FollowEvent[], undefined, undefined> {
		for await (const events of this.#given()) {
			const seen = seenOf(events);
			if (seen.length > 0) yield seen;
		}
		return undefined;
	}

	/**
	 * The same with an event for each fragment that `where` leaves out, which is to be acknowledged as the others are: for whom they
	 * are no gaps. Of use within this package only.
	 */
	async *allBatches(): AsyncGenerator<(RunEvent | CaughtUpEvent)[], undefined, undefined> {
		this.#givesSkipped = true;
		return yield* this.#given();
	}

	async *#given(): AsyncGenerator<(RunEvent | CaughtUpEvent)[], undefined, undefined> {
		// The loop gets the error; without a listener it would end the process as well.
		this.on('error', () => {});
		let hasFailed = false;
		try {
			yield* this.#events;
			return undefined;
		} catch (error) {
			hasFailed = true;
			throw error;
		} finally {
			const closed = this.#close().finally(() => this.destroy());
			// What ended it says more than what that led to.
			await (hasFailed ? closed.catch(() => {}) : closed);
		}
	}

	/** With `ack: 'manual'`: a fragment is done. Resolves when its checkpoint is saved. Throws `InvalidOptionError` for one that was not given out. */
	async ack(fragmentNumber: string): Promise<void> {
		if (this.serverMsOf(fragmentNumber) === null) {
			throw new InvalidOptionError(
				'fragmentNumber',
				'one that was delivered and is not acknowledged yet',
				fragmentNumber,
			);
		}
		await this.#done(fragmentNumber);
	}

	/** Server time of a fragment that was given out and is not done, epoch milliseconds; null for any other. */
	serverMsOf(fragmentNumber: string): number | null {
		return this.#parts.position.serverMsOf(fragmentNumber) ?? null;
	}

	override _read(): void {
		this.#next().then(
			(event) => this.push(event),
			(error: Error) => this.destroy(error),
		);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#run?.destroy(error ?? undefined);
		this.#close().then(
			() => callback(error),
			(closeError: Error) => callback(error ?? closeError),
		);
	}

	async #next(): Promise<FollowEvent | null> {
		while (this.#waiting.length === 0) {
			const { done, value } = await this.#events.next();
			if (done === true) return null;
			this.#waiting = seenOf(value);
		}
		return this.#waiting.shift() as FollowEvent;
	}

	async *#batches(): AsyncGenerator<(RunEvent | CaughtUpEvent)[], void, undefined> {
		const { store, key, fromMs, open, position, clock } = this.#parts;
		let checkpoint: Checkpoint | null;
		try {
			checkpoint = (await store?.load(key)) ?? null;
		} catch (error) {
			throw this.errored ?? error;
		}
		if (this.destroyed) {
			// It may have been closed before the place was taken.
			await store?.close?.();
			if (this.errored !== null) throw this.errored;
			return;
		}
		if (store !== null) position.savedMs = clock.now();
		this.#keeper = new CheckpointKeeper(key, checkpoint ?? { fromMs });
		const run = open(this.#keeper, {
			onGiven: (fragments) => {
				for (const { fragmentNumber, serverTimestamp } of fragments) {
					position.listed(fragmentNumber, serverTimestamp.getTime());
				}
			},
			onCaughtUp: (caughtUp) => {
				this.#caughtUp = caughtUp;
				position.caughtUp(caughtUp.lookedAtMs);
				if (this.#isUnsaid(caughtUp)) this.#wake();
			},
		});
		this.#run = run;
		const batches = run.batches()[Symbol.asyncIterator]();
		const ask = (): ReturnType<typeof batches.next> => {
			const asked = batches.next();
			// Where the loop is left while it waits, the end of the run concerns nothing any more.
			asked.catch(() => {});
			return asked;
		};
		let next = ask();
		for (;;) {
			const woken = new Promise<null>((resolve) => {
				this.#wake = () => resolve(null);
			});
			const got = await Promise.race([next, woken]);
			if (got !== null) {
				if (got.done === true) return;
				for (const part of parts(got.value)) {
					yield part;
					await this.#finish(part.at(-1));
				}
				next = ask();
			}
			const lagMs = this.#lagMs();
			if (lagMs === null) continue;
			yield [new CaughtUpEvent(lagMs)];
			if (this.#parts.endsCaughtUp) return;
		}
	}

	/** Milliseconds since the newest fragment began, where all that was listed is given out and that was not said; else null. */
	#lagMs(): number | null {
		const caughtUp = this.#caughtUp;
		if (caughtUp === null || !this.#isUnsaid(caughtUp)) return null;
		this.#saidAt = caughtUp.given;
		const { newestMs } = caughtUp;
		return newestMs === null ? 0 : Math.max(0, this.#parts.clock.now() - newestMs);
	}

	/** Whether all that came by then is given out, and that was not said. */
	#isUnsaid({ given }: CaughtUp): boolean {
		return given === this.#finished && given !== this.#saidAt;
	}

	/** An event was given out, or is not to be: a fragment may be over with it. */
	async #finish(event: RunEvent | undefined): Promise<void> {
		const fragmentNumber = (event && fragmentOver(event)?.fragmentNumber) ?? null;
		if (fragmentNumber === null) return;
		this.#finished++;
		const isDone = !this.#parts.isManual || (event?.type === 'fragment-skipped' && !this.#givesSkipped);
		// After its end the loop gets the reason of that, and not what a closed store says.
		if (isDone && !this.destroyed) await this.#done(fragmentNumber);
	}

	async #done(fragmentNumber: string): Promise<void> {
		const { store, key, position, clock } = this.#parts;
		const serverMs = position.done(fragmentNumber);
		if (serverMs === undefined || this.#keeper === null) return;
		this.#keeper.finished(fragmentNumber, serverMs);
		if (store === null) return;
		await store.save(key, this.#keeper.checkpoint);
		position.savedMs = clock.now();
	}

	async #close(): Promise<void> {
		this.#wake();
		const run = this.#run;
		run?.destroy();
		if (run !== null) this.#resolveSummary(run.summary);
		await this.#parts.store?.close?.();
	}
}

/** Those that a caller sees. */
function seenOf(events: readonly (RunEvent | CaughtUpEvent)[]): FollowEvent[] {
	return events.filter((event) => event.type !== 'fragment-skipped');
}

/** The events in arrays that end where a fragment does. */
function* parts(events: readonly RunEvent[]): Generator<RunEvent[]> {
	let start = 0;
	for (const [index, event] of events.entries()) {
		if (fragmentOver(event) === null) continue;
		yield events.slice(start, index + 1);
		start = index + 1;
	}
	if (start < events.length) yield events.slice(start);
}
