import { MediaError } from '../../../errors.js';
import { GAP_THRESHOLD_MS } from '../../../gaps/gap-threshold.js';
import type { Track } from '../../../model/track.js';
import { startOn } from '../../store/fragment-index.js';
import type { LocalStream } from '../../store/local-stream.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import { internalFailure, ServiceError } from '../../wire/service-error.js';
import {
	decodesAlike,
	isSameLayout,
	type PlaybackTracks,
	playbackTracks,
} from '../packaging/playback-tracks.js';
import type { TrackReader } from '../packaging/track-reader.js';
import { type DueFragments, type FragmentQueue, fragmentQueue } from './fragment-queue.js';
import type { HlsRequest } from './hls-request.js';
import { segmentBytesAtMost } from './segment-size.js';
import { fragmentDurationMs, type SessionEntry, segmentDurationMs } from './session-entry.js';

/** Changes of codec private data in a session; the service fails what comes after the 500th. */
const MAX_CHANGES = 500;

/** How many frames the estimated end of a fragment may be too late. */
const ESTIMATE_FRAMES = 3;

/** A fragment that is to be listed, and its tracks, or why they cannot be read. */
interface Found {
	readonly fragment: StoredFragment;
	readonly tracks: readonly Track[] | MediaError;
}

/** What the playlists of a session hold at a moment. Audio and video are made of the same. */
export interface SessionWindow {
	/** Never empty. */
	readonly entries: readonly SessionEntry[];
	/** Whether nothing will be added any more. */
	readonly isComplete: boolean;
	/** The longest duration the session has had, in milliseconds. */
	readonly longestMs: number;
}

/**
 * A playback session: which fragments its playlists list, and under which sequence numbers.
 *
 * What was listed keeps its place. A live session grows when its playlists are requested, and keeps what has left the window for
 * as long again, for players that are late.
 */
export class HlsSession {
	readonly request: HlsRequest;
	readonly stream: LocalStream;
	readonly expiresMs: number;
	readonly #reader: TrackReader;
	readonly #queue: FragmentQueue;
	readonly #entries: SessionEntry[] = [];
	readonly #byNumber = new Map<string, SessionEntry>();
	readonly #initializations: PlaybackTracks[] = [];
	/** The window that playlists had last, when it was made, and the tracks whose playlists were made of it. */
	#shown: { window: SessionWindow; atMs: number; seenBy: Set<number> } | null = null;
	#longestMs = 0;
	#peakBandwidth = 0;
	#update: Promise<void> = Promise.resolve();

	private constructor(request: HlsRequest, stream: LocalStream, nowMs: number, reader: TrackReader) {
		this.request = request;
		this.stream = stream;
		this.expiresMs = nowMs + request.expiresSeconds * 1000;
		this.#reader = reader;
		this.#queue = fragmentQueue(request, stream, nowMs);
	}

	/**
	 * Begins a session. Throws `ResourceNotFoundException` where there is no fragment to play, and the service's errors for
	 * tracks that it does not play, judged by the first fragment.
	 */
	static async open(
		request: HlsRequest,
		stream: LocalStream,
		nowMs: number,
		reader: TrackReader,
	): Promise<HlsSession> {
		const session = new HlsSession(request, stream, nowMs, reader);
		const first = session.#queue.take(nowMs);
		if (first.fragments.length === 0) {
			throw new ServiceError(
				'ResourceNotFoundException',
				404,
				'No fragments found in the stream for the streaming request.',
			);
		}
		const [tracks] = await reader.read(first.fragments.slice(0, 1));
		if (tracks instanceof MediaError) throw internalFailure(tracks);
		session.#initializations.push(playbackTracks(tracks as readonly Track[]));
		await session.#append(first);
		return session;
	}

