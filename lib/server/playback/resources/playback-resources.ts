import type { Track } from '../../../model/track.js';
import { type Reply, resourceReply } from '../../http/reply.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import { invalidArgument, ServiceError } from '../../wire/service-error.js';
import { manifest } from '../dash/manifest.js';
import { masterPlaylist } from '../hls/master-playlist.js';
import { mediaPlaylist } from '../hls/media-playlist.js';
import { FragmentPackager } from '../packaging/fragment-packager.js';
import type { Packaging } from '../packaging/packaged-fragment.js';
import type { PlaybackSession } from '../sessions/playback-session.js';
import type { PlaybackSessions } from '../sessions/playback-sessions.js';
import type { ResourceName } from '../sessions/resource-uri.js';
import type { SessionEntry } from '../sessions/session-entry.js';
import { crossOriginHeaders, type RequestedResource } from './requested-resource.js';

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
const MANIFEST_TYPE = 'application/dash+xml';
const MP4_TYPE = 'video/mp4';
const TS_TYPE = 'video/mp2t';

/** What costs as many metadata points as it lists fragments at most. */
const listings: ReadonlySet<ResourceName> = new Set(['GetHLSMediaPlaylist', 'GetDASHManifest']);

/** A request for a resource whose session was found. */
export interface AdmittedResource {
	/** The session's; null for a preflight, which opens no session. */
	readonly stream: string | null;
	/** In fragment-media and fragment-metadata points of the stream. */
	readonly cost: { readonly fragmentsAsked: number; readonly metadataPoints: number };
	readonly reply: () => Promise<Reply>;
}

/** The resources of playback sessions: playlists, manifests, initializations and media. The token in the URL selects the session. */
export class PlaybackResources {
	readonly #sessions: PlaybackSessions;
	readonly #now: () => number;
	readonly #packager = new FragmentPackager();

	/** `now`: the archive's clock, epoch milliseconds. */
	constructor(sessions: PlaybackSessions, now: () => number) {
		this.#sessions = sessions;
		this.#now = now;
	}

	/**
	 * Admits a request for a resource that came at `arrivedAtMs`: what it costs its stream, and its reply.
	 *
	 * Throws `ServiceError`: 403 for a token without a session, 400 above a quota. The reply rejects with one: 404
	 * for a fragment that the session does not list, 400 for one that cannot be played.
	 */
	admit(resource: RequestedResource, arrivedAtMs: number): AdmittedResource {
		if (resource.isPreflight) {
			return {
				stream: null,
				cost: { fragmentsAsked: 0, metadataPoints: 0 },
				reply: async () => resourceReply('text/plain', [], crossOriginHeaders),
			};
		}
		const session = this.#sessions.find(resource.token, resource.protocol);
		this.#sessions.quotasOf(session).admit(resource.name, arrivedAtMs);
		const isFragment = resource.name === 'GetMP4MediaFragment' || resource.name === 'GetTSFragment';
		return {
			stream: session.stream.metadata.name,
			cost: {
				fragmentsAsked: isFragment ? 1 : 0,
				metadataPoints: listings.has(resource.name) ? session.request.maxFragments : 0,
			},
			reply: () => this.#reply(resource, session),
		};
	}

	async #reply(resource: RequestedResource, session: PlaybackSession): Promise<Reply> {
		const { token } = resource;
		switch (resource.name) {
			case 'GetHLSMasterPlaylist': {
				const { tracks, request } = session;
				if (request.container === 'FRAGMENTED_MP4') this.#prepare(tracks);
				const bandwidth = session.peakBandwidth;
				const frameRate = await this.#frameRate(session, session.oldest);
				return listReply(
					PLAYLIST_TYPE,
					masterPlaylist({ tracks, container: request.container, token, bandwidth, frameRate }),
				);
			}
			case 'GetHLSMediaPlaylist': {
				const { request } = session;
				const trackNumber =
					request.container === 'MPEG_TS' ? null : trackOf(session.tracks, resource.trackNumber).number;
				const window = await session.window(trackNumber ?? 0, this.#now());
				return listReply(PLAYLIST_TYPE, mediaPlaylist({ request, window, token, trackNumber }));
			}
			case 'GetDASHManifest': {
				const nowMs = this.#now();
				this.#prepare(session.tracks);
				const window = await session.window(0, nowMs);
				const frameRate = await this.#frameRate(session, session.oldest);
				return listReply(MANIFEST_TYPE, manifest({ session, window, token, frameRate, nowMs }));
			}
			case 'GetMP4InitFragment': {
				requireContainer(session, 'FRAGMENTED_MP4');
				const tracks = session.initialization(resource.sequenceNumber);
				if (tracks === undefined) {
					throw notFound(`no initialization fragment has the number ${resource.sequenceNumber}`);
				}
				const bytes = await this.#packager.initialization(trackOf(tracks, resource.trackNumber));
				return this.#mediaReply(session, MP4_TYPE, [bytes]);
			}
			case 'GetMP4MediaFragment': {
				requireContainer(session, 'FRAGMENTED_MP4');
				const trackNumber = trackOf(session.tracks, resource.trackNumber).number;
				const { fragment, sequence, packaging } = playable(session, resource);
				const slices = await this.#packager
					.mp4(fragment, packaging, { trackNumber, sequence })
					.catch((error) => Promise.reject(unlessExpired(error, session, fragment, packaging)));
				return this.#mediaReply(session, MP4_TYPE, slices);
			}
			case 'GetTSFragment': {
				requireContainer(session, 'MPEG_TS');
				const { fragment, sequence, packaging } = playable(session, resource);
				const slices = await this.#packager
					.transportStream(fragment, packaging, sequence)
					.catch((error) => Promise.reject(unlessExpired(error, session, fragment, packaging)));
				return this.#mediaReply(session, TS_TYPE, slices);
			}
		}
	}

