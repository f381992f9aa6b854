import { InvalidOptionError } from '../errors.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { RangeClock } from '../model/time-range.js';

/**
 * What an HLS session plays, and how (GetHLSStreamingSessionURL).
 *
 * Names in lower case are the service's in upper case. What is left out is the service's default, but for `container` and
 * `discontinuity`: their defaults here are what every player plays to the end.
 */
export interface HlsSessionOptions {
	/**
	 * `on-demand`: the fragments of a range, oldest first, in a playlist that stays as it is. `live`: the newest fragments;
	 * takes no range. `live-replay`: from `from` on as if it were live, to `to` or for as long as the session lasts.
	 * @default 'on-demand' where `from` is given, else 'live'
	 */
	readonly mode?: 'live' | 'live-replay' | 'on-demand' | undefined;
	/** Fragments that begin from here on. One that begins before and runs into the range is not played. */
	readonly from?: Date | undefined;
	/** The last moment at which a fragment may begin: after `from`, by a day at most; on the server's clock not in the future. */
	readonly to?: Date | undefined;
	/** Whose clock the range, and the playlist's times, mean. @default 'server' */
	readonly by?: RangeClock | undefined;
	/**
	 * `ts`: MPEG transport stream. `fmp4`: fragmented MP4, 5 to 20 % smaller, and what Apple's players want for H.265; VLC
	 * stops there at the first discontinuity. The service's own default is `fmp4`.
	 * @default 'ts'
	 */
	readonly container?: 'fmp4' | 'ts' | undefined;
	/**
	 * Where the playlist says that the media does not go on: between all fragments, nowhere, or where it does not go on. The
	 * service's own default is `always` on the server's clock and `never` on the producer's. With `always` players begin
	 * anew with each fragment, and VLC stops or skips; with `never` nothing prepares them for a gap.
	 * @default 'on-discontinuity'
	 */
	readonly discontinuity?: 'always' | 'never' | 'on-discontinuity' | undefined;
	/** Whether each fragment's time is in the playlist (`EXT-X-PROGRAM-DATE-TIME`). @default false */
	readonly fragmentTimestamps?: boolean | undefined;
	/** How long the session lasts, in seconds: 300 to 43,200 (12 hours). @default 300 */
	readonly expiresIn?: number | undefined;
	/** Fragments in a playlist, 1 to 5,000. @default 5; 1000 on demand */
	readonly maxFragments?: number | undefined;
}

const HLS_OPTION_NAMES: OptionNames<HlsSessionOptions> = {
	mode: true,
	from: true,
	to: true,
	by: true,
	container: true,
	discontinuity: true,
	fragmentTimestamps: true,
	expiresIn: true,
	maxFragments: true,
};

/** Members of GetHLSStreamingSessionURL, but for the stream's. */
export interface HlsSessionRequest {
	readonly PlaybackMode: 'LIVE' | 'LIVE_REPLAY' | 'ON_DEMAND';
	readonly HLSFragmentSelector?: {
		readonly FragmentSelectorType: 'SERVER_TIMESTAMP' | 'PRODUCER_TIMESTAMP';
		readonly TimestampRange?: { readonly StartTimestamp: Date; readonly EndTimestamp?: Date };
	};
	readonly ContainerFormat: 'FRAGMENTED_MP4' | 'MPEG_TS';
	readonly DiscontinuityMode: 'ALWAYS' | 'NEVER' | 'ON_DISCONTINUITY';
	readonly DisplayFragmentTimestamp?: 'ALWAYS' | 'NEVER';
	readonly Expires: number;
	readonly MaxMediaPlaylistFragmentResults?: number;
}

const modes = { live: 'LIVE', 'live-replay': 'LIVE_REPLAY', 'on-demand': 'ON_DEMAND' } as const;
const clocks = { server: 'SERVER_TIMESTAMP', producer: 'PRODUCER_TIMESTAMP' } as const;
const containers = { fmp4: 'FRAGMENTED_MP4', ts: 'MPEG_TS' } as const;
const discontinuities = { always: 'ALWAYS', never: 'NEVER', 'on-discontinuity': 'ON_DISCONTINUITY' } as const;

/** The shortest session; also the service's default. */
const MIN_EXPIRES_SECONDS = 300;
const MAX_EXPIRES_SECONDS = 43_200;

const MAX_PLAYLIST_FRAGMENTS = 5000;