	/**
	 * What the playlist of a track holds now. The first to ask moves all of them on; the others are then given the same,
	 * unless it is older than a fragment is long: a player that starts with lists of two moments may never find its way.
	 */
	async window(trackNumber: number, nowMs: number): Promise<SessionWindow> {
		const shown = this.#shown;
		if (shown !== null && !shown.seenBy.has(trackNumber) && nowMs - shown.atMs < shown.window.longestMs) {
			shown.seenBy.add(trackNumber);
			return shown.window;
		}
		// One after another, so that no fragment is listed twice. An error is the caller's that got it; the next call tries again.
		const update = this.#update.then(() => this.#grow(nowMs));
		this.#update = update.catch(() => {});
		await update;
		const window = {
			entries: this.#entries.slice(-this.request.maxFragments),
			isComplete: this.#queue.isComplete(nowMs),
			longestMs: this.#longestMs,
		};
		this.#shown = { window, atMs: nowMs, seenBy: new Set([trackNumber]) };
		return window;
	}

	/** The oldest entry that is listed now. */
	get oldest(): SessionEntry {
		return this.#entries[0] as SessionEntry;
	}

	/** The entry of a fragment that is listed, or was until recently. */
	entry(fragmentNumber: string): SessionEntry | undefined {
		return this.#byNumber.get(fragmentNumber);
	}

	/** What a decoder is set up with, by its number: see {@link SessionEntry.initialization}. */
	initialization(number: number): PlaybackTracks | undefined {
		return this.#initializations[number];
	}

	/** What the master playlist says of tracks: those of the first fragment. */
	get tracks(): PlaybackTracks {
		return this.#initializations[0] as PlaybackTracks;
	}

	/** The highest bit rate of a fragment so far, in bits per second. */
	get peakBandwidth(): number {
		return this.#peakBandwidth;
	}

	async #grow(nowMs: number): Promise<void> {
		for (;;) {
			const due = this.#queue.take(nowMs);
			if (due.fragments.length === 0) return;
			await this.#append(due);
		}
	}

	/** Nothing is listed where a file cannot be read: the same fragments come again. */
	async #append({ fragments, following }: DueFragments): Promise<void> {
		const known = following === null ? fragments : [...fragments, following];
		const tracks = await this.#reader.read(known);
		const found = known.map((fragment, index) => ({ fragment, tracks: tracks[index] as Found['tracks'] }));
		for (const index of fragments.keys()) this.#list(found[index] as Found, found[index + 1] ?? null);
		const last = this.#entries.at(-1) as SessionEntry;
		this.#queue.listed(fragments, last.durationMs);
		const kept = 2 * this.request.maxFragments;
		for (const { fragment } of this.#entries.splice(0, this.#entries.length - kept)) {
			this.#byNumber.delete(fragment.number);
		}
	}

	#list({ fragment, tracks }: Found, next: Found | null): void {
		const { clock, discontinuities } = this.request;
		const previous = this.#entries.at(-1);
		const { initialization, error } = this.#initialize(tracks, previous?.initialization ?? 0);
		const decoded = this.#initializations[initialization] as PlaybackTracks;
		const startMs = startOn(clock, fragment);
		const nextMs = next === null ? null : startOn(clock, next.fragment) - startMs;
		const durationMs = fragmentDurationMs(fragment, decoded, nextMs);
		const gapMs = previous === undefined ? 0 : startMs - (previous.startMs + previous.durationMs);
		const isDiscontinuous =
			discontinuities === 'ALWAYS' ||
			(discontinuities === 'ON_DISCONTINUITY' && Math.abs(gapMs) > GAP_THRESHOLD_MS) ||
			// Whatever the mode: players would go on with the wrong parameters.
			(previous !== undefined && initialization !== previous.initialization);
		const isJoined =
			next !== null &&
			error === null &&
			decoded.length > 1 &&
			goesOn({ fragment, durationMs }, next.fragment) &&
			isDecodedWith(decoded, next.tracks);
		const entry: SessionEntry = {
			fragment,
			sequence: (previous?.sequence ?? 0) + 1,
			startMs,
			durationMs,
			segmentMs: segmentDurationMs(durationMs, decoded, this.request),
			shiftMs: previous === undefined ? 0 : shiftAfter(previous, fragment, startMs),
			initialization,
			previous: previous?.next?.number === fragment.number ? previous.fragment : null,
			next: isJoined ? next.fragment : null,
			nextStartMs:
				next !== null && next.fragment.producerMs > fragment.producerMs ? next.fragment.producerMs : null,
			isDiscontinuous,
			discontinuitiesBefore:
				previous === undefined ? 0 : previous.discontinuitiesBefore + (previous.isDiscontinuous ? 1 : 0),
			error,
		};
		this.#longestMs = Math.max(this.#longestMs, durationMs);
		const sizeBytes = segmentBytesAtMost(entry, decoded, this.request.container);
		this.#peakBandwidth = Math.max(this.#peakBandwidth, (sizeBytes * 8000) / durationMs);
		this.#entries.push(entry);
		this.#byNumber.set(fragment.number, entry);
	}

	/** Which initialization a fragment needs: the current one, or a new one. */
	#initialize(
		found: readonly Track[] | MediaError,
		current: number,
	): { initialization: number; error: ServiceError | null } {
		const before = this.#initializations[current] as PlaybackTracks;
		let tracks: PlaybackTracks;
		try {
			if (found instanceof MediaError) throw internalFailure(found);
			tracks = playbackTracks(found);
			if (!isSameLayout(before, tracks)) throw changed('the tracks or their codecs changed');
		} catch (error) {
			if (!(error instanceof ServiceError)) throw error;
			return { initialization: current, error };
		}
		if (decodesAlike(before, tracks)) return { initialization: current, error: null };
		if (this.#initializations.length > MAX_CHANGES) {
			return {
				initialization: current,
				error: changed(`the codec private data changed more than ${MAX_CHANGES} times`),
			};
		}
		this.#initializations.push(tracks);
		return { initialization: this.#initializations.length - 1, error: null };
	}
}

