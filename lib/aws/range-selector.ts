import type { FragmentSelector } from '@aws-sdk/client-kinesis-video-archived-media';
import type { ResolvedTimeRange } from '../model/time-range.js';

/** A range as the service's selectors of fragments have it. */
export function selectorOf({ by, fromMs, toMs }: ResolvedTimeRange): FragmentSelector {
	return {
		FragmentSelectorType: by === 'server' ? 'SERVER_TIMESTAMP' : 'PRODUCER_TIMESTAMP',
		TimestampRange: { StartTimestamp: new Date(fromMs), EndTimestamp: new Date(toMs) },
	};
}
