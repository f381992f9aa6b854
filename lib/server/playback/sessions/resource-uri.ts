import type { PlaybackProtocol } from '../packaging/playback-tracks.js';

/** Where the resources of sessions are, below the server's address. URIs in playlists and manifests are relative to it. */
export const playbackPaths: Readonly<Record<PlaybackProtocol, string>> = {
	hls: '/hls/v1/',
	dash: '/dash/v1/',
};

/** The resources, as the service names the call for each. The value is the last part of its path. */
export const resourceNames = {
	GetHLSMasterPlaylist: 'getHLSMasterPlaylist.m3u8',
	GetHLSMediaPlaylist: 'getHLSMediaPlaylist.m3u8',
	GetDASHManifest: 'getDASHManifest.mpd',
	GetMP4InitFragment: 'getMP4InitFragment.mp4',
	GetMP4MediaFragment: 'getMP4MediaFragment.mp4',
	GetTSFragment: 'getTSFragment.ts',
} as const;

/** One of the calls for a session's resources. */
export type ResourceName = keyof typeof resourceNames;

/** The query of a resource's URI. */
export interface ResourceQuery {
	/** In HLS the fragment's own number; in DASH its number in the session, or what stands for it in a template. */
	readonly FragmentNumber?: string;
	readonly SessionToken: string;
	readonly TrackNumber?: number;
	readonly SequenceNumber?: number;
}

/** A resource's URI, relative to one of the {@link playbackPaths}. None of its characters needs percent-encoding. */
export function resourceUri(name: ResourceName, query: ResourceQuery): string {
	const pairs = Object.entries(query).map(([key, value]) => `${key}=${value}`);
	return `${resourceNames[name]}?${pairs.join('&')}`;
}
