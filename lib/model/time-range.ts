import { InvalidOptionError } from '../errors.js';
import type { Fragment } from './fragment.js';

/** Whose clock a range is measured on. */
export type RangeClock = 'server' | 'producer';

/**
 * A range of time. Both ends are inclusive and are compared with the **start** of a fragment, as in the service: a
 * fragment that began before `from` and runs into the range is not in it.
 */
export interface TimeRange {
	readonly from: Date;
	readonly to: Date;
	/** @default 'server' */
	readonly by?: RangeClock;
}

/** A {@link TimeRange} whose clock is spelled out and whose ends were checked. */
export interface ResolvedTimeRange {
	readonly fromMs: number;
	readonly toMs: number;
	readonly by: RangeClock;
}

/** Checks a range. Throws {@link InvalidOptionError} for ends that are no dates, lie before 1970, or are in the wrong order. */
export function resolveTimeRange(range: TimeRange): ResolvedTimeRange {
	const { from, to, by = 'server' } = range ?? {};
	for (const [name, date] of [['from', from] as const, ['to', to] as const]) {
		if (!(date instanceof Date) || !(date.getTime() >= 0)) {
			throw new InvalidOptionError(name, 'a valid Date since 1970', date);
		}
	}
	if (by !== 'server' && by !== 'producer') throw new InvalidOptionError('by', "'server' or 'producer'", by);
	if (to.getTime() < from.getTime()) {
		throw new InvalidOptionError('to', `at or after \`from\` (${from.toISOString()})`, to);
	}
	return { fromMs: from.getTime(), toMs: to.getTime(), by };
}

/** Start of a fragment on the given clock, in epoch milliseconds. */
export function startMs(fragment: Fragment, by: RangeClock): number {
	return (by === 'server' ? fragment.serverTimestamp : fragment.producerTimestamp).getTime();
}
