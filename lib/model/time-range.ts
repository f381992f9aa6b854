import { InvalidOptionError } from '../errors.js';
import type { Fragment } from './fragment.js';
import { type Instant, resolveInstant } from './instant.js';
import { checkOptionNames, type OptionNames } from './known-options.js';

/** Whose clock a range is measured on. */
export type RangeClock = 'server' | 'producer';

/**
 * A range of time. Both ends are inclusive and are compared with the **start** of a fragment, as in the service: a
 * fragment that began before `from` and runs into the range is not in it.
 */
export interface TimeRange {
	readonly from: Instant;
	readonly to: Instant;
	/**
	 * A {@link RangeClock}. Any text to the compiler, so that a range in a variable needs no `as const`; checked at run time.
	 * @default 'server'
	 */
	readonly by?: RangeClock | (string & Record<never, never>) | undefined;
}

/** A {@link TimeRange} whose clock is spelled out and whose ends were checked. */
export interface ResolvedTimeRange {
	readonly fromMs: number;
	readonly toMs: number;
	readonly by: RangeClock;
}

const RANGE_NAMES: OptionNames<TimeRange> = { from: true, to: true, by: true };

/** Checks the name of a clock. Throws {@link InvalidOptionError}. */
export function resolveRangeClock(by: string): RangeClock {
	if (by === 'server' || by === 'producer') return by;
	throw new InvalidOptionError('by', "'server' or 'producer'", by);
}

/** Checks a range. Throws {@link InvalidOptionError} for ends that are not valid, lie before 1970, or are in the wrong order. */
export function resolveTimeRange(range: TimeRange): ResolvedTimeRange {
	if (typeof range !== 'object' || range === null)
		throw new InvalidOptionError('range', 'an object with `from` and `to`', range);
	checkOptionNames(range, RANGE_NAMES);
	const { from, to, by = 'server' } = range;
	const fromMs = resolveInstant('from', from);
	const toMs = resolveInstant('to', to);
	if (toMs < fromMs) {
		throw new InvalidOptionError('to', `at or after \`from\` (${new Date(fromMs).toISOString()})`, to);
	}
	return { fromMs, toMs, by: resolveRangeClock(by) };
}

/** Start of a fragment on the given clock, in epoch milliseconds. */
export function startMs(fragment: Fragment, by: RangeClock): number {
	return (by === 'server' ? fragment.serverTimestamp : fragment.producerTimestamp).getTime();
}
