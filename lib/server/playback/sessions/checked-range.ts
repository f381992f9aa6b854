import type { RangeClock } from '../../../model/time-range.js';
import { MAX_RETENTION_HOURS } from '../../store/stream-metadata.js';
import { invalidArgument } from '../../wire/service-error.js';

const MAX_RANGE_MS = 24 * 3_600_000;
/** Ingested media does not expire, so a range may begin as long ago as any retention of the service reaches. */
const RETENTION_MS = MAX_RETENTION_HOURS * 3_600_000;

/** A range of time as a request gives it. */
export interface RequestedRange {
	readonly clock: RangeClock;
	/** Epoch milliseconds. */
	readonly startMs: number;
	/** Included; null where it has no end. */
	readonly endMs: number | null;
}

/**
 * Checks a range against the service's rules for sessions and clips (HLSTimestampRange of the API reference): longer than
 * nothing, a day at most, and on the server's clock past. `nowMs` is the archive's clock. Throws `InvalidArgumentException`.
 */
export function checkRange({ clock, startMs, endMs }: RequestedRange, nowMs: number): void {
	if (endMs !== null && endMs <= startMs) {
		throw invalidArgument(
			`expected EndTimestamp to be later than StartTimestamp, got ${endMs} and ${startMs}`,
		);
	}
	if (endMs !== null && endMs - startMs > MAX_RANGE_MS) {
		throw invalidArgument(
			`expected EndTimestamp within 24 hours of StartTimestamp, got ${endMs} and ${startMs}`,
		);
	}
	if (clock === 'server') {
		if (endMs !== null && endMs >= nowMs) {
			throw invalidArgument(`expected EndTimestamp to be in the past, got ${endMs}`);
		}
		if (startMs <= nowMs - RETENTION_MS) {
			throw invalidArgument(`Start timestamp ${startMs} is outside of the stream retention period.`);
		}
	}
}
