import { unlessAborted } from '../../stream/abort.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { BodyStop } from './body-stops.js';

/** What a {@link stoppedBody} needs of its request or response. */
export interface StoppedBodyOptions {
	/** Sorted by their place. */
	readonly stops: readonly BodyStop[];
	readonly clock: MonotonicClock;
	/** Aborted when the response has ended, on either side. */
	readonly signal: AbortSignal;
	/** Closes the connection once everything before is sent, and rejects. */
	readonly abort: () => Promise<never>;
	/** Called with each pause; what it returns is waited for. */
	readonly pause?: (wait: Promise<void>) => Promise<void>;
}

/** A body that pauses or ends where the stops say. Bytes before a stop have passed when it happens, and nothing after it is read. */
export async function* stoppedBody(
	body: AsyncIterable<Uint8Array>,
	{ stops, clock, signal, abort, pause = (wait) => wait }: StoppedBodyOptions,
): AsyncGenerator<Uint8Array> {
	const waiting = [...stops];
	let position = 0;
	if (await isOver()) return;
	for await (const bytes of body) {
		for (let rest = bytes; rest.byteLength > 0; ) {
			const part = rest.subarray(0, (waiting[0]?.atByte ?? Number.POSITIVE_INFINITY) - position);
			yield part;
			position += part.byteLength;
			rest = rest.subarray(part.byteLength);
			if (await isOver()) return;
		}
	}
	position = Number.POSITIVE_INFINITY;
	await isOver();

	/** Lets the stops happen that are reached. Whether one of them ends the body. */
	async function isOver(): Promise<boolean> {
		for (let stop = waiting[0]; stop !== undefined && stop.atByte <= position; stop = waiting[0]) {
			waiting.shift();
			if (await halts(stop)) return true;
		}
		return false;
	}

	async function halts({ action }: BodyStop): Promise<boolean> {
		if (action.kind === 'stall') {
			await pause(stall(action.ms, clock, signal));
			return false;
		}
		if (action.kind === 'abort') await abort();
		return true;
	}
}

/** Waits `ms` milliseconds, or (null) until the signal is aborted, which rejects. */
export async function stall(ms: number | null, clock: MonotonicClock, signal: AbortSignal): Promise<void> {
	await (ms === null ? unlessAborted(new Promise(() => {}), signal) : clock.sleep(ms, signal));
}
