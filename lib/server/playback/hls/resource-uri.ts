/** Where the resources of a session are, below the server's address. URIs in playlists are relative to it. */
export const HLS_PATH = '/hls/v1/';

/** The resources, as the service names the call for each. The value is the last part of its path. */
export const resourceNames = {
	GetHLSMasterPlaylist: 'getHLSMasterPlaylist.m3u8',
	GetHLSMediaPlaylist: 'getHLSMediaPlaylist.m3u8',
	GetMP4InitFragment: 'getMP4InitFragment.mp4',
	GetMP4MediaFragment: 'getMP4MediaFragment.mp4',
	GetTSFragment: 'getTSFragment.ts',
} as const;

/** One of the calls for a session's resources. */
export type ResourceName = keyof typeof resourceNames;

/** The query of a resource's URI. */
export interface ResourceQuery {
	readonly FragmentNumber?: string;
	readonly SessionToken: string;
	readonly TrackNumber?: number;
	readonly SequenceNumber?: number;
}

/** A resource's URI, relative to {@link HLS_PATH}. None of its characters needs percent-encoding. */
export function resourceUri(name: ResourceName, query: ResourceQuery): string {
	const pairs = Object.entries(query).map(([key, value]) => `${key}=${value}`);
	return `${resourceNames[name]}?${pairs.join('&')}`;
}
