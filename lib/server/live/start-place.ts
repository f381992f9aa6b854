import type { RangeClock } from '../../model/time-range.js';
import { type ServerPlace, startOn } from '../store/fragment-index.js';
import { readFragmentNumber } from '../store/fragment-number.js';
import type { LocalStream } from '../store/local-stream.js';
import { FRAGMENT_NUMBER_PATTERN, type StoredFragment } from '../store/stored-fragment.js';
import type { RequestFields } from '../wire/request-fields.js';
import { invalidArgument } from '../wire/service-error.js';

/** Where a GetMedia begins (StartSelector of the API reference). */
export type StartSelector =
	| { readonly type: 'NOW' }
	| { readonly type: 'EARLIEST' }
	/** After that fragment. */
	| { readonly type: 'AFTER'; readonly fragmentNumber: string }
	/** With the fragment that holds that time, epoch milliseconds; where none does with the first after it. */
	| { readonly type: 'AT'; readonly clock: RangeClock; readonly timeMs: number };

/** A place to begin at, and what is to be skipped after it. */
export interface StartPlace {
	readonly after: ServerPlace;
	/** Whether a fragment is the one to begin with; once it was, all that follow are given. */
	readonly isFirst: (fragment: StoredFragment) => boolean;
}

const selectorTypes = [
	'NOW',
	'EARLIEST',
	'FRAGMENT_NUMBER',
	'SERVER_TIMESTAMP',
	'PRODUCER_TIMESTAMP',
	'CONTINUATION_TOKEN',
] as const;

const FRAGMENT_NUMBER = { maxLength: 128, pattern: FRAGMENT_NUMBER_PATTERN };
const TOKEN = { maxLength: 128, pattern: /^[a-zA-Z0-9_.-]+$/ };

/** The last place of a moment. */
const LAST = Number.POSITIVE_INFINITY;

/** Reads a StartSelector. Throws `InvalidArgumentException`. */
export function readStartSelector(selector: RequestFields): StartSelector {
	const type = selector.oneOf('StartSelectorType', selectorTypes);
	if (type === 'NOW') return { type };
	if (type === 'EARLIEST') return { type };
	if (type === 'FRAGMENT_NUMBER' || type === 'CONTINUATION_TOKEN') {
		const isToken = type === 'CONTINUATION_TOKEN';
		const member = isToken ? 'ContinuationToken' : 'AfterFragmentNumber';
		const fragmentNumber = selector.string(member, isToken ? TOKEN : FRAGMENT_NUMBER);
		if (fragmentNumber === undefined) throw invalidArgument(`expected ${member} with ${type}, got nothing`);
		if (!FRAGMENT_NUMBER_PATTERN.test(fragmentNumber)) {
			throw invalidArgument('expected ContinuationToken to be one that GetMedia gave out for this stream');
		}
		return { type: 'AFTER', fragmentNumber };
	}
	const clock = type === 'SERVER_TIMESTAMP' ? 'server' : 'producer';
	return { type: 'AT', clock, timeMs: selector.timeMs('StartTimestamp') };
}

/** Where reading begins at a time of the archive's clock. Throws `InvalidArgumentException` for a number the stream never had. */
export function startPlace(selector: StartSelector, stream: LocalStream, nowMs: number): StartPlace {
	const { fragments } = stream;
	const snapshot = stream.liveSnapshot(nowMs);
	const earliest = { serverMs: snapshot.sinceMs, ordinal: -1 };
	if (selector.type === 'EARLIEST') return from({ serverMs: Number.NEGATIVE_INFINITY, ordinal: -1 });
	if (selector.type === 'NOW') {
		const [newest] = fragments.latest('server', snapshot.untilMs, 1, snapshot);
		if (newest !== undefined) return from(before(newest));
		return from({ serverMs: Math.min(nowMs, stream.settledMs), ordinal: -1 });
	}
	if (selector.type === 'AFTER') {
		const place = fragments.placeOf(selector.fragmentNumber);
		if (place !== null) return from(place);
		const serverMs = readFragmentNumber(selector.fragmentNumber)?.serverMs ?? Number.POSITIVE_INFINITY;
		// One that has expired: what is left after it.
		if (serverMs < earliest.serverMs) return from({ serverMs, ordinal: LAST });
		throw invalidArgument(`Fragment number is invalid : ${selector.fragmentNumber}`);
	}
	const { clock, timeMs } = selector;
	const [holding] = fragments.latest(clock, timeMs, 1, snapshot);
	if (holding !== undefined && startOn(clock, holding) + holding.lengthMs >= timeMs)
		return from(before(holding));
	const later = fragments.select({ clock, startMs: timeMs, endMs: Number.POSITIVE_INFINITY }, snapshot);
	if (later.length > 0) return from(before(later.at(0)));
	// It is yet to come, or in a fragment that a producer has begun.
	const [newest] = fragments.latest('server', snapshot.untilMs, 1, snapshot);
	const newestMs = newest?.serverMs ?? Number.NEGATIVE_INFINITY;
	return {
		after: { serverMs: Math.min(newestMs, stream.settledMs), ordinal: -1 },
		isFirst: (fragment) => startOn(clock, fragment) + fragment.lengthMs >= timeMs,
	};

	function before({ number, serverMs }: StoredFragment): ServerPlace {
		return { serverMs, ordinal: (fragments.placeOf(number) as ServerPlace).ordinal - 1 };
	}
}

function from(after: ServerPlace): StartPlace {
	return { after, isFirst: () => true };
}
