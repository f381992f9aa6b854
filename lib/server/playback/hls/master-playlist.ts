import type { ContainerFormat } from '../packaging/container-format.js';
import type { PlaybackTracks } from '../packaging/playback-tracks.js';
import { resourceUri } from '../sessions/resource-uri.js';

/** The contents of a master playlist. */
export interface MasterPlaylistFields {
	readonly tracks: PlaybackTracks;
	readonly container: ContainerFormat;
	readonly token: string;
	/** Peak of both tracks together, bits per second. */
	readonly bandwidth: number;
	/** Frames per second; null where there are fewer than two. */
	readonly frameRate: number | null;
}

/**
 * The master playlist (RFC 8216 §4.3.4): one variant, and in MP4 audio beside video as a rendition of its own, in the
 * service's order of attributes.
 */
export function masterPlaylist({
	tracks,
	container,
	token,
	bandwidth,
	frameRate,
}: MasterPlaylistFields): string {
	const [first, second] = tracks;
	const isSplit = container === 'FRAGMENTED_MP4';
	const attributes = [`CODECS="${tracks.map(({ codec }) => codec).join(',')}"`];
	if (first?.type === 'video') attributes.push(`RESOLUTION=${first.width}x${first.height}`);
	if (frameRate !== null) attributes.push(`FRAME-RATE=${frameRate.toFixed(3)}`);
	attributes.push(`BANDWIDTH=${Math.max(1, Math.ceil(bandwidth))}`);
	const playlistOf = (trackNumber: number): string =>
		resourceUri('GetHLSMediaPlaylist', {
			SessionToken: token,
			...(isSplit && { TrackNumber: trackNumber }),
		});
	const lines = ['#EXTM3U', '#EXT-X-VERSION:1'];
	if (isSplit && second !== undefined) {
		lines.push(
			`#EXT-X-MEDIA:AUTOSELECT=YES,FORCED=NO,TYPE=AUDIO,URI="${playlistOf(2)}",GROUP-ID="audio",DEFAULT=NO,NAME="audio"`,
		);
		attributes.push('AUDIO="audio"');
	}
	lines.push(`#EXT-X-STREAM-INF:${attributes.join(',')}`, playlistOf(1));
	return `${lines.join('\n')}\n`;
}
