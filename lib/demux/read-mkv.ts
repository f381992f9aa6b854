import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { FragmentEvent, MediaEvent } from '../model/media-event.js';
import { DemuxContext } from './demux-context.js';
import type { LateTracks } from './late-tracks.js';
import { PayloadReader } from './payload-reader.js';

/** Bytes in chunks, cut anywhere: an array of them, a Node stream, the `body` of a `fetch` response. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** Options of {@link readMkv}: those of `MkvReader` that do not concern Node streams. */
export interface ReadMkvOptions {
	/** Copies every frame, so that it keeps only its own bytes in memory. @default false */
	readonly copy?: boolean;
	/** Malformed bytes do not end it: they are a `fragment-failure`, and reading continues at the next document. @default false */
	readonly resync?: boolean;
	/** Tracks that stand after the Clusters of their document. */
	readonly lateTracks?: LateTracks;
}

const OPTION_NAMES: OptionNames<ReadMkvOptions> = {
	copy: true,
	resync: true,
	lateTracks: true,
};

/**
 * The events of Matroska bytes, as `MkvReader` gives them, without Node: it also runs in browsers.
 *
 * Chunks are not copied and must not be changed afterwards. Throws {@link MediaError} for malformed bytes, after the events
 * before that place, unless `resync` is set. Frames that are compressed with zlib are read in Node only.
 */
export async function* readMkv(chunks: Chunks, options: ReadMkvOptions = {}): AsyncGenerator<MediaEvent> {
	checkOptionNames(options, OPTION_NAMES);
	const payload = new PayloadReader(new DemuxContext(), { ...options, failsFragment: true });
	for await (const chunk of iterable(chunks)) {
		for (const events of payload.write(chunk)) yield* events;
	}
	for (const events of payload.end()) yield* events;
}

/**
 * What the first document says of itself before its media: its tracks and tags, as its `fragment` event. Reads no further
 * than the first Cluster. Null where the bytes end before. Throws {@link MediaError} for malformed bytes.
 */
export async function readFragmentHeader(chunks: Chunks): Promise<FragmentEvent | null> {
	for await (const event of readMkv(chunks)) if (event.type === 'fragment') return event;
	return null;
}

/** Not all browsers can iterate over a `ReadableStream`. */
async function* iterable(chunks: Chunks): AsyncGenerator<Uint8Array> {
	if (!('getReader' in chunks)) {
		yield* chunks;
		return;
	}
	const reader = chunks.getReader();
	try {
		for (;;) {
			const { value, done } = await reader.read();
			if (done) return;
			yield value;
		}
	} finally {
		await reader.cancel();
	}
}
