import type { GapKind } from '../model/media-event.js';
import { bitsPerSecond } from './stored-span.js';
import type { TimelineEvent, TimelineTotal } from './timeline-event.js';

/** What a survey of codecs has read. */
type HeaderCounts = Pick<TimelineTotal, 'headersRead' | 'headersFailed' | 'headersSkipped'>;

/** Sums a timeline up. */
export class TimelineTally {
	#fragments = 0;
	#bytes = 0;
	#spans = 0;
	#codecChanges = 0;
	#fromMs = Number.POSITIVE_INFINITY;
	#toMs = Number.NEGATIVE_INFINITY;
	#storedMs = 0;
	#gapMs = 0;
	readonly #kinds: Record<GapKind, number> = { gap: 0, overlap: 0, regression: 0, duplicate: 0 };

	/** Spans so far. */
	get spans(): number {
		return this.#spans;
	}

	/** The next event. */
	count(event: TimelineEvent): void {
		if (event.type === 'span') {
			const fromMs = event.from.getTime();
			const toMs = event.to.getTime();
			this.#spans++;
			this.#fragments += event.fragments;
			this.#bytes += event.bytes;
			this.#storedMs += toMs - fromMs;
			this.#fromMs = Math.min(this.#fromMs, fromMs);
			this.#toMs = Math.max(this.#toMs, toMs);
		} else if (event.type === 'gap') {
			this.#kinds[event.kind]++;
			if (event.kind === 'gap') this.#gapMs += event.to.getTime() - event.from.getTime();
		} else if (event.type === 'codec-change') {
			this.#codecChanges++;
		}
	}

	/** The last event. `headers` is null where codecs were not looked at. */
	total(headers: HeaderCounts | null): TimelineTotal {
		const { gap: gaps, overlap: overlaps, regression: regressions, duplicate: duplicates } = this.#kinds;
		const isEmpty = this.#spans === 0;
		return {
			type: 'total',
			fragments: this.#fragments,
			bytes: this.#bytes,
			spans: this.#spans,
			gaps,
			overlaps,
			regressions,
			duplicates,
			codecChanges: headers === null ? null : this.#codecChanges,
			from: isEmpty ? null : new Date(this.#fromMs),
			to: isEmpty ? null : new Date(this.#toMs),
			storedMs: this.#storedMs,
			gapMs: this.#gapMs,
			bitsPerSecond: bitsPerSecond(this.#bytes, this.#storedMs),
			...(headers ?? { headersRead: 0, headersFailed: 0, headersSkipped: 0 }),
		};
	}
}
