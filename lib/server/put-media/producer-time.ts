import { MAX_TIME_MS } from '../../model/max-time.js';

const NS_PER_MS = 1_000_000n;

/** A timecode in milliseconds, rounded: `FragmentTimecode` of acknowledgements. */
export function timecodeMs(ticks: bigint, timecodeScaleNs: number): number {
	return Number((ticks * BigInt(timecodeScaleNs) + NS_PER_MS / 2n) / NS_PER_MS);
}

/** The producer time of a timecode, epoch milliseconds; null where it cannot be stored: before 1970, or later than a Date can be. */
export function producerMsOf(
	ticks: bigint,
	timecodeScaleNs: number,
	producerStartMs: number | null,
): number | null {
	const ms = Math.round((producerStartMs ?? 0) + timecodeMs(ticks, timecodeScaleNs));
	return ms >= 0 && ms <= MAX_TIME_MS ? ms : null;
}
