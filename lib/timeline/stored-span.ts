import type { Fragment } from '../model/fragment.js';
import type { Track } from '../model/track.js';
import { FragmentSampler } from './fragment-sampler.js';
import type { TimelineSpan } from './timeline-event.js';

/** A span while its fragments come, in bounded memory. */
export class StoredSpan {
	readonly marks = new FragmentSampler();
	readonly first: Fragment;
	#last: Fragment;
	#fragments = 0;
	#bytes = 0;
	#serverFromMs = Number.POSITIVE_INFINITY;
	#serverToMs = Number.NEGATIVE_INFINITY;
	#toMs: number;

	constructor(first: Fragment) {
		this.first = first;
		this.#last = first;
		this.#toMs = first.producerTimestamp.getTime();
		this.add(first);
	}

	/** The fragment that meets the last one. */
	add(fragment: Fragment): void {
		const serverMs = fragment.serverTimestamp.getTime();
		this.marks.add(fragment);
		this.#last = fragment;
		this.#fragments++;
		this.#bytes += fragment.fragmentSizeInBytes;
		this.#serverFromMs = Math.min(this.#serverFromMs, serverMs);
		this.#serverToMs = Math.max(this.#serverToMs, serverMs);
	}

	/** No fragment meets the last one, whose frames last `stepMs` each. */
	close(stepMs: number): void {
		const { producerTimestamp, fragmentLengthInMilliseconds } = this.#last;
		this.#toMs = producerTimestamp.getTime() + fragmentLengthInMilliseconds + Math.round(stepMs);
	}

	/** The last fragment so far. */
	get last(): Fragment {
		return this.#last;
	}

	/** End of a closed span on the producer's clock, in epoch milliseconds. */
	get toMs(): number {
		return this.#toMs;
	}

	/** The event of a closed span. */
	toEvent(index: number, tracks: readonly Track[] | null): TimelineSpan {
		const from = this.first.producerTimestamp;
		return {
			type: 'span',
			index,
			from,
			to: new Date(this.#toMs),
			fragments: this.#fragments,
			bytes: this.#bytes,
			bitsPerSecond: bitsPerSecond(this.#bytes, this.#toMs - from.getTime()),
			firstFragmentNumber: this.first.fragmentNumber,
			lastFragmentNumber: this.#last.fragmentNumber,
			serverFrom: new Date(this.#serverFromMs),
			serverTo: new Date(this.#serverToMs),
			tracks,
		};
	}
}

/** Mean bitrate, in whole bits a second; null where there is no time to divide by. */
export function bitsPerSecond(bytes: number, durationMs: number): number | null {
	return durationMs > 0 ? Math.round((bytes * 8000) / durationMs) : null;
}
