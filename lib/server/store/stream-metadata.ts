/** What the archive knows of a stream besides its fragments; a stream's `stream.json`. */
export interface StreamMetadata {
	readonly name: string;
	/** Epoch milliseconds; part of the stream's ARN. */
	readonly creationMs: number;
	/** As producers give it, `video/h264,audio/aac`; null where none was given. */
	readonly mediaType: string | null;
	/** How long fragments of producers are kept, in hours; 0: not at all. */
	readonly retentionHours: number;
	readonly deviceName: string | null;
	/** Key of the service's encryption, which the local archive only repeats; null for the service's own. */
	readonly kmsKeyId: string | null;
	/** 20 letters and digits; another after each change. */
	readonly version: string;
	readonly storageTier: 'HOT' | 'WARM';
	readonly tags: Readonly<Record<string, string>>;
}

/** Hours that media is kept in a stream of which nothing else was said. */
export const DEFAULT_RETENTION_HOURS = 24;

/** The longest retention of the service: ten years. */
export const MAX_RETENTION_HOURS = 87_600;

/** The version of a stream in archives of before 0.3, whose streams could not change. */
const FIRST_VERSION = 'LocalArchive0000000v';

const HOUR_MS = 3_600_000;

/** How long a stream keeps fragments, in milliseconds. */
export function retentionMs({ retentionHours }: StreamMetadata): number {
	return retentionHours * HOUR_MS;
}

/** The metadata of a new stream; what is not given as the service sets it. */
export function newMetadata(
	given: Pick<StreamMetadata, 'name' | 'creationMs'> & Partial<StreamMetadata>,
): StreamMetadata {
	return {
		mediaType: null,
		retentionHours: DEFAULT_RETENTION_HOURS,
		deviceName: null,
		kmsKeyId: null,
		version: FIRST_VERSION,
		storageTier: 'HOT',
		tags: {},
		...given,
	};
}

/** Reads a `stream.json`; of archives of before 0.3 too, which lack most members. Null where it does not describe a stream. */
export function parseMetadata(text: string): StreamMetadata | null {
	let fields: Partial<Record<keyof StreamMetadata, unknown>> | null;
	try {
		fields = JSON.parse(text);
	} catch {
		return null;
	}
	if (fields === null || typeof fields !== 'object') return null;
	const metadata = newMetadata(fields as StreamMetadata);
	const { name, creationMs, mediaType, retentionHours, deviceName, kmsKeyId, version, tags } = metadata;
	const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';
	const isOne =
		typeof name === 'string' &&
		Number.isSafeInteger(creationMs) &&
		Number.isSafeInteger(retentionHours) &&
		typeof version === 'string' &&
		[mediaType, deviceName, kmsKeyId].every(isTextOrNull) &&
		typeof tags === 'object' &&
		Object.values(tags ?? { invalid: null }).every((value) => typeof value === 'string');
	return isOne ? metadata : null;
}
