/** What the archive knows of a stream besides its fragments; a stream's `stream.json`. */
export interface StreamMetadata {
	readonly name: string;
	/** Epoch milliseconds; part of the stream's ARN. */
	readonly creationMs: number;
	/** As producers give it, `video/h264,audio/aac`; null where none was given. */
	readonly mediaType: string | null;
	/** How long fragments of producers are kept, in hours; 0: not at all. */
	readonly retentionHours: number;
	/**
	 * Fragments of producers with an earlier server time had expired when the retention was changed last, epoch milliseconds: a
	 * longer retention does not bring them back. @default 0
	 */
	readonly keptSinceMs: number;
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

/** The metadata of a new stream; what is not given as the service sets it. */
export function newMetadata(
	given: Pick<StreamMetadata, 'name' | 'creationMs'> & Partial<StreamMetadata>,
): StreamMetadata {
	return {
		mediaType: null,
		retentionHours: DEFAULT_RETENTION_HOURS,
		keptSinceMs: 0,
		deviceName: null,
		kmsKeyId: null,
		version: FIRST_VERSION,
		storageTier: 'HOT',
		tags: {},
		...given,
	};
}

/** Server time since which fragments of producers are kept at a time, epoch milliseconds; later than any where nothing is kept. */
export function keptSince(metadata: StreamMetadata, nowMs: number): number {
	const keptMs = metadata.retentionHours * HOUR_MS;
	return keptMs === 0 ? Number.MAX_SAFE_INTEGER : Math.max(metadata.keptSinceMs, nowMs - keptMs);
}

/** The metadata after a change that is made at a time, epoch milliseconds. */
export function changedMetadata(
	metadata: StreamMetadata,
	change: Partial<StreamMetadata>,
	nowMs: number,
): StreamMetadata {
	const changed = { ...metadata, ...change };
	if (changed.retentionHours === metadata.retentionHours) return changed;
	return { ...changed, keptSinceMs: Math.ceil(Math.min(nowMs, keptSince(metadata, nowMs))) };
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
	const { name, creationMs, mediaType, deviceName, kmsKeyId, version, tags } = metadata;
	const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';
	const isOne =
		typeof name === 'string' &&
		[creationMs, metadata.retentionHours, metadata.keptSinceMs].every(Number.isSafeInteger) &&
		typeof version === 'string' &&
		[mediaType, deviceName, kmsKeyId].every(isTextOrNull) &&
		typeof tags === 'object' &&
		Object.values(tags ?? { invalid: null }).every((value) => typeof value === 'string');
	return isOne ? metadata : null;
}
