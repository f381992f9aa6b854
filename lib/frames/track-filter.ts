import { FragmentEndEvent, type RunEvent } from '../model/media-event.js';
import { Stage } from '../stream/stage.js';
import type { TrackSelection } from './track-selection.js';

/**
 * Drops the frames of tracks that are not selected; the `fragment-end` counts those that are left. A `fragment` still names
 * all of its tracks. Fails as {@link TrackSelection.check} does.
 */
export class TrackFilter extends Stage<readonly RunEvent[], RunEvent> {
	readonly #selection: TrackSelection;
	#frames = 0;
	#bytes = 0;

	constructor(selection: TrackSelection) {
		super({ deliver: 'batch', readableHighWaterMark: 1 });
		this.#selection = selection;
	}

	protected override process(events: readonly RunEvent[]): RunEvent[][] {
		const out: RunEvent[] = [];
		for (const event of events) {
			if (event.type === 'frame') {
				if (!this.#selection.has(event.track)) continue;
				this.#frames++;
				this.#bytes += event.data.byteLength;
				out.push(event);
			} else if (event.type === 'fragment-end') {
				const { fragment, fragmentNumber, tags, complete } = event;
				const counts = { frames: this.#frames, bytes: this.#bytes };
				out.push(new FragmentEndEvent(fragment, { fragmentNumber, ...counts, tags, complete }));
			} else {
				if (event.type === 'fragment') {
					this.#selection.check(event);
					this.#frames = 0;
					this.#bytes = 0;
				}
				out.push(event);
			}
		}
		return out.length === 0 ? [] : [out];
	}
}