/** The longest range: 24 hours. */
const MAX_RANGE_MS = 24 * 3_600_000;

/**
 * Checks options by every rule that the service has for them and needs no look at the stream (HLSTimestampRange,
 * GetHLSStreamingSessionURL), and says them in its words. `nowMs`: epoch milliseconds. Throws {@link InvalidOptionError}.
 */
export function toHlsSessionRequest(options: HlsSessionOptions, nowMs: number): HlsSessionRequest {
	checkOptionNames(options, HLS_OPTION_NAMES);
	const { mode = options.from === undefined ? 'live' : 'on-demand', by } = options;
	const { container = 'ts', discontinuity = 'on-discontinuity' } = options;
	const { fragmentTimestamps, expiresIn = MIN_EXPIRES_SECONDS, maxFragments } = options;
	const PlaybackMode = choose('mode', modes, mode);
	const clock = by === undefined ? undefined : choose('by', clocks, by);
	if (fragmentTimestamps !== undefined && typeof fragmentTimestamps !== 'boolean') {
		throw new InvalidOptionError('fragmentTimestamps', 'true or false', fragmentTimestamps);
	}
	checkInteger('expiresIn', expiresIn, MIN_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS, ' of seconds');
	if (maxFragments !== undefined) checkInteger('maxFragments', maxFragments, 1, MAX_PLAYLIST_FRAGMENTS);
	const range = mode === 'live' ? checkNoRange(options) : checkRange(options, mode, nowMs);
	return {
		PlaybackMode,
		...((range !== undefined || clock !== undefined) && {
			HLSFragmentSelector: {
				FragmentSelectorType: clock ?? clocks.server,
				...(range && { TimestampRange: range }),
			},
		}),
		ContainerFormat: choose('container', containers, container),
		DiscontinuityMode: choose('discontinuity', discontinuities, discontinuity),
		...(fragmentTimestamps !== undefined && {
			DisplayFragmentTimestamp: fragmentTimestamps ? ('ALWAYS' as const) : ('NEVER' as const),
		}),
		Expires: expiresIn,
		...(maxFragments !== undefined && { MaxMediaPlaylistFragmentResults: maxFragments }),
	};
}

function checkNoRange({ from, to }: HlsSessionOptions): undefined {
	for (const [name, date] of Object.entries({ from, to })) {
		if (date !== undefined) throw new InvalidOptionError(name, "left out with `mode: 'live'`", date);
	}
}

function checkRange(
	{ from, to, by = 'server' }: HlsSessionOptions,
	mode: 'live-replay' | 'on-demand',
	nowMs: number,
): { StartTimestamp: Date; EndTimestamp?: Date } {
	if (from === undefined) throw new InvalidOptionError('from', `given with \`mode: '${mode}'\``, from);
	checkDate('from', from);
	if (to === undefined) {
		if (mode === 'on-demand') throw new InvalidOptionError('to', "given with `mode: 'on-demand'`", to);
		return { StartTimestamp: from };
	}
	checkDate('to', to);
	const lengthMs = to.getTime() - from.getTime();
	if (lengthMs <= 0) throw new InvalidOptionError('to', `after \`from\` (${from.toISOString()})`, to);
	if (lengthMs > MAX_RANGE_MS) {
		throw new InvalidOptionError('to', `at most 24 hours after \`from\` (${from.toISOString()})`, to);
	}
	if (by === 'server' && to.getTime() > nowMs) {
		const now = new Date(nowMs).toISOString();
		throw new InvalidOptionError('to', `not in the future on the server's clock (it is ${now})`, to);
	}
	return { StartTimestamp: from, EndTimestamp: to };
}

function choose<Choices extends Readonly<Record<string, string>>>(
	option: string,
	choices: Choices,
	value: unknown,
): Choices[keyof Choices] {
	if (typeof value === 'string' && Object.hasOwn(choices, value)) return choices[value as keyof Choices];
	const names = Object.keys(choices).map((name) => `'${name}'`);
	throw new InvalidOptionError(option, `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`, value);
}

function checkDate(option: string, date: unknown): void {
	if (date instanceof Date && date.getTime() >= 0) return;
	throw new InvalidOptionError(option, 'a valid Date since 1970', date);
}

function checkInteger(option: string, value: unknown, min: number, max: number, unit = ''): void {
	if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
	throw new InvalidOptionError(option, `a whole number${unit} from ${min} to ${max}`, value);
}