/**
 * How much later than its clock says a fragment is played, so that it does not run into the one before it. Server times
 * jitter, and overlap wherever a producer was faster than its media; players drop what overlaps, or report an error.
 */
function shiftAfter(previous: SessionEntry, fragment: StoredFragment, startMs: number): number {
	const { durationMs, shiftMs } = previous;
	const stepMs = fragment.producerMs - previous.fragment.producerMs;
	// Where a recording continues, its fragments do not overlap. What else is known of a fragment's end is an estimate, and its
	// errors would add up.
	const lengthMs = goesOn(previous, fragment) ? Math.min(stepMs, durationMs) : durationMs;
	return Math.max(0, Math.ceil(previous.startMs + shiftMs + lengthMs - startMs));
}

/**
 * Whether a fragment begins where the one before it ends, by the producer's clock. That end is an estimate: some
 * frames off with B-frames across its border or an uneven rate.
 */
function goesOn(
	{ fragment, durationMs }: Pick<SessionEntry, 'fragment' | 'durationMs'>,
	{ producerMs }: StoredFragment,
): boolean {
	const stepMs = producerMs - fragment.producerMs;
	const frameMs = durationMs - (fragment.picturesMs ?? fragment.lengthMs);
	return stepMs > 0 && Math.abs(durationMs - stepMs) < ESTIMATE_FRAMES * frameMs;
}

/** Whether a decoder that is set up for these tracks decodes those of another fragment. */
function isDecodedWith(tracks: PlaybackTracks, found: Found['tracks']): boolean {
	try {
		return !(found instanceof MediaError) && decodesAlike(tracks, playbackTracks(found));
	} catch (error) {
		if (error instanceof ServiceError) return false;
		throw error;
	}
}

function changed(what: string): ServiceError {
	return new ServiceError(
		'UnsupportedStreamMediaTypeException',
		400,
		`The fragment cannot be played in this session: ${what}.`,
	);
}