	/** Begins with what a player requests next, and the first player waits for longest. What fails is that request's error. */
	#prepare(tracks: readonly Track[]): void {
		for (const track of tracks) this.#packager.initialization(track).catch(() => {});
	}

	/** Null for a fragment that cannot be packaged: a request for it gets the error. */
	async #frameRate(session: PlaybackSession, entry: SessionEntry): Promise<number | null> {
		if (entry.error !== null || !session.stream.keeps(entry.fragment.number)) return null;
		try {
			return await this.#packager.frameRate(entry.fragment, packagingOf(session, entry));
		} catch (error) {
			if (error instanceof ServiceError) return null;
			throw error;
		}
	}

	/** Media never changes, and is cached no longer than the session lasts. */
	#mediaReply({ expiresMs }: PlaybackSession, contentType: string, slices: readonly Uint8Array[]): Reply {
		const seconds = Math.floor((expiresMs - this.#now()) / 1000);
		return resourceReply(contentType, slices, {
			...crossOriginHeaders,
			'Cache-Control': `private, max-age=${Math.max(0, seconds)}`,
		});
	}
}

function listReply(contentType: string, text: string): Reply {
	return resourceReply(contentType, [Buffer.from(text)], {
		...crossOriginHeaders,
		'Cache-Control': 'no-store',
	});
}

function packagingOf(
	{ stream, request: { container, clock } }: PlaybackSession,
	{ initialization, shiftMs, previous, next, nextStartMs, isDiscontinuous }: SessionEntry,
): Packaging {
	const isStream = container === 'MPEG_TS';
	const ifKept = (fragment: StoredFragment | null): StoredFragment | null =>
		fragment !== null && stream.keeps(fragment.number) ? fragment : null;
	return {
		container,
		clock,
		shiftMs,
		previous: ifKept(previous),
		next: ifKept(next),
		nextStartMs,
		beginsTimeline: isStream && isDiscontinuous,
		// Some players, ffmpeg among them, read the first initialization of an MP4 and no other.
		repeatsParameterSets: !isStream && initialization > 0,
	};
}

function playable(
	session: PlaybackSession,
	{ fragmentNumber }: RequestedResource,
): SessionEntry & { packaging: Packaging } {
	const entry = fragmentNumber === null ? undefined : entryOf(session, fragmentNumber);
	if (entry === undefined) throw notFound('the session lists no such fragment');
	if (entry.error !== null) throw entry.error;
	if (!session.stream.keeps(entry.fragment.number)) throw expired();
	return { ...entry, packaging: packagingOf(session, entry) };
}

/** In HLS a fragment is requested by its own number, in DASH by its number in the session. */
function entryOf(session: PlaybackSession, number: string): SessionEntry | undefined {
	if (session.request.protocol === 'hls') return session.entry(number);
	return SEQUENCE_PATTERN.test(number) ? session.entryAt(Number(number)) : undefined;
}

const SEQUENCE_PATTERN = /^[1-9][0-9]{0,14}$/;

function trackOf(tracks: readonly Track[], number: number | null): Track {
	const track = tracks.find((candidate) => candidate.number === number);
	if (track === undefined) {
		throw invalidArgument(`expected TrackNumber to be from 1 to ${tracks.length}, got ${number}`);
	}
	return track;
}

function requireContainer({ request }: PlaybackSession, container: string): void {
	if (request.container !== container) {
		throw invalidArgument(`the session has the ContainerFormat ${request.container}`);
	}
}

/** The error of media that could not be packaged. It may have expired while it was read, or a neighbour that it needs. */
function unlessExpired(
	error: unknown,
	{ stream }: PlaybackSession,
	fragment: StoredFragment,
	{ previous, next }: Packaging,
): unknown {
	const read = [previous, fragment, next].filter((part) => part !== null);
	return read.every(({ number }) => stream.keeps(number)) ? error : expired();
}

function expired(): ServiceError {
	return notFound('the fragment has expired');
}

function notFound(what: string): ServiceError {
	return new ServiceError('ResourceNotFoundException', 404, `Not found: ${what}.`);
}
