import type { RangeClock } from '../../../model/time-range.js';
import { MAX_RETENTION_HOURS } from '../../store/stream-metadata.js';
import type { RequestFields } from '../../wire/request-fields.js';
import { invalidArgument } from '../../wire/service-error.js';
import { type ContainerFormat, containerFormats } from '../packaging/container-format.js';

/** What a session plays, and what its playlists look like. */
export interface HlsRequest {
	readonly mode: PlaybackMode;
	/** The clock of the range, and of the media timeline. */
	readonly clock: RangeClock;
	/** First start of a fragment that counts, epoch milliseconds; null for LIVE. */
	readonly startMs: number | null;
	/** Last one, included; null for LIVE, and for a LIVE_REPLAY without an end. */
	readonly endMs: number | null;
	readonly container: ContainerFormat;
	readonly discontinuities: DiscontinuityMode;
	/** Whether playlists say each fragment's time. */
	readonly showsTimestamps: boolean;
	readonly expiresSeconds: number;
	/** How many fragments a media playlist holds at most. */
	readonly maxFragments: number;
}

const playbackModes = ['LIVE', 'LIVE_REPLAY', 'ON_DEMAND'] as const;
const discontinuityModes = ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY'] as const;
const displayModes = ['ALWAYS', 'NEVER'] as const;
const selectorTypes = ['SERVER_TIMESTAMP', 'PRODUCER_TIMESTAMP'] as const;

/** Where a session begins and how its playlist grows (PlaybackMode). */
export type PlaybackMode = (typeof playbackModes)[number];

/** Between which fragments playlists let a player begin a new timeline (DiscontinuityMode). */
export type DiscontinuityMode = (typeof discontinuityModes)[number];

const EXPIRES = { min: 300, max: 43_200 };
const MAX_RESULTS = { min: 1, max: 5000 };
const DEFAULT_RESULTS = 1000;
const DEFAULT_LIVE_RESULTS = 5;
const MAX_RANGE_MS = 24 * 3_600_000;
/** Ingested media does not expire, so a range may begin as long ago as any retention of the service reaches. */
const RETENTION_MS = MAX_RETENTION_HOURS * 3_600_000;

/**
 * Reads the members of GetHLSStreamingSessionURL besides the stream's, fills in the service's defaults and checks them
 * against its rules (HLSFragmentSelector and HLSTimestampRange of the API reference). `nowMs` is the archive's clock.
 * Throws `InvalidArgumentException`.
 */
export function readHlsRequest(request: RequestFields, nowMs: number): HlsRequest {
	const mode = request.optionalOneOf('PlaybackMode', playbackModes) ?? 'LIVE';
	const container = request.optionalOneOf('ContainerFormat', containerFormats) ?? 'FRAGMENTED_MP4';
	const discontinuities = request.optionalOneOf('DiscontinuityMode', discontinuityModes);
	const showsTimestamps = request.optionalOneOf('DisplayFragmentTimestamp', displayModes) === 'ALWAYS';
	const expiresSeconds = request.integer('Expires', EXPIRES) ?? EXPIRES.min;
	const maxFragments = request.integer('MaxMediaPlaylistFragmentResults', MAX_RESULTS);
	const selector = request.object('HLSFragmentSelector');
	const type = selector?.optionalOneOf('FragmentSelectorType', selectorTypes);
	const clock = type === 'PRODUCER_TIMESTAMP' ? 'producer' : 'server';
	return {
		mode,
		clock,
		...readRange(selector, { mode, clock, nowMs }),
		container,
		discontinuities: discontinuities ?? (clock === 'server' ? 'ALWAYS' : 'NEVER'),
		showsTimestamps,
		expiresSeconds,
		maxFragments: maxFragments ?? (mode === 'ON_DEMAND' ? DEFAULT_RESULTS : DEFAULT_LIVE_RESULTS),
	};
}

function readRange(
	selector: RequestFields | undefined,
	{ mode, clock, nowMs }: { mode: PlaybackMode; clock: RangeClock; nowMs: number },
): { startMs: number | null; endMs: number | null } {
	const range = selector?.object('TimestampRange');
	if (mode === 'LIVE') {
		if (range === undefined) return { startMs: null, endMs: null };
		throw invalidArgument('expected no TimestampRange with the PlaybackMode LIVE');
	}
	if (range === undefined) {
		throw invalidArgument(
			`expected an HLSFragmentSelector with a TimestampRange for the PlaybackMode ${mode}`,
		);
	}
	const startMs = range.timeMs('StartTimestamp');
	const endMs =
		mode === 'ON_DEMAND' ? range.timeMs('EndTimestamp') : (range.optionalTimeMs('EndTimestamp') ?? null);
	if (endMs !== null && endMs <= startMs) {
		throw invalidArgument(
			`expected EndTimestamp to be later than StartTimestamp, got ${endMs} and ${startMs}`,
		);
	}
	if (endMs !== null && endMs - startMs > MAX_RANGE_MS) {
		throw invalidArgument(
			`expected EndTimestamp within 24 hours of StartTimestamp, got ${endMs} and ${startMs}`,
		);
	}
	if (clock === 'server') {
		if (endMs !== null && endMs >= nowMs) {
			throw invalidArgument(`expected EndTimestamp to be in the past, got ${endMs}`);
		}
		if (startMs <= nowMs - RETENTION_MS) {
			throw invalidArgument(`Start timestamp ${startMs} is outside of the stream retention period.`);
		}
	}
	return { startMs, endMs };
}
