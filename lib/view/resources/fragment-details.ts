import type { FragmentEvent, KvsArchive } from '../../index.js';
import type { Window } from '../../stored/window-pages.js';
import { counted } from '../../wording/counted.js';
import type { FragmentDetails } from '../view-responses.js';
import { trackText } from './codec-changes.js';

/** Reads a fragment: one of those that begin at a moment, by its number. Null where it is not there any more. */
export async function fragmentDetails(
	archive: KvsArchive,
	fragmentNumber: string,
	{ at, by }: { readonly at: Date; readonly by: Window['by'] },
	signal: AbortSignal,
): Promise<FragmentDetails | null> {
	let start = null as FragmentEvent | null;
	let tags: FragmentDetails['tags'] = [];
	let [frames, keyframes] = [0, 0];
	const failures: FragmentDetails['failures'][number][] = [];
	// The listing's times are whole milliseconds, of times that need not be.
	const range = { from: new Date(at.getTime() - 1), to: new Date(at.getTime() + 1), by };
	for await (const event of archive.events(range, { signal })) {
		if (!('fragmentNumber' in event) || event.fragmentNumber !== fragmentNumber) continue;
		if (event.type === 'fragment') start = event;
		else if (event.type === 'frame') {
			frames++;
			if (event.keyframe) keyframes++;
		} else if (event.type === 'fragment-failure') {
			failures.push({ name: event.name, message: event.message });
		} else if (event.type === 'fragment-end') {
			tags = event.tags.map(({ name, value }) => [name, valueText(value)]);
		}
	}
	if (start === null && failures.length === 0) return null;
	const tracks = start?.tracks ?? [];
	return {
		fragmentNumber,
		tracks: tracks.map(trackText),
		hasVideo: tracks.some(({ type }) => type === 'video'),
		tags,
		frames,
		keyframes,
		failures,
	};
}

function valueText(value: string | Uint8Array | null): string {
	return value instanceof Uint8Array ? counted(value.byteLength, 'byte') : (value ?? '');
}
