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
import { goesOn, shiftAfter } from './fragment-shift.js';
import { segmentBytesAtMost } from './segment-size.js';
import {
	fragmentDurationMs,
	mediaDurationMs,
	type SessionEntry,
	segmentDurationMs,
} from './session-entry.js';
import type { SessionRequest } from './session-request.js';

/** Changes of codec private data in a session; the service fails what comes after the 500th, and in DASH after the first. */
const MAX_CHANGES = { hls: 500, dash: 0 };

/** A fragment that is to be listed, and its tracks, or why they cannot be read. */
interface Found {
	readonly fragment: StoredFragment;
	readonly tracks: readonly Track[] | MediaError;
}

/** What the playlists or the manifest of a session hold at a moment. Audio and video are made of the same. */
export interface SessionWindow {
	/** Never empty. */
	readonly entries: readonly SessionEntry[];
	/** Whether nothing will be added any more. */
	readonly isComplete: boolean;
	/** The longest duration the session has had, in milliseconds. */
	readonly longestMs: number;
}

/** Where the media timeline of a session began: epoch milliseconds on the session's clock. */
export interface SessionTimeline {
	/** Start of the first fragment. */
	readonly startMs: number;
	/** Where the fragments end that were listed when the session began. */
	readonly firstEndMs: number;
}

/**
 * A playback session: which fragments its playlists or its manifest list, and under which sequence numbers.
 *
 * What was listed keeps its place. A live session grows when these are requested, and keeps what has left the window for
 * as long again, for players that are late.
 */
export class PlaybackSession {
	readonly request: SessionRequest;
	readonly stream: LocalStream;
	readonly expiresMs: number;
	/** When it began, by the archive's clock, epoch milliseconds. */
	readonly openedMs: number;
	readonly #reader: TrackReader;
	readonly #queue: FragmentQueue;
	readonly #entries: SessionEntry[] = [];
	readonly #byNumber = new Map<string, SessionEntry>();
	readonly #initializations: PlaybackTracks[] = [];
	/** The window that playlists had last, when it was made, and the tracks whose playlists were made of it. */
	#shown: { window: SessionWindow; atMs: number; seenBy: Set<number> } | null = null;
	#timeline: SessionTimeline | null = null;
	#longestMs = 0;
	#peakBandwidth = 0;
	#update: Promise<void> = Promise.resolve();

	private constructor(request: SessionRequest, stream: LocalStream, nowMs: number, reader: TrackReader) {
		this.request = request;
		this.stream = stream;
		this.openedMs = nowMs;
		this.expiresMs = nowMs + request.expiresSeconds * 1000;
		this.#reader = reader;
		this.#queue = fragmentQueue(request, stream, nowMs);
	}

	/**
	 * Begins a session. Throws `ResourceNotFoundException` where there is no fragment to play, and the service's errors for
	 * tracks that it does not play, judged by the first fragment.
	 */
	static async open(
		request: SessionRequest,
		stream: LocalStream,
		nowMs: number,
		reader: TrackReader,
	): Promise<PlaybackSession> {
		const session = new PlaybackSession(request, stream, nowMs, reader);
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
		session.#initializations.push(playbackTracks(tracks as readonly Track[], request.protocol));
		await session.#append(first);
		session.#timeline = timelineOf(session.#entries);
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

	/** Where its media timeline began. */
	get timeline(): SessionTimeline {
		return this.#timeline as SessionTimeline;
	}

	/** The oldest entry that is listed now. */
	get oldest(): SessionEntry {
		return this.#entries[0] as SessionEntry;
	}

	/** The entry of a fragment that is listed, or was until recently. */
	entry(fragmentNumber: string): SessionEntry | undefined {
		return this.#byNumber.get(fragmentNumber);
	}

	/** The entry of that sequence number, if it is listed, or was until recently. */
	entryAt(sequence: number): SessionEntry | undefined {
		return this.#entries[sequence - this.oldest.sequence];
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
			this.#isDecodedWith(decoded, next.tracks);
		const entry: SessionEntry = {
			fragment,
			sequence: (previous?.sequence ?? 0) + 1,
			startMs,
			durationMs,
			mediaMs: mediaDurationMs(fragment, decoded, durationMs),
			segmentMs: segmentDurationMs(durationMs, decoded, this.request),
			shiftMs: previous === undefined ? 0 : shiftAfter(previous, fragment, startMs, this.request.protocol),
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
			tracks = playbackTracks(found, this.request.protocol);
			if (!isSameLayout(before, tracks)) throw changed('the tracks or their codecs changed');
		} catch (error) {
			if (!(error instanceof ServiceError)) throw error;
			return { initialization: current, error };
		}
		if (decodesAlike(before, tracks)) return { initialization: current, error: null };
		const maxChanges = MAX_CHANGES[this.request.protocol];
		if (this.#initializations.length > maxChanges) {
			const howOften = maxChanges === 0 ? '' : ` more than ${maxChanges} times`;
			return { initialization: current, error: changed(`the codec private data changed${howOften}`) };
		}
		this.#initializations.push(tracks);
		return { initialization: this.#initializations.length - 1, error: null };
	}

	/** Whether a decoder that is set up for these tracks decodes those of another fragment. */
	#isDecodedWith(tracks: PlaybackTracks, found: Found['tracks']): boolean {
		try {
			return (
				!(found instanceof MediaError) && decodesAlike(tracks, playbackTracks(found, this.request.protocol))
			);
		} catch (error) {
			if (error instanceof ServiceError) return false;
			throw error;
		}
	}
}

function timelineOf(entries: readonly SessionEntry[]): SessionTimeline {
	const first = entries[0] as SessionEntry;
	const last = entries.at(-1) as SessionEntry;
	return { startMs: first.startMs, firstEndMs: last.startMs + last.shiftMs + last.durationMs };
}

function changed(what: string): ServiceError {
	return new ServiceError(
		'UnsupportedStreamMediaTypeException',
		400,
		`The fragment cannot be played in this session: ${what}.`,
	);
}
