import { MAX_FRAGMENT_DURATION_NS } from '../model/fragment-limits.js';
import type { FeedFrame } from './feed-frame.js';
import { type FeedTracks, trackName, unsupported } from './feed-tracks.js';
import { type FramePart, partOf } from './frame-part.js';

/** The longest fragment. */
const MAX_FRAGMENT_MS = MAX_FRAGMENT_DURATION_NS / 1e6;

/** From one fragment's start to the next: the service takes none that are shorter. */
const MIN_FRAGMENT_MS = 1000;

/** Length of fragments of audio alone. */
const AUDIO_FRAGMENT_MS = 2000;

/** So much later than a boundary a second video track has to be, whose B-frames come in another order than they are shown. */
const REORDERING_MS = 1000;

/**
 * Audio that comes so much before a key frame belongs to its fragment, where nothing of the lead track was recorded for twice as long:
 * after a pause, audio may begin before video.
 */
const MAX_EARLY_MS = 1000;

/** A place where a fragment may begin. */
interface Boundary {
	/** Time of the key frame. */
	readonly keyMs: number;
	/** Frames from here on belong to the new fragment: the key frame, or pictures after it that are shown before it. */
	fromMs: number;
	/** The latest frame of the lead track that came before the key frame. */
	readonly leadBeforeMs: number;
	/** Whether all pictures that are shown before the key frame have come. */
	isSettled: boolean;
}

/**
 * Cuts frames into fragments that the service takes: each begins at a key frame of the lead track and after all frames of the one
 * before have been, has a frame of every track, and lasts from 1 to 20 s. Where a fragment could not be so, it is joined with the
 * next. Frames go to fragments by their times, so that audio which comes early or late in a file is where it belongs.
 *
 * A fragment is given out once the next one is sure to be one, so that the last can never lack a track. Pure; holds the frames of
 * two fragments.
 */
export class FeedCutter {
	/** The fragments that are complete: their frames, in file order. The caller removes them, after an error too. */
	readonly finished: FeedFrame[][] = [];
	readonly #tracks: FeedTracks;
	readonly #maxBytes: number;
	#window: FeedFrame[] = [];
	#windowBytes = 0;
	#boundaries: Boundary[] = [];
	readonly #latestMs = new Map<number, number>();
	/** The latest frame that was given out. */
	#doneMs = Number.NEGATIVE_INFINITY;

	/** @param maxBytes - what the frames of a fragment may come to */
	constructor(tracks: FeedTracks, maxBytes: number) {
		this.#tracks = tracks;
		this.#maxBytes = maxBytes;
	}

	/**
	 * Takes the next frame in file order. Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) as soon as no fragment that the service
	 * takes can be made.
	 */
	add(frame: FeedFrame): void {
		const isLead = frame.trackNumber === this.#tracks.lead.number;
		if (frame.timeMs <= this.#doneMs) {
			throw unsupported(
				`a frame of track ${frame.trackNumber} at ${instant(frame.timeMs)}, after a fragment with frames up to ${instant(this.#doneMs)}: timestamps must increase between fragments; remux the media with increasing timestamps`,
			);
		}
		if (isLead) this.#noteLead(frame);
		else this.#checkLead(frame);
		this.#window.push(frame);
		this.#windowBytes += partOf([frame]).bytes;
		const latestMs = this.#latestMs.get(frame.trackNumber) ?? Number.NEGATIVE_INFINITY;
		this.#latestMs.set(frame.trackNumber, Math.max(latestMs, frame.timeMs));
		this.#cutAll({ isFinal: false });
		this.#checkHope(isLead ? frame.timeMs : null);
	}

	/** The media is over: what is left is a fragment. Throws as {@link add}. */
	finish(): void {
		for (const boundary of this.#boundaries) boundary.isSettled = true;
		this.#cutAll({ isFinal: true });
		if (this.#window.length === 0) return;
		const rest = this.#part();
		if (!this.#isFit(rest)) throw this.#hopeless(rest);
		this.#cutAt(Number.POSITIVE_INFINITY);
	}

	#noteLead({ timeMs, keyframe }: FeedFrame): void {
		for (const boundary of this.#boundaries) {
			boundary.fromMs = Math.min(boundary.fromMs, timeMs);
			boundary.isSettled ||= timeMs > boundary.keyMs;
		}
		const leadBeforeMs = this.#latestMs.get(this.#tracks.lead.number);
		if (leadBeforeMs === undefined || this.#window.length === 0) return;
		const sinceMs = timeMs - (this.#boundaries.at(-1)?.keyMs ?? this.#part().minMs);
		const isAudio = this.#tracks.lead.type === 'audio';
		if (!isAudio && !keyframe) return;
		if (sinceMs < (isAudio ? AUDIO_FRAGMENT_MS : MIN_FRAGMENT_MS)) return;
		this.#boundaries.push({ keyMs: timeMs, fromMs: timeMs, leadBeforeMs, isSettled: false });
	}

	/** Throws where other tracks go on without the lead track, and not after a gap in all of them. */
	#checkLead({ trackNumber, timeMs }: FeedFrame): void {
		const leadMs = this.#latestMs.get(this.#tracks.lead.number) ?? this.#window[0]?.timeMs ?? timeMs;
		const beforeMs = this.#latestMs.get(trackNumber) ?? timeMs;
		if (timeMs - leadMs <= MAX_FRAGMENT_MS || beforeMs - leadMs <= MAX_FRAGMENT_MS / 2) return;
		throw this.#missing(this.#tracks.lead.number, leadMs, timeMs);
	}

	#cutAll({ isFinal }: { isFinal: boolean }): void {
		for (let atMs = this.#nextCut(isFinal); atMs !== null; atMs = this.#nextCut(isFinal)) this.#cutAt(atMs);
	}

	/** Where the fragment that is open ends; null where that is not known yet. */
	#nextCut(isFinal: boolean): number | null {
		if (this.#boundaries.length === 0) return null;
		const places = this.#places({ isSettled: true });
		const last = places.findLast(
			(atMs) => (isFinal || this.#isPassed(atMs)) && this.#isComplete(this.#part(atMs)),
		);
		if (last === undefined) return null;
		const ends = places.filter((atMs) => atMs <= last && this.#isFit(this.#part(undefined, atMs)));
		// The first after which there can be another cut; where a track has few frames, the last.
		const end = ends.find((atMs) => atMs === last || this.#isComplete(this.#part(atMs, last)));
		return end ?? ends.at(-1) ?? null;
	}

	/** The times at which the next fragment may begin: no picture of the open one would be shown after one of it. */
	#places({ isSettled = false } = {}): number[] {
		return this.#boundaries.flatMap((boundary) => {
			const { leadBeforeMs, fromMs } = boundary;
			if (leadBeforeMs >= fromMs || (isSettled && !boundary.isSettled)) return [];
			return [fromMs - leadBeforeMs > 2 * MAX_EARLY_MS ? fromMs - MAX_EARLY_MS : fromMs];
		});
	}

	/** Whether all tracks have come so far that no more frames can belong before that time. */
	#isPassed(atMs: number): boolean {
		return this.#tracks.tracks.every(({ number, type }) => {
			const isReordered = type === 'video' && number !== this.#tracks.lead.number;
			const latestMs = this.#latestMs.get(number) ?? Number.NEGATIVE_INFINITY;
			return latestMs >= atMs + (isReordered ? REORDERING_MS : 0);
		});
	}

