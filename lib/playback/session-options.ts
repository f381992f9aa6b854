import { InvalidOptionError } from '../errors.js';
import { type Instant, resolveInstant } from '../model/instant.js';
import type { OptionNames } from '../model/known-options.js';
import type { RangeClock } from '../model/time-range.js';

/** What a playback session plays. What is left out is the service's default. */
export interface SessionOptions {
	/**
	 * `on-demand`: the fragments of a range, oldest first, in a list that stays as it is. `live`: the newest fragments;
	 * takes no range. `live-replay`: from `from` on as if it were live, to `to` or for as long as the session lasts.
	 * @default 'on-demand' where `from` is given, else 'live'
	 */
	readonly mode?: 'live' | 'live-replay' | 'on-demand' | undefined;
	/** Fragments that begin from here on. One that begins before and runs into the range is not played. */
	readonly from?: Instant | undefined;
	/** The last moment at which a fragment may begin: after `from`, by a day at most; on the server's clock not in the future. */
	readonly to?: Instant | undefined;
	/** Whose clock the range, and the times of what is listed, mean. @default 'server' */
	readonly by?: RangeClock | undefined;
	/** Whether each fragment's time is said: in playlists `EXT-X-PROGRAM-DATE-TIME`, in manifests `kvs:ts`. @default false */
	readonly fragmentTimestamps?: boolean | undefined;
	/** How long the session lasts, in seconds: 300 to 43,200 (12 hours). @default 300 */
	readonly expiresIn?: number | undefined;
	/** Fragments in a playlist or manifest, 1 to 5,000. @default 5; 1000 on demand */
	readonly maxFragments?: number | undefined;
}

/** The names of {@link SessionOptions}. */
export const SESSION_OPTION_NAMES: OptionNames<SessionOptions> = {
	mode: true,
	from: true,
	to: true,
	by: true,
	fragmentTimestamps: true,
	expiresIn: true,
	maxFragments: true,
};

/** Which fragments a session plays, as the service's requests say it. */
export interface FragmentSelector {
	readonly FragmentSelectorType: 'SERVER_TIMESTAMP' | 'PRODUCER_TIMESTAMP';
	readonly TimestampRange?: { readonly StartTimestamp: Date; readonly EndTimestamp?: Date };
}

/** Members that the requests for sessions of HLS and of DASH have, but for the stream's. */
export interface SessionMembers {
	readonly PlaybackMode: 'LIVE' | 'LIVE_REPLAY' | 'ON_DEMAND';
	readonly DisplayFragmentTimestamp?: 'ALWAYS' | 'NEVER';
	readonly Expires: number;
}

const modes = { live: 'LIVE', 'live-replay': 'LIVE_REPLAY', 'on-demand': 'ON_DEMAND' } as const;
const clocks = { server: 'SERVER_TIMESTAMP', producer: 'PRODUCER_TIMESTAMP' } as const;

/** The shortest session; also the service's default. */
const MIN_EXPIRES_SECONDS = 300;
const MAX_EXPIRES_SECONDS = 43_200;

const MAX_FRAGMENTS = 5000;

/** The longest range: 24 hours. */
const MAX_RANGE_MS = 24 * 3_600_000;

/**
 * Checks options by every rule that the service has for them and needs no look at the stream (HLSTimestampRange, which
 * DASHTimestampRange repeats), and says them in its words. `nowMs`: epoch milliseconds. Throws {@link InvalidOptionError}.
 */
export function toSessionMembers(
	options: SessionOptions,
	nowMs: number,
): { members: SessionMembers; selector: FragmentSelector | undefined; maxFragments: number | undefined } {
	const { mode = options.from === undefined ? 'live' : 'on-demand', by } = options;
	const { fragmentTimestamps, expiresIn = MIN_EXPIRES_SECONDS, maxFragments } = options;
	const PlaybackMode = choose('mode', modes, mode);
	const clock = by === undefined ? undefined : choose('by', clocks, by);
	checkInteger('expiresIn', expiresIn, MIN_EXPIRES_SECONDS, MAX_EXPIRES_SECONDS, ' of seconds');
	if (maxFragments !== undefined) checkInteger('maxFragments', maxFragments, 1, MAX_FRAGMENTS);
	const range = mode === 'live' ? checkNoRange(options) : checkRange(options, mode, nowMs);
	const isSelected = range !== undefined || clock !== undefined;
	return {
		members: {
			PlaybackMode,
			...(fragmentTimestamps !== undefined && {
				DisplayFragmentTimestamp: display('fragmentTimestamps', fragmentTimestamps),
			}),
			Expires: expiresIn,
		},
		selector: isSelected
			? { FragmentSelectorType: clock ?? clocks.server, ...(range && { TimestampRange: range }) }
			: undefined,
		maxFragments,
	};
}

/** Whether something is said, in the service's words. Throws {@link InvalidOptionError}. */
export function display(option: string, isShown: unknown): 'ALWAYS' | 'NEVER' {
	if (typeof isShown !== 'boolean') throw new InvalidOptionError(option, 'true or false', isShown);
	return isShown ? 'ALWAYS' : 'NEVER';
}

function checkNoRange({ from, to }: SessionOptions): undefined {
	for (const [name, date] of Object.entries({ from, to })) {
		if (date !== undefined) throw new InvalidOptionError(name, "left out with `mode: 'live'`", date);
	}
}

function checkRange(
	options: SessionOptions,
	mode: 'live-replay' | 'on-demand',
	nowMs: number,
): { StartTimestamp: Date; EndTimestamp?: Date } {
	const { by = 'server' } = options;
	if (options.from === undefined)
		throw new InvalidOptionError('from', `given with \`mode: '${mode}'\``, options.from);
	const from = new Date(resolveInstant('from', options.from));
	if (options.to === undefined) {
		if (mode === 'on-demand')
			throw new InvalidOptionError('to', "given with `mode: 'on-demand'`", options.to);
		return { StartTimestamp: from };
	}
	const to = new Date(resolveInstant('to', options.to));
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

/** The service's word for one of ours. Throws {@link InvalidOptionError}. */
export function choose<Choices extends Readonly<Record<string, string>>>(
	option: string,
	choices: Choices,
	value: unknown,
): Choices[keyof Choices] {
	if (typeof value === 'string' && Object.hasOwn(choices, value)) return choices[value as keyof Choices];
	const names = Object.keys(choices).map((name) => `'${name}'`);
	throw new InvalidOptionError(
		option,
		new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names),
		value,
	);
}

function checkInteger(option: string, value: unknown, min: number, max: number, unit = ''): void {
	if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
	throw new InvalidOptionError(option, `a whole number${unit} from ${min} to ${max}`, value);
}
