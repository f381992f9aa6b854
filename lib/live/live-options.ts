import type { LiveSelector } from '../aws/live-media.js';
import { InvalidOptionError } from '../errors.js';
import { type Instant, isoMs, resolveInstant } from '../model/instant.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { resolveRangeClock, type TimeRange } from '../model/time-range.js';

/**
 * Where live reading begins: `now`, with the newest fragment; `earliest`, with the oldest that is stored; a time, with the
 * fragment that holds it, or where none does with the first after it, which may be yet to come; or after a fragment.
 */
export type LiveFrom = Instant | { readonly afterFragmentNumber: string };

/** Options of `KvsArchive.live`. */
export interface LiveOptions {
	readonly from: LiveFrom;
	/** Whose clock the time in `from` means. @default 'server' */
	readonly by?: TimeRange['by'];
	/** Ends the stream; it then rejects with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
}

/** Where live reading begins, checked: after a fragment, or where the service's own selector says. */
export type LiveStart =
	| { readonly afterFragmentNumber: string }
	| { readonly selector: LiveSelector & { readonly StartSelectorType: string } };

const names: OptionNames<LiveOptions> = { from: true, by: true, signal: true };

/** Checks options. Throws {@link InvalidOptionError}. */
export function resolveLiveStart(options: LiveOptions): LiveStart {
	checkOptionNames(options ?? {}, names);
	const { from, by } = options ?? {};
	const isTime = from instanceof Date || typeof from === 'number' || isIsoTime(from);
	if (by !== undefined && !isTime) throw new InvalidOptionError('by', 'left out unless `from` is a time', by);
	if (from === 'now') return { selector: { StartSelectorType: 'NOW' } };
	if (from === 'earliest') return { selector: { StartSelectorType: 'EARLIEST' } };
	if (isTime) {
		const clock = resolveRangeClock(by ?? 'server');
		const StartTimestamp = new Date(resolveInstant('from', from as Instant));
		const StartSelectorType = clock === 'server' ? 'SERVER_TIMESTAMP' : 'PRODUCER_TIMESTAMP';
		return { selector: { StartSelectorType, StartTimestamp } };
	}
	if (typeof from !== 'object' || from === null || !('afterFragmentNumber' in from)) {
		throw new InvalidOptionError('from', "'now', 'earliest', a time or { afterFragmentNumber }", from);
	}
	const { afterFragmentNumber } = from;
	if (typeof afterFragmentNumber !== 'string' || !/^[0-9]{1,128}$/.test(afterFragmentNumber)) {
		throw new InvalidOptionError('from.afterFragmentNumber', '1 to 128 digits', afterFragmentNumber);
	}
	return { afterFragmentNumber };
}

function isIsoTime(from: unknown): boolean {
	return typeof from === 'string' && isoMs(from) !== null;
}
