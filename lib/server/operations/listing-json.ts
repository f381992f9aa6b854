import type { StoredFragment } from '../store/stored-fragment.js';
import { EpochSeconds, type WireValue } from '../wire/wire-json.js';
import type { ListingResult } from './operation.js';

/** A page as ListFragments writes it, members in the service's own order. */
export function listingJson({
	fragments,
	nextToken,
}: Pick<ListingResult, 'fragments' | 'nextToken'>): WireValue {
	return { Fragments: fragments.map(describe), NextToken: nextToken };
}

function describe(fragment: StoredFragment): WireValue {
	return {
		FragmentLengthInMilliseconds: fragment.lengthMs,
		FragmentNumber: fragment.number,
		FragmentSizeInBytes: fragment.sizeBytes,
		ProducerTimestamp: new EpochSeconds(fragment.producerMs),
		ServerTimestamp: new EpochSeconds(fragment.serverMs),
	};
}
