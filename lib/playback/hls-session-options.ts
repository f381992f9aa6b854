import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import {
	choose,
	type FragmentSelector,
	SESSION_OPTION_NAMES,
	type SessionMembers,
	type SessionOptions,
	toSessionMembers,
} from './session-options.js';

/**
 * What an HLS session plays, and how (GetHLSStreamingSessionURL).
 *
 * Names in lower case are the service's in upper case. What is left out is the service's default, but for `container` and
 * `discontinuity`: their defaults here are what every player plays to the end.
 */
export interface HlsSessionOptions extends SessionOptions {
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
}

const HLS_OPTION_NAMES: OptionNames<HlsSessionOptions> = {
	...SESSION_OPTION_NAMES,
	container: true,
	discontinuity: true,
};

/** Members of GetHLSStreamingSessionURL, but for the stream's. */
export interface HlsSessionRequest extends SessionMembers {
	readonly HLSFragmentSelector?: FragmentSelector;
	readonly ContainerFormat: 'FRAGMENTED_MP4' | 'MPEG_TS';
	readonly DiscontinuityMode: 'ALWAYS' | 'NEVER' | 'ON_DISCONTINUITY';
	readonly MaxMediaPlaylistFragmentResults?: number;
}

const containers = { fmp4: 'FRAGMENTED_MP4', ts: 'MPEG_TS' } as const;
const discontinuities = { always: 'ALWAYS', never: 'NEVER', 'on-discontinuity': 'ON_DISCONTINUITY' } as const;

/** Checks options, and says them in the service's words. `nowMs`: epoch milliseconds. Throws `InvalidOptionError`. */
export function toHlsSessionRequest(options: HlsSessionOptions, nowMs: number): HlsSessionRequest {
	checkOptionNames(options, HLS_OPTION_NAMES);
	const { container = 'ts', discontinuity = 'on-discontinuity' } = options;
	const { members, selector, maxFragments } = toSessionMembers(options, nowMs);
	return {
		...members,
		...(selector && { HLSFragmentSelector: selector }),
		ContainerFormat: choose('container', containers, container),
		DiscontinuityMode: choose('discontinuity', discontinuities, discontinuity),
		...(maxFragments !== undefined && { MaxMediaPlaylistFragmentResults: maxFragments }),
	};
}
