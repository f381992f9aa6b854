import { MediaError } from '../errors.js';
import { MAX_CODEC_PRIVATE_BYTES, MAX_PRODUCER_TRACKS } from '../model/fragment-limits.js';
import type { Track } from '../model/track.js';
import { counted } from '../wording/counted.js';

/** The tracks of a source that are fed. */
export interface FeedTracks {
	/** One to three, of video and audio. */
	readonly tracks: readonly Track[];
	/** The one at whose key frames fragments begin: the first of video, else the first of audio. */
	readonly lead: Track;
	/** The tracks that are not fed, and why: one sentence each. */
	readonly omissions: readonly string[];
}

/** Chooses the tracks to be fed. Throws {@link MediaError} where the service would not take them. */
export function chooseTracks(all: readonly Track[]): FeedTracks {
	const tracks = all.filter(({ type }) => type === 'video' || type === 'audio');
	const lead = tracks.find(({ type }) => type === 'video') ?? tracks[0];
	if (lead === undefined) throw unsupported(`no track of video or audio among ${listed(all)}`);
	if (tracks.length > MAX_PRODUCER_TRACKS) {
		throw unsupported(
			`expected at most ${MAX_PRODUCER_TRACKS} tracks of video and audio, got ${tracks.length} (${listed(tracks)}); leave some out, as with ffmpeg's -map`,
		);
	}
	for (const track of tracks) {
		const sizeBytes = track.codecPrivate?.byteLength ?? 0;
		if (sizeBytes > MAX_CODEC_PRIVATE_BYTES) {
			throw unsupported(
				`expected a CodecPrivate of at most ${MAX_CODEC_PRIVATE_BYTES} bytes in ${trackName(track)}, got ${counted(sizeBytes, 'byte')}`,
			);
		}
	}
	const omitted = all.filter((track) => !tracks.includes(track));
	return { tracks, lead, omissions: omitted.map((track) => `${trackName(track)} is left out`) };
}

/** A track as messages name it. */
export function trackName({ number, type, codecId }: Track): string {
	return `track ${number} (${type}, \`${codecId}\`)`;
}

/** The error of media that the service would not take. */
export function unsupported(message: string): MediaError {
	return new MediaError('KVS_MEDIA_UNSUPPORTED', message);
}

function listed(tracks: readonly Track[]): string {
	return tracks.length === 0 ? 'no tracks at all' : tracks.map(trackName).join(', ');
}
