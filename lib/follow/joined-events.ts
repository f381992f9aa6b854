import { DemuxContext } from '../demux/demux-context.js';
import { FragmentIndexer } from '../model/fragment-indexer.js';
import type { MediaEvent } from '../model/media-event.js';

/** Makes one stream of the events of several: counts their fragments, and compares each with the one before it, anew. */
export class JoinedEvents {
	readonly #context = new DemuxContext();
	#indexer = new FragmentIndexer();
	#index = 0;

	/** Adds the next event to `events`. Fragments come one after the other. */
	add(event: MediaEvent, events: MediaEvent[]): void {
		const { gaps } = this.#context;
		switch (event.type) {
			case 'gap':
				// It compares neighbours of one of the streams.
				return;
			case 'fragment': {
				const gap = gaps.fragmentStart(event.producerTimestamp?.getTime() ?? null, event.tracks);
				if (gap !== null) events.push(gap);
				this.#indexer = new FragmentIndexer();
				this.#index = this.#context.nextIndex++;
				break;
			}
			case 'frame':
				gaps.frame(event.track, event.timestampMs);
				break;
			case 'fragment-failure':
				if (event.index === null) {
					events.push(event);
					return;
				}
		}
		events.push(this.#indexer.indexed(event, this.#index));
	}
}
