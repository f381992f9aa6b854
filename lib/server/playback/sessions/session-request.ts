import type { RangeClock } from '../../../model/time-range.js';
import type { RequestFields } from '../../wire/request-fields.js';
import { invalidArgument } from '../../wire/service-error.js';
import type { ContainerFormat } from '../packaging/container-format.js';
import type { PlaybackProtocol } from '../packaging/playback-tracks.js';
import { checkRange } from './checked-range.js';

/** What a session plays, and what its playlists or its manifest look like. */
export interface SessionRequest {
	readonly protocol: PlaybackProtocol;
	readonly mode: PlaybackMode;
	/** The clock of the range, and of the media timeline. */
	readonly clock: RangeClock;
	/** First start of a fragment that counts, epoch milliseconds; null for LIVE. */
	readonly startMs: number | null;
	/** Last one, included; null for LIVE, and for a LIVE_REPLAY without an end. */
	readonly endMs: number | null;
	readonly container: ContainerFormat;
	readonly discontinuities: DiscontinuityMode;
	/** Whether playlists or the manifest say each fragment's time. */
	readonly showsTimestamps: boolean;
	/** Whether the manifest says each fragment's number. */
	readonly showsNumbers: boolean;
	readonly expiresSeconds: number;
	/** How many fragments a media playlist or a manifest holds at most. */
	readonly maxFragments: number;
}

const playbackModes = ['LIVE', 'LIVE_REPLAY', 'ON_DEMAND'] as const;
const displayModes = ['ALWAYS', 'NEVER'] as const;
const selectorTypes = ['SERVER_TIMESTAMP', 'PRODUCER_TIMESTAMP'] as const;

/** Where a session begins and how it grows (PlaybackMode). */
export type PlaybackMode = (typeof playbackModes)[number];

/** Between which fragments playlists let a player begin a new timeline (DiscontinuityMode). */
export type DiscontinuityMode = 'ALWAYS' | 'NEVER' | 'ON_DISCONTINUITY';

const EXPIRES = { min: 300, max: 43_200 };
const MAX_RESULTS = { min: 1, max: 5000 };
const DEFAULT_RESULTS = 1000;
const DEFAULT_LIVE_RESULTS = 5;

/** The members whose names differ between HLS and DASH. */
export interface MemberNames {
	readonly selector: string;
	readonly maxResults: string;
}

/** What the requests for sessions of both protocols say. */
export type CommonSessionFields = Omit<
	SessionRequest,
	'protocol' | 'container' | 'discontinuities' | 'showsNumbers'
>;

/**
 * Reads the members that the requests for sessions of both protocols have, fills in the service's defaults and checks them
 * against its rules (HLSFragmentSelector and HLSTimestampRange of the API reference; DASH's are word for word the same).
 * `nowMs` is the archive's clock. Throws `InvalidArgumentException`.
 */
export function readSessionFields(
	request: RequestFields,
	names: MemberNames,
	nowMs: number,
): CommonSessionFields {
	const mode = request.optionalOneOf('PlaybackMode', playbackModes) ?? 'LIVE';
	const showsTimestamps = readDisplay(request, 'DisplayFragmentTimestamp');
	const expiresSeconds = request.integer('Expires', EXPIRES) ?? EXPIRES.min;
	const maxFragments = request.integer(names.maxResults, MAX_RESULTS);
	const selector = request.object(names.selector);
	const type = selector?.optionalOneOf('FragmentSelectorType', selectorTypes);
	const clock = type === 'PRODUCER_TIMESTAMP' ? 'producer' : 'server';
	return {
		mode,
		clock,
		...readRange(selector, names.selector, { mode, clock, nowMs }),
		showsTimestamps,
		expiresSeconds,
		maxFragments: maxFragments ?? (mode === 'ON_DEMAND' ? DEFAULT_RESULTS : DEFAULT_LIVE_RESULTS),
	};
}

/** Whether something is shown (DisplayFragmentTimestamp, DisplayFragmentNumber). Throws `InvalidArgumentException`. */
export function readDisplay(request: RequestFields, member: string): boolean {
	return request.optionalOneOf(member, displayModes) === 'ALWAYS';
}

function readRange(
	selector: RequestFields | undefined,
	selectorName: string,
	{ mode, clock, nowMs }: { mode: PlaybackMode; clock: RangeClock; nowMs: number },
): { startMs: number | null; endMs: number | null } {
	const range = selector?.object('TimestampRange');
	if (mode === 'LIVE') {
		if (range === undefined) return { startMs: null, endMs: null };
		throw invalidArgument('expected no TimestampRange with the PlaybackMode LIVE');
	}
	if (range === undefined) {
		throw invalidArgument(
			`expected the ${selectorName} with a TimestampRange that the PlaybackMode ${mode} needs`,
		);
	}
	const startMs = range.timeMs('StartTimestamp');
	const endMs =
		mode === 'ON_DEMAND' ? range.timeMs('EndTimestamp') : (range.optionalTimeMs('EndTimestamp') ?? null);
	checkRange({ startMs, endMs, clock }, nowMs);
	return { startMs, endMs };
}
