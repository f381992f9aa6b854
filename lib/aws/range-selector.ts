import type { ResolvedTimeRange } from '../model/time-range.js';

/** A range as the service's selectors of fragments have it. */
export function selectorOf({ by, fromMs, toMs }: ResolvedTimeRange): object {
	return {
		FragmentSelectorType: by === 'server' ? 'SERVER_TIMESTAMP' : 'PRODUCER_TIMESTAMP',
		TimestampRange: { StartTimestamp: new Date(fromMs), EndTimestamp: new Date(toMs) },
	};
}
