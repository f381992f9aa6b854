import type { Fragment } from 'kvs-archive';
import { fragmentNumber } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

/** What a listing says of a fragment, in milliseconds from the recording's start. Received a second later. */
export function listed(index: number, fromMs: number, lengthMs: number, sizeBytes = 1000): Fragment {
	return {
		fragmentNumber: fragmentNumber(index),
		fragmentSizeInBytes: sizeBytes,
		producerTimestamp: new Date(startMs + fromMs),
		serverTimestamp: new Date(startMs + fromMs + 1000),
		fragmentLengthInMilliseconds: lengthMs,
	};
}

/** Fragments of one length, one every `stepMs`. */
export function cadence(
	count: number,
	{
		stepMs,
		lengthMs,
		fromMs = 0,
		firstIndex = 1,
	}: { stepMs: number; lengthMs: number; fromMs?: number; firstIndex?: number },
): Fragment[] {
	return Array.from({ length: count }, (_, index) =>
		listed(firstIndex + index, fromMs + index * stepMs, lengthMs),
	);
}