	#part(fromMs?: number, toMs?: number): FramePart {
		return partOf(this.#window, fromMs, toMs);
	}

	#isComplete(part: FramePart): boolean {
		return this.#tracks.tracks.every(({ number }) => part.trackNumbers.has(number));
	}

	#isFit(part: FramePart): boolean {
		return (
			this.#isComplete(part) && part.maxMs - part.minMs <= MAX_FRAGMENT_MS && part.bytes <= this.#maxBytes
		);
	}

	/** Ends the open fragment: what is at that time or later is of the next. */
	#cutAt(atMs: number): void {
		const taken = this.#window.filter(({ timeMs }) => timeMs < atMs);
		this.#window = this.#window.filter(({ timeMs }) => timeMs >= atMs);
		const leadMs = this.#window.find(({ trackNumber }) => trackNumber === this.#tracks.lead.number)?.timeMs;
		this.#boundaries = this.#boundaries.filter(({ keyMs }) => keyMs > (leadMs ?? atMs));
		this.#doneMs = partOf(taken).maxMs;
		this.#windowBytes = this.#part().bytes;
		this.finished.push(taken);
	}

	/** Throws where the open fragment cannot end any more as one that the service takes, or the next cannot. */
	#checkHope(leadMs: number | null): void {
		const open = this.#windowBytes > this.#maxBytes || leadMs !== null ? this.#part() : null;
		if (open === null) return;
		const isTooLarge = open.bytes > this.#maxBytes;
		const isTooLong = leadMs !== null && leadMs - open.minMs > MAX_FRAGMENT_MS;
		if (!isTooLarge && !isTooLong) return;
		const last = this.#places().findLast((atMs) => this.#isFit(this.#part(undefined, atMs)));
		if (last === undefined) throw this.#hopeless(open);
		const next = this.#part(last);
		const isNextTooLong = leadMs !== null && leadMs - last > MAX_FRAGMENT_MS;
		if ((isNextTooLong && !this.#isComplete(next)) || next.bytes > this.#maxBytes) throw this.#hopeless(next);
	}

	#hopeless(part: FramePart): Error {
		const missing = this.#tracks.tracks.find(({ number }) => !part.trackNumbers.has(number));
		if (missing !== undefined) return this.#missing(missing.number, part.minMs, part.maxMs);
		if (part.bytes > this.#maxBytes) {
			return unsupported(
				`more than ${this.#maxBytes} bytes of frames (a fragment of 50 MB) from ${instant(part.minMs)} without a place to begin a new fragment; encode with more key frames or a lower bit rate`,
			);
		}
		const lead = trackName(this.#tracks.lead);
		return unsupported(
			`no key frame of ${lead} that can begin a new fragment from ${instant(part.minMs)} to ${instant(part.maxMs)}; a fragment lasts at most ${MAX_FRAGMENT_MS / 1000} s: encode with a shorter key-frame interval (ffmpeg -g)`,
		);
	}

	#missing(trackNumber: number, fromMs: number, toMs: number): Error {
		const track = this.#tracks.tracks.find(({ number }) => number === trackNumber);
		return unsupported(
			`no frame of ${track === undefined ? `track ${trackNumber}` : trackName(track)} from ${instant(fromMs)} to ${instant(toMs)}; each fragment (at most ${MAX_FRAGMENT_MS / 1000} s) needs a frame of every track: feed it without that track`,
		);
	}
}

/** A time as messages have it: of the producer's clock, or, before the feed knows it, of the file. */
function instant(timeMs: number): string {
	const isClock = timeMs >= Date.UTC(1980) && timeMs <= Date.UTC(9999);
	return isClock ? new Date(timeMs).toISOString() : `${(timeMs / 1000).toFixed(3)} s`;
}
