import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { MediaEvent } from '../model/media-event.js';
import type { Delivery } from '../stream/pump.js';
import { Stage } from '../stream/stage.js';
import { DemuxContext } from './demux-context.js';
import type { LateTracks } from './late-tracks.js';
import { PayloadReader } from './payload-reader.js';

/** Options of {@link MkvReader}. */
export interface MkvReaderOptions {
	/** Events one by one, or in the arrays in which chunks complete them, which costs less for each. @default 'event' */
	readonly deliver?: Delivery;
	/**
	 * Copies every frame, so that it keeps only its own bytes alive. Without it a frame is a view that pins the chunk it
	 * arrived in: holding one small frame in a hundred may hold every byte that was read. @default false
	 */
	readonly copy?: boolean;
	/**
	 * Malformed bytes do not end the reader: they are a `fragment-failure` named `MALFORMED` in their place, and reading
	 * goes on at the next EBML header that parses and says that it is Matroska's. What lies between is thrown away.
	 * @default false
	 */
	readonly resync?: boolean;
	/**
	 * Tracks that stand after the Clusters of their document, as {@link findLateTracks} found them. Without it the reader holds up
	 * to 64 MiB of media until the Tracks come, and fails with `KVS_MEDIA_UNSUPPORTED` where that is not enough.
	 */
	readonly lateTracks?: LateTracks;
}

const OPTION_NAMES: OptionNames<MkvReaderOptions> = {
	deliver: true,
	copy: true,
	resync: true,
	lateTracks: true,
};

/** Bytes that may wait at the entrance before the writer is asked to pause. */
const WRITABLE_HIGH_WATER_MARK_BYTES = 64 * 1024;

/**
 * Bytes of Matroska in, {@link MediaEvent}s out: a KVS payload (one document after the other), a file, a GetMedia body.
 *
 * Chunks may be cut anywhere and are not copied: do not write to them afterwards. Frames are views of them: one frame
 * that is kept keeps its whole chunk (16 KiB to 1 MiB) in memory, so ask for `copy` to keep some of many. A payload that ends inside an element
 * gives a `fragment-failure` after the frames that did arrive; where every open element is of unknown size the bytes
 * cannot tell, and the fragment counts as complete. Bytes that are no Matroska destroy the reader with a
 * {@link MediaError} (`KVS_MKV_MALFORMED`), after the events before that place, unless `resync` is asked for.
 */
export class MkvReader extends Stage<Uint8Array, MediaEvent> {
	readonly #payload: PayloadReader;

	constructor(options: MkvReaderOptions = {}) {
		checkOptionNames(options, OPTION_NAMES);
		const { deliver = 'event', copy = false, resync = false, lateTracks } = options;
		super({
			deliver,
			writableObjectMode: false,
			writableHighWaterMark: WRITABLE_HIGH_WATER_MARK_BYTES,
			readableHighWaterMark: deliver === 'batch' ? 1 : 16,
		});
		this.#payload = new PayloadReader(new DemuxContext(), {
			copy,
			resync,
			failsFragment: true,
			lateTracks,
		});
	}

	protected override process(chunk: Uint8Array): Generator<MediaEvent[]> {
		return this.#payload.write(chunk);
	}

	protected override finish(): Generator<MediaEvent[]> {
		return this.#payload.end();
	}
}
