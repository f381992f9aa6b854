import { unlessAborted } from '../../stream/abort.js';
import type { MonotonicClock } from '../monotonic-clock.js';
import type { BodyStop } from './body-stops.js';

/** What a {@link stoppedBody} needs of its response. */
export interface StoppedBodyOptions {
	/** Sorted by their place. */
	readonly stops: readonly BodyStop[];
	readonly clock: MonotonicClock;
	/** Aborted when the response has ended, on either side. */
	readonly signal: AbortSignal;
	/** Closes the connection once everything before is sent, and rejects. */
	readonly abort: () => Promise<never>;
}

/** A body that pauses or ends where the stops say. Bytes before a stop are sent before it happens. */
export async function* stoppedBody(
	body: AsyncIterable<Uint8Array>,
	{ stops, clock, signal, abort }: StoppedBodyOptions,
): AsyncGenerator<Uint8Array> {
	const waiting = [...stops];
	let position = 0;
	for await (const bytes of body) {
		let start = 0;
		for (
			let stop = waiting[0];
			stop !== undefined && stop.atByte < position + bytes.byteLength;
			stop = waiting[0]
		) {
			waiting.shift();
			const end = stop.atByte - position;
			if (end > start) yield bytes.subarray(start, end);
			start = end;
			if (await halts(stop)) return;
		}
		if (start < bytes.byteLength) yield bytes.subarray(start);
		position += bytes.byteLength;
	}
	for (const stop of waiting) if (await halts(stop)) return;

	async function halts({ action }: BodyStop): Promise<boolean> {
		if (action.kind === 'stall') {
			await stall(action.ms, clock, signal);
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
