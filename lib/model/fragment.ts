/** One fragment as ListFragments describes it. The names are the service's own, in lower camel case. */
export interface Fragment {
	/** Decimal digits, 47 in practice; grows with ingestion. Compare with {@link compareFragmentNumbers}, never as a number. */
	readonly fragmentNumber: string;
	/** Size of the fragment with its headers, in bytes. */
	readonly fragmentSizeInBytes: number;
	/** Start of the fragment on the producer's clock. */
	readonly producerTimestamp: Date;
	/** When the service began to receive the fragment. */
	readonly serverTimestamp: Date;
	/** Last frame's time minus the first's; without the last frame's own duration, so 0 for a single frame. */
	readonly fragmentLengthInMilliseconds: number;
}

/** Order of two fragment numbers: negative, 0 or positive. Numeric, exact at any length. */
export function compareFragmentNumbers(a: string, b: string): number {
	if (a.length !== b.length) {
		const difference = BigInt(a) - BigInt(b);
		return difference < 0n ? -1 : difference > 0n ? 1 : 0;
	}
	return a < b ? -1 : a > b ? 1 : 0;
}
