import type { SessionWindow } from '../sessions/playback-session.js';
import { resourceUri } from '../sessions/resource-uri.js';
import type { SessionEntry } from '../sessions/session-entry.js';
import type { SessionRequest } from '../sessions/session-request.js';

/** What a media playlist is made of. */
export interface MediaPlaylistFields {
	readonly request: SessionRequest;
	readonly window: SessionWindow;
	readonly token: string;
	/** The track it is of; null for a transport stream, which has all of them. */
	readonly trackNumber: number | null;
}

/** Versions of the protocol: EXT-X-MAP for media takes 6, EXTINF with a fraction 3 (RFC 8216 §7). The service says 7. */
const MP4_VERSION = 7;
const TS_VERSION = 3;

/** Stands for the fragment's number in the URI that all fragments of a playlist share. */
const NUMBER = '$Number$';

/**
 * A media playlist (RFC 8216 §4.3.3), in the service's order of tags. Those of a session differ in the URIs alone.
 *
 * Written by hand: hls-parser's writer refuses a tag that stands in a playlist twice, as the program date-time of two
 * fragments that came at once does, and takes quadratic time in the number of fragments.
 */
export function mediaPlaylist({ request, window, token, trackNumber }: MediaPlaylistFields): string {
	const { entries, isComplete, longestMs } = window;
	const [first] = entries as [SessionEntry, ...SessionEntry[]];
	const isMp4 = trackNumber !== null;
	const lines = ['#EXTM3U', `#EXT-X-VERSION:${isMp4 ? MP4_VERSION : TS_VERSION}`];
	if (request.mode === 'ON_DEMAND') lines.push('#EXT-X-PLAYLIST-TYPE:VOD');
	lines.push(`#EXT-X-TARGETDURATION:${Math.max(1, Math.ceil(longestMs / 1000))}`);
	lines.push(`#EXT-X-MEDIA-SEQUENCE:${first.sequence}`);
	if (first.discontinuitiesBefore > 0) {
		lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${first.discontinuitiesBefore}`);
	}
	if (isMp4) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
	const track = trackNumber === null ? {} : { TrackNumber: trackNumber };
	const [beforeNumber = '', afterNumber = ''] = resourceUri(isMp4 ? 'GetMP4MediaFragment' : 'GetTSFragment', {
		FragmentNumber: NUMBER,
		SessionToken: token,
		...track,
	}).split(NUMBER);
	let initialization: number | null = null;
	for (const entry of entries) {
		if (entry.isDiscontinuous) lines.push('#EXT-X-DISCONTINUITY');
		if (isMp4 && entry.initialization !== initialization) {
			initialization = entry.initialization;
			const uri = resourceUri('GetMP4InitFragment', {
				SessionToken: token,
				...track,
				SequenceNumber: initialization,
			});
			lines.push(`#EXT-X-MAP:URI="${uri}"`);
		}
		if (request.showsTimestamps) {
			lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(entry.startMs).toISOString()}`);
		}
		lines.push(
			`#EXTINF:${seconds(entry.segmentMs)},`,
			`${beforeNumber}${entry.fragment.number}${afterNumber}`,
		);
	}
	if (isComplete) lines.push('#EXT-X-ENDLIST');
	return `${lines.join('\n')}\n`;
}

/** Whole milliseconds as the service prints them: `5.0`, `1.01`, `0.998`. */
function seconds(durationMs: number): string {
	const text = (Math.max(1, Math.floor(durationMs + ROUNDING)) / 1000).toString();
	return text.includes('.') ? text : `${text}.0`;
}

/** Durations are sums of fractions; what is less than a thousandth below a whole millisecond counts as that millisecond. */
const ROUNDING = 0.001;
