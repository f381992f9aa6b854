import type { IncomingMessage } from 'node:http';
import { invalidArgument, unknownOperation } from '../../wire/service-error.js';
import type { PlaybackProtocol } from '../packaging/playback-tracks.js';
import { playbackPaths, type ResourceName, resourceNames } from '../sessions/resource-uri.js';

/** A request for a resource of a session, or the CORS preflight of one. */
export interface RequestedResource {
	readonly name: ResourceName;
	/** The protocol of its session. */
	readonly protocol: PlaybackProtocol;
	/** Whether it is a CORS preflight, which a browser sends before the request itself. */
	readonly isPreflight: boolean;
	readonly token: string;
	readonly trackNumber: number | null;
	/** Number of the initialization. */
	readonly sequenceNumber: number;
	readonly fragmentNumber: string | null;
}

/**
 * Players are web pages of any origin. This gives them no access: a session's token is in the URL, and no credentials are sent
 * along. Pages of the internet may reach a machine's own addresses only where these say so.
 */
export const crossOriginHeaders: Readonly<Record<string, string>> = {
	'Access-Control-Allow-Origin': '*',
	'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
	'Access-Control-Allow-Headers': '*',
	'Access-Control-Allow-Private-Network': 'true',
	'Access-Control-Max-Age': '86400',
};

/** The resources of each protocol's sessions. */
const names: Readonly<Record<PlaybackProtocol, readonly ResourceName[]>> = {
	hls: [
		'GetHLSMasterPlaylist',
		'GetHLSMediaPlaylist',
		'GetMP4InitFragment',
		'GetMP4MediaFragment',
		'GetTSFragment',
	],
	dash: ['GetDASHManifest', 'GetMP4InitFragment', 'GetMP4MediaFragment'],
};

const resourcesByPath: ReadonlyMap<string, Pick<RequestedResource, 'name' | 'protocol'>> = new Map(
	(['hls', 'dash'] as const).flatMap((protocol) =>
		names[protocol].map((name) => [playbackPaths[protocol] + resourceNames[name], { name, protocol }]),
	),
);

/** The most digits of an initialization's number: there are at most 501. */
const NUMBER_PATTERN = /^[0-9]{1,4}$/;

/** Whether a request's target is one of the resources of sessions, which their tokens alone open. */
export function isPlaybackPath(url = ''): boolean {
	return Object.values(playbackPaths).some((path) => url.startsWith(path));
}

/** The resource that a request for a playback path is for. Throws `ServiceError`. */
export function findResource({ method = '', url = '' }: IncomingMessage): RequestedResource {
	const [path = '', query = ''] = url.split('?', 2);
	const resource = resourcesByPath.get(path);
	if (resource === undefined || !['GET', 'HEAD', 'OPTIONS'].includes(method)) {
		throw unknownOperation(method, path);
	}
	const parameters = new URLSearchParams(query);
	return {
		...resource,
		isPreflight: method === 'OPTIONS',
		token: parameters.get('SessionToken') ?? '',
		trackNumber: readNumber(parameters, 'TrackNumber'),
		sequenceNumber: readNumber(parameters, 'SequenceNumber') ?? 0,
		fragmentNumber: parameters.get('FragmentNumber'),
	};
}

function readNumber(parameters: URLSearchParams, name: string): number | null {
	const text = parameters.get(name);
	if (text === null) return null;
	if (!NUMBER_PATTERN.test(text)) throw invalidArgument(`expected ${name} to be a whole number`);
	return Number(text);
}
