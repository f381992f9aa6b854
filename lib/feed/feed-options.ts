import { InvalidOptionError } from '../errors.js';
import {
	MAX_FRAGMENT_TAGS,
	MAX_TAG_NAME_BYTES,
	MAX_TAG_VALUE_BYTES,
	RESERVED_TAG_NAMES,
	RESERVED_TAG_PREFIX,
} from '../model/fragment-limits.js';
import { type Instant, resolveInstant } from '../model/instant.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';

/** Options of `KvsArchive.feed`. */
export interface FeedOptions {
	/**
	 * Producer time of the first frame. @default now; of a file that is fed as fast as it is taken, so that its last frame is now
	 */
	readonly start?: Instant | undefined;
	/**
	 * Sends a fragment when the media's own clock has come to its end, as a camera does (`realtime`), or as fast as the service
	 * takes it. @default 'realtime' for a pipe, 'fast' for a file
	 */
	readonly pace?: 'realtime' | 'fast' | undefined;
	/** Begins again at the end of the file, for ever. @default false */
	readonly loop?: boolean | undefined;
	/** Tags of every fragment, at most ten. @default none */
	readonly tags?: Readonly<Record<string, string>> | undefined;
	/** Makes the stream where it does not exist. @default false */
	readonly create?: boolean | undefined;
	/** How long a stream that is made keeps its media, in hours, up to ten years; 0 keeps nothing. @default 24 */
	readonly retentionHours?: number | undefined;
	/**
	 * Called when the service cannot be reached, or breaks a connection off, and is tried again: at first for a minute, later for five.
	 * Once for each time that it is unreachable.
	 */
	readonly onUnreachable?: ((error: Error) => void) | undefined;
	/** Ends the feed at once; what was not acknowledged as PERSISTED may be lost. */
	readonly signal?: AbortSignal | undefined;
}

/** The same, checked and complete. */
export interface ResolvedFeedOptions {
	/** Epoch milliseconds; null where it depends on the media. */
	readonly startMs: number | null;
	readonly isRealtime: boolean;
	readonly isLooped: boolean;
	readonly tags: readonly (readonly [name: string, value: string])[];
	/** Hours that a stream which is made keeps its media; null where none is to be made. */
	readonly createdRetentionHours: number | null;
	readonly onUnreachable: (error: Error) => void;
}

const names: OptionNames<FeedOptions> = {
	start: true,
	pace: true,
	loop: true,
	tags: true,
	create: true,
	retentionHours: true,
	onUnreachable: true,
	signal: true,
};

/** What a stream that is made gets; the service's own default keeps nothing. */
const DEFAULT_RETENTION_HOURS = 24;

/** Ten years, the service's longest. */
const MAX_RETENTION_HOURS = 87_600;

/** Checks options and fills in what is not given. Throws {@link InvalidOptionError}. */
export function resolveFeedOptions(options: FeedOptions, isFile: boolean): ResolvedFeedOptions {
	checkOptionNames(options, names);
	const { start, pace = isFile ? 'fast' : 'realtime', loop = false, create = false } = options;
	const { retentionHours = DEFAULT_RETENTION_HOURS, onUnreachable = () => {} } = options;
	if (pace !== 'realtime' && pace !== 'fast') {
		throw new InvalidOptionError('pace', "'realtime' or 'fast'", pace);
	}
	if (loop && !isFile)
		throw new InvalidOptionError('loop', 'left out for a pipe, which can be read once', loop);
	const isWhole = Number.isInteger(retentionHours);
	if (!isWhole || retentionHours < 0 || retentionHours > MAX_RETENTION_HOURS) {
		throw new InvalidOptionError(
			'retentionHours',
			`a whole number from 0 to ${MAX_RETENTION_HOURS}`,
			retentionHours,
		);
	}
	return {
		startMs: start === undefined ? null : resolveInstant('start', start),
		isRealtime: pace === 'realtime',
		isLooped: loop,
		tags: checkTags(options.tags ?? {}),
		createdRetentionHours: create ? retentionHours : null,
		onUnreachable,
	};
}

function checkTags(tags: Readonly<Record<string, string>>): (readonly [string, string])[] {
	const pairs = Object.entries(tags);
	if (pairs.length > MAX_FRAGMENT_TAGS) {
		throw new InvalidOptionError('tags', `at most ${MAX_FRAGMENT_TAGS} tags`, pairs.length);
	}
	for (const [name, value] of pairs) {
		const isOurs = !name.startsWith(RESERVED_TAG_PREFIX) || RESERVED_TAG_NAMES.has(name);
		if (name === '' || Buffer.byteLength(name) > MAX_TAG_NAME_BYTES || !isOurs) {
			throw new InvalidOptionError(
				'tags',
				`named in 1 to ${MAX_TAG_NAME_BYTES} bytes, not beginning with ${RESERVED_TAG_PREFIX}`,
				name,
			);
		}
		if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_TAG_VALUE_BYTES) {
			throw new InvalidOptionError(`tags.${name}`, `a string of at most ${MAX_TAG_VALUE_BYTES} bytes`, value);
		}
	}
	return pairs;
}
