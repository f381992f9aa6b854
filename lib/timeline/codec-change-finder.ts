import { areEqual } from '../model/bytes.js';
import type { Fragment } from '../model/fragment.js';
import { type RangeClock, startMs, type TimeRange } from '../model/time-range.js';
import type { Track } from '../model/track.js';
import { FragmentSampler } from './fragment-sampler.js';
import type { StoredSpan } from './stored-span.js';
import type { TimelineCodecChange } from './timeline-event.js';

/** Headers that one timeline reads at most: at five calls a second, 20 seconds of them. */
export const MAX_HEADERS_READ = 100;

/** Lists a range again, sorted by its clock. Leaving the loop ends the listing. */
export type ListFragments = (range: TimeRange) => AsyncIterable<readonly Fragment[]>;

/** Reads a fragment's header; null where the fragment fails or is missing. */
export type ReadTracks = (fragment: Fragment) => Promise<readonly Track[] | null>;

/** A fragment whose header was read. */
interface Sample {
	readonly fragment: Fragment;
	readonly tracks: readonly Track[];
}

/** Options of {@link CodecChangeFinder}. */
export interface CodecSurveyOptions {
	readonly by: RangeClock;
	readonly list: ListFragments;
	readonly readTracks: ReadTracks;
}

/**
 * Finds where codecs change from few headers: the first and the last of each span, and where these differ, those that a
 * bisection asks for. What changes and changes back between two headers that were read is not seen.
 */
export class CodecChangeFinder {
	readonly #options: CodecSurveyOptions;
	/** The last fragment whose header was read, in the range's order. */
	#latest: Sample | null = null;
	/** Whether nothing was left out between `#latest` and the span to come. */
	#isUpToDate = false;
	#read = 0;
	#failed = 0;
	#skipped = 0;

	constructor(options: CodecSurveyOptions) {
		this.#options = options;
	}

	/** How many headers were requested, how many of these failed, and how many were not requested. */
	get counts(): { headersRead: number; headersFailed: number; headersSkipped: number } {
		return { headersRead: this.#read, headersFailed: this.#failed, headersSkipped: this.#skipped };
	}

	/** Looks into the next span: the tracks at its start, and the changes in it, that at its start included. */
	async survey(
		span: StoredSpan,
	): Promise<{ tracks: readonly Track[] | null; changes: TimelineCodecChange[] }> {
		const changes: TimelineCodecChange[] = [];
		const first = await this.#sample(span.first);
		this.#compare(first, changes);
		const last = span.last === span.first ? first : await this.#sample(span.last);
		if (first !== null && last !== null) {
			await this.#search([first, last], span.marks, changes);
		} else {
			this.#isUpToDate = false;
			this.#compare(last, changes);
		}
		this.#latest = last ?? first ?? this.#latest;
		this.#isUpToDate = last !== null;
		return { tracks: first?.tracks ?? null, changes };
	}

	/** Compares a sample with the latest one, which it then is. */
	#compare(sample: Sample | null, changes: TimelineCodecChange[]): void {
		if (sample === null) return;
		const latest = this.#latest;
		if (latest !== null && !areSameCodecs(latest.tracks, sample.tracks)) {
			changes.push(toChange([latest, sample], this.#isUpToDate));
		}
		this.#latest = sample;
	}

	/** Every change that halving shows, between two samples that bound `marks`. */
	async #search(
		[before, after]: readonly [Sample, Sample],
		{ all: marks, isWhole }: Pick<FragmentSampler, 'all' | 'isWhole'>,
		changes: TimelineCodecChange[],
	): Promise<void> {
		if (areSameCodecs(before.tracks, after.tracks)) return;
		if (marks.length <= 2) {
			const finer = isWhole ? null : await this.#listBetween(before.fragment, after.fragment);
			if (finer !== null && finer.all.length > 2) await this.#search([before, after], finer, changes);
			else changes.push(toChange([before, after], true));
			return;
		}
		const middle = Math.floor(marks.length / 2);
		const sample = await this.#sample(marks[middle] as Fragment);
		if (sample === null) {
			changes.push(toChange([before, after], false));
			return;
		}
		await this.#search([before, sample], { all: marks.slice(0, middle + 1), isWhole }, changes);
		await this.#search([sample, after], { all: marks.slice(middle), isWhole }, changes);
	}

	/** The fragments from `first` to `last`, listed again because a long span does not keep them. */
	async #listBetween(first: Fragment, last: Fragment): Promise<FragmentSampler> {
		const { list, by } = this.#options;
		const marks = new FragmentSampler();
		let isInside = false;
		const range = { from: new Date(startMs(first, by)), to: new Date(startMs(last, by)), by };
		for await (const fragments of list(range)) {
			for (const fragment of fragments) {
				if (fragment.fragmentNumber === first.fragmentNumber) isInside = true;
				if (isInside) marks.add(fragment);
				if (fragment.fragmentNumber === last.fragmentNumber) isInside = false;
			}
		}
		return marks;
	}

	async #sample(fragment: Fragment): Promise<Sample | null> {
		if (this.#read >= MAX_HEADERS_READ) {
			this.#skipped++;
			return null;
		}
		this.#read++;
		const tracks = await this.#options.readTracks(fragment);
		if (tracks === null) this.#failed++;
		return tracks === null ? null : { fragment, tracks };
	}
}

function toChange([before, after]: readonly [Sample, Sample], exact: boolean): TimelineCodecChange {
	return {
		type: 'codec-change',
		at: after.fragment.producerTimestamp,
		fragmentNumber: after.fragment.fragmentNumber,
		afterFragmentNumber: before.fragment.fragmentNumber,
		exact,
		before: before.tracks,
		tracks: after.tracks,
	};
}

/** Names and UIDs may change with every start of a producer; a decoder does not look at them. */
function areSameCodecs(a: readonly Track[], b: readonly Track[]): boolean {
	return a.length === b.length && a.every((track, index) => isSameCodec(track, b[index] as Track));
}

function isSameCodec(a: Track, b: Track): boolean {
	const fields = ['number', 'type', 'codecId', 'codec', 'width', 'height', 'sampleRate', 'channels'] as const;
	return (
		fields.every((field) => a[field] === b[field]) &&
		a.bitDepth === b.bitDepth &&
		areEqual(a.codecPrivate ?? new Uint8Array(), b.codecPrivate ?? new Uint8Array())
	);
}
