import type { StreamApi } from '../api/stream-api.js';
import { CodecMarks } from './codec-marks.js';
import type { RowEvents } from './row-events.js';
import { ThumbnailStrip } from './thumbnail-strip.js';
import type { PlacedFragment, Tile } from './tile.js';
import { type Sight, TileStore } from './tile-store.js';

/** What is shown of one stream on the timeline. */
export class StreamRow {
	readonly stream: string;
	readonly thumbnails: ThumbnailStrip;
	readonly marks: CodecMarks;
	/** Numbers of fragments that were found to have failed. */
	readonly failed = new Set<string>();
	readonly #store: TileStore;
	#tiles: readonly Tile[] = [];

	/** `maxRequests`: for what is listed, at once. */
	constructor(api: StreamApi, maxRequests: number, on: RowEvents) {
		this.stream = api.stream;
		this.#store = new TileStore(api, maxRequests, on);
		this.thumbnails = new ThumbnailStrip(api, on.onChange);
		this.marks = new CodecMarks(api, on);
	}

	/** The tiles in sight, which are asked for where they are not known. */
	look(sight: Sight): readonly Tile[] {
		this.#tiles = this.#store.look(sight);
		return this.#tiles;
	}

	/** Whether everything in sight is known. */
	get isSettled(): boolean {
		return this.#store.isSettled;
	}

	/** One has looked at the same for a moment: asks for what costs more. */
	lookCloser({ focusMs }: Sight): void {
		this.thumbnails.ask(focusMs);
		const [first] = this.#tiles;
		const last = this.#tiles.at(-1);
		if (first === undefined || last === undefined || this.#tiles.some(({ state }) => state !== 'whole'))
			return;
		this.marks.look(first.fromMs, last.toMs - 1);
	}

	/** The known fragment that a time is in; null where there is none. */
	fragmentAt(ms: number): PlacedFragment | null {
		const tile = this.#tiles.findLast(({ fragments: [first] }) => first !== undefined && first.startMs <= ms);
		const found = tile?.fragments.findLast(({ startMs }) => startMs <= ms);
		if (found === undefined) return null;
		const isIn = ms <= found.startMs + found.lengthMs + Math.min(1000, Math.max(100, found.lengthMs / 4));
		return isIn ? found : null;
	}

	close(): void {
		this.#store.close();
		this.thumbnails.close();
		this.marks.close();
	}
}
