/** Where ListFragments goes. */
export const listing = { to: 'LIST_FRAGMENTS', path: '/listFragments' } as const;

/** A name that no stream has. */
export const UNKNOWN_STREAM = 'kvs-archive-conformance-no-such-stream';

/** A range on the server's clock. */
export const range = (StartTimestamp: string | number, EndTimestamp: string | number) => ({
	StartTimestamp,
	EndTimestamp,
});

/** The sample, from its first fragment to its last. */
export const wholeRange = range('{server:0}', '{server:5}');

/** A selector of a range on the server's clock. */
export const byServer = (TimestampRange: {
	StartTimestamp: string | number;
	EndTimestamp: string | number;
}) => ({
	FragmentSelectorType: 'SERVER_TIMESTAMP',
	TimestampRange,
});

/** A selector of a range on the producer's clock. */
export const byProducer = (TimestampRange: {
	StartTimestamp: string | number;
	EndTimestamp: string | number;
}) => ({
	FragmentSelectorType: 'PRODUCER_TIMESTAMP',
	TimestampRange,
});

/** A listing of the whole sample. */
export const everything = { StreamName: '{stream}', FragmentSelector: byServer(wholeRange) };
