import { DemuxContext } from '#lib/demux/demux-context.js';
import { PayloadReader } from '#lib/demux/payload-reader.js';
import type { MediaEvent } from '#lib/model/media-event.js';

/** The bytes in chunks that end at the given places, whatever their order. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
	const ends = [...new Set(places.map((place) => place % (bytes.byteLength + 1)))].sort((a, b) => a - b);
	return [...ends, bytes.byteLength].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** Everything an reader makes of the chunks, and the error it ends with, if it does. No stream in between. */
export function readEvents(
	chunks: Iterable<Uint8Array>,
	options: { resync?: boolean; keepDocuments?: boolean } = {},
): { events: MediaEvent[]; error: unknown } {
	const reader = new PayloadReader(new DemuxContext(), { ...options, failsFragment: true });
	const events: MediaEvent[] = [];
	try {
		for (const chunk of chunks) for (const batch of reader.write(chunk)) events.push(...batch);
		for (const batch of reader.end()) events.push(...batch);
		return { events, error: null };
	} catch (error) {
		return { events, error };
	}
}

/** Null where the events keep to the grammar of a stream, else what is wrong with them. */
export function grammarFault(events: readonly MediaEvent[]): string | null {
	const word = events
		.map(
			(event) =>
				({ gap: 'g', fragment: 'F', frame: 'f', 'fragment-failure': 'x', 'fragment-end': 'E' })[event.type],
		)
		.join('');
	if (!/^(?:g*Ff*x?E|g*x)*$/.test(word)) return `events do not keep to the grammar: ${word.slice(0, 200)}`;
	let isFailed = false;
	for (const event of events) {
		if (event.type === 'fragment') isFailed = false;
		if (event.type === 'fragment-failure') isFailed = true;
		if (event.type === 'fragment-end' && event.complete === isFailed)
			return 'complete does not say what came before';
	}
	return null;
}
