import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import {
	display,
	type FragmentSelector,
	SESSION_OPTION_NAMES,
	type SessionMembers,
	type SessionOptions,
	toSessionMembers,
} from './session-options.js';

/**
 * What a DASH session plays (GetDASHStreamingSessionURL). Codecs must stay the same in a session, and audio alone is not
 * played: HLS takes more.
 */
export interface DashSessionOptions extends SessionOptions {
	/** Whether each fragment's number is in the manifest (`kvs:fn`). @default false */
	readonly fragmentNumbers?: boolean | undefined;
}

const DASH_OPTION_NAMES: OptionNames<DashSessionOptions> = { ...SESSION_OPTION_NAMES, fragmentNumbers: true };

/** Members of GetDASHStreamingSessionURL, but for the stream's. */
export interface DashSessionRequest extends SessionMembers {
	readonly DASHFragmentSelector?: FragmentSelector;
	readonly DisplayFragmentNumber?: 'ALWAYS' | 'NEVER';
	readonly MaxManifestFragmentResults?: number;
}

/** Checks options, and says them in the service's words. `nowMs`: epoch milliseconds. Throws `InvalidOptionError`. */
export function toDashSessionRequest(options: DashSessionOptions, nowMs: number): DashSessionRequest {
	checkOptionNames(options, DASH_OPTION_NAMES);
	const { fragmentNumbers } = options;
	const { members, selector, maxFragments } = toSessionMembers(options, nowMs);
	return {
		...members,
		...(selector && { DASHFragmentSelector: selector }),
		...(fragmentNumbers !== undefined && {
			DisplayFragmentNumber: display('fragmentNumbers', fragmentNumbers),
		}),
		...(maxFragments !== undefined && { MaxManifestFragmentResults: maxFragments }),
	};
}
