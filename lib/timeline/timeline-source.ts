import type { Readable } from 'node:stream';
import type { Fragment } from '../model/fragment.js';
import { GapEvent } from '../model/media-event.js';
import { resolveTimeRange, type TimeRange } from '../model/time-range.js';
import type { Track } from '../model/track.js';
import { Source } from '../stream/source.js';
import { CodecChangeFinder } from './codec-change-finder.js';
import { SpanCutter } from './span-cutter.js';
import type { StoredSpan } from './stored-span.js';
import type { TimelineEvent } from './timeline-event.js';
import { TimelineTally } from './timeline-tally.js';

/** A timeline: a Readable in object mode, typed in `for await`. Leaving the loop early ends the listing. */
export interface TimelineStream extends Readable {
	[Symbol.asyncIterator](): NodeJS.AsyncIterator<TimelineEvent>;
	/** The same events in the arrays in which they came about. Instead of the other, not beside it. */
	batches(): AsyncIterable<TimelineEvent[]>;
}

/** What {@link TimelineSource} needs. */
export interface TimelineSourceOptions {
	readonly range: TimeRange;
	/** The fragments of a range, sorted by its clock and then by number. Leaving the loop ends the listing. */
	readonly list: (range: TimeRange, signal: AbortSignal) => AsyncIterable<readonly Fragment[]>;
	/** The tracks of a fragment, null where it fails or is missing. Null: codecs are not read. */
	readonly readTracks: ((fragment: Fragment, signal: AbortSignal) => Promise<readonly Track[] | null>) | null;
}

/**
 * What is stored in a range, from its listing and a few headers. A span comes out when it is over. Memory is that of the
 * listing, a window, and what a span keeps, some thousand of its fragments; neither grows with the range.
 */
export class TimelineSource extends Source<TimelineEvent> implements TimelineStream {
	readonly #options: TimelineSourceOptions;
	readonly #survey: CodecChangeFinder | null;
	readonly #tally = new TimelineTally();

	constructor(options: TimelineSourceOptions) {
		super();
		const { by } = resolveTimeRange(options.range);
		const { list, readTracks } = options;
		this.#options = options;
		this.#survey =
			readTracks === null
				? null
				: new CodecChangeFinder({
						by,
						list: (range) => list(range, this.signal),
						readTracks: (fragment) => readTracks(fragment, this.signal),
					});
	}

	override [Symbol.asyncIterator](): NodeJS.AsyncIterator<TimelineEvent> {
		return super[Symbol.asyncIterator]();
	}

	protected override async *produce(): AsyncGenerator<TimelineEvent[]> {
		const cutter = new SpanCutter();
		const { list, range } = this.#options;
		for await (const fragments of list(range, this.signal)) {
			const cut: (StoredSpan | GapEvent)[] = [];
			for (const fragment of fragments) cutter.push(fragment, cut);
			for (const item of cut) yield await this.#toEvents(item);
		}
		const rest: (StoredSpan | GapEvent)[] = [];
		cutter.end(rest);
		for (const item of rest) yield await this.#toEvents(item);
		yield [this.#tally.total(this.#survey?.counts ?? null)];
	}

	async #toEvents(item: StoredSpan | GapEvent): Promise<TimelineEvent[]> {
		const events = item instanceof GapEvent ? [item] : await this.#toSpanEvents(item);
		for (const event of events) this.#tally.count(event);
		return events;
	}

	async #toSpanEvents(span: StoredSpan): Promise<TimelineEvent[]> {
		const surveyed = await this.#survey?.survey(span);
		return [span.toEvent(this.#tally.spans, surveyed?.tracks ?? null), ...(surveyed?.changes ?? [])];
	}
}
