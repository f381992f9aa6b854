import type { MonotonicClock } from '../monotonic-clock.js';

/** How much passes at a time, so that the stream is smooth: what its rate allows in this time, and at most these bytes. */
const SLICE_MS = 10;
const MAX_SLICE_BYTES = 256 * 1024;

/** How far a body may run ahead of its rate, at its start or after a late timer. */
const BURST_MS = 50;

const SECOND_MS = 1000;

/**
 * A body, in small slices and no faster than its rate. A slow reader accumulates no more than the burst. Ends by
 * rejection where the signal is aborted while it waits.
 */
export async function* pacedBody(
	body: AsyncIterable<Uint8Array>,
	{ bytesPerSecond, clock, signal }: { bytesPerSecond: number; clock: MonotonicClock; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
	const wantedBytes = Math.floor((bytesPerSecond / SECOND_MS) * SLICE_MS);
	const sliceBytes = Math.min(MAX_SLICE_BYTES, Math.max(1, wantedBytes));
	// When everything sent so far would have been sent at exactly the rate.
	let paidUpToMs = clock.now();
	for await (const bytes of body) {
		for (let start = 0; start < bytes.byteLength; start += sliceBytes) {
			const slice = bytes.subarray(start, start + sliceBytes);
			const waitMs = paidUpToMs - BURST_MS - clock.now();
			if (waitMs > 0) await clock.sleep(waitMs, signal);
			paidUpToMs = Math.max(paidUpToMs, clock.now()) + (slice.byteLength / bytesPerSecond) * SECOND_MS;
			yield slice;
		}
	}
}
