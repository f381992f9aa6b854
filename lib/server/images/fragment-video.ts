import { DemuxContext } from '../../demux/demux-context.js';
import { PayloadReader } from '../../demux/payload-reader.js';
import { ArchiveError, MediaError } from '../../errors.js';
import { correctTimes } from '../../gaps/outlier-times.js';
import type { Frame } from '../../model/media-event.js';
import type { RangeClock } from '../../model/time-range.js';
import { readParts } from '../store/body-part.js';
import { startOn } from '../store/fragment-index.js';
import type { StoredFragment } from '../store/stored-fragment.js';

/** The frames of a fragment's first video track, and when they are shown. Times are epoch milliseconds of a request's clock. */
export interface FragmentVideo {
	/** In decoding order; their bytes stay in memory. Empty where there is no video, or it cannot be read. */
	readonly frames: readonly Frame[];
	/** From the producer's clock to that of the times. */
	readonly offsetMs: number;
	/** When the first picture is shown; of a fragment without any, when that begins. */
	readonly firstMs: number;
	/** When the last one is shown; of a fragment without any, when that ends. */
	readonly lastMs: number;
	/** How long a picture is shown, on average; null for a single one of unknown duration. */
	readonly frameMs: number | null;
}

/** The longest that a single picture is shown: no fragment of the service is longer. */
export const MAX_FRAGMENT_MS = 20_000;

/** Reads the video of stored fragments. Equal headers share their tracks, so that one decoder may go on with the next fragment. */
export class FragmentVideoReader {
	readonly #clock: RangeClock;
	readonly #onDamage: (error: ArchiveError) => void;
	readonly #context = new DemuxContext();

	/** `onDamage` is called for a fragment that is damaged, or cannot be read; it has no frames then. */
	constructor(clock: RangeClock, onDamage: (error: ArchiveError) => void) {
		this.#clock = clock;
		this.#onDamage = onDamage;
	}

	/** The video of a fragment. */
	async read(fragment: StoredFragment): Promise<FragmentVideo> {
		const startMs = startOn(this.#clock, fragment);
		const offsetMs = startMs - fragment.producerMs;
		const frames = await this.#frames(fragment);
		const timesMs = frames.map(({ timestampMs }) => (timestampMs ?? fragment.producerMs) + offsetMs);
		const declaredMs = frames[0]?.durationMs ?? null;
		const room = { startMs, nextStartMs: null, frameMs: declaredMs, mayReorder: true };
		const shownMs = (correctTimes(timesMs, room)?.timesMs ?? timesMs).toSorted((a, b) => a - b);
		const firstMs = shownMs[0] ?? startMs;
		const lastMs = shownMs.at(-1) ?? startMs + fragment.lengthMs;
		const frameMs = shownMs.length > 1 ? (lastMs - firstMs) / (shownMs.length - 1) : declaredMs;
		return { frames, offsetMs, firstMs, lastMs, frameMs };
	}

	async #frames(fragment: StoredFragment): Promise<Frame[]> {
		const reader = new PayloadReader(this.#context, { admit: () => 'hold' });
		const frames: Frame[] = [];
		const take = (batches: ReturnType<PayloadReader['write']>): void => {
			for (const event of [...batches].flat()) {
				if (event.type !== 'frame') continue;
				const video = event.fragment.tracks.find(({ type }) => type === 'video');
				if (event.track === video) frames.push(event);
			}
		};
		try {
			for await (const bytes of readParts([{ kind: 'fragment', fragment }])) take(reader.write(bytes));
			take(reader.end());
			return frames;
		} catch (error) {
			if (error instanceof MediaError) return [];
			if (!(error instanceof ArchiveError)) throw error;
			this.#onDamage(error);
			return [];
		}
	}
}
