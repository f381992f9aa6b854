/** A fragment of the local archive: what ListFragments says about it, and where its bytes are. */
export interface StoredFragment {
	/** Decimal digits, 1 to 128 of them. */
	readonly number: string;
	/** Path of the payload file that holds the chunk. */
	readonly payload: string;
	/** Where the chunk begins in the payload file. */
	readonly offset: number;
	/** Size of the whole chunk: headers, tags and media. */
	readonly sizeBytes: number;
	/** Start on the producer's clock, epoch milliseconds. */
	readonly producerMs: number;
	/** Start on the server's clock, epoch milliseconds. */
	readonly serverMs: number;
	/** Last frame's time minus the first's; 0 for a single frame. */
	readonly lengthMs: number;
	/** Blocks of the chunk; laced frames count each. */
	readonly frames: number;
	/** Frames of its video track. Absent where there is none, and in archives of before 0.2. */
	readonly pictures?: number;
	/** Last picture's time minus the first's; there with {@link pictures}. */
	readonly picturesMs?: number;
	/** CRC-32 of the chunk's bytes. Absent in archives of before 0.2, whose fragments are not checked when they are read. */
	readonly crc32?: number;
}

/**
 * How much later than the producer's time the service seems to have begun to receive a fragment of an ingested file. Such a
 * fragment is there from the time of its first frame on.
 */
export const INGEST_DELAY_MS = 1000;

/** The length a fragment number may have (FragmentNumberString of the service's model). */
export const FRAGMENT_NUMBER_PATTERN = /^[0-9]{1,128}$/;

const integerFields = ['offset', 'sizeBytes', 'producerMs', 'serverMs', 'lengthMs', 'frames'] as const;
const optionalFields = ['pictures', 'picturesMs', 'crc32'] as const;

/** One line of an index file, with its line break. The payload's path is not in it: the file's name says it. */
export function formatIndexLine(fragment: StoredFragment): string {
	return `${JSON.stringify(fragment, ['number', ...integerFields, ...optionalFields])}\n`;
}

/** Reads one line of an index file. Returns null for a line that is damaged. */
export function parseIndexLine(line: string, payload: string): StoredFragment | null {
	let fields: Partial<Record<keyof StoredFragment, unknown>> | null;
	try {
		fields = JSON.parse(line);
	} catch {
		return null;
	}
	if (typeof fields?.number !== 'string' || !FRAGMENT_NUMBER_PATTERN.test(fields.number)) return null;
	for (const name of integerFields) {
		if (!Number.isSafeInteger(fields[name])) return null;
	}
	for (const name of optionalFields) {
		if (fields[name] !== undefined && !Number.isSafeInteger(fields[name])) return null;
	}
	const fragment = { ...fields, payload } as StoredFragment;
	return fragment.offset >= 0 && fragment.sizeBytes > 0 ? fragment : null;
}
