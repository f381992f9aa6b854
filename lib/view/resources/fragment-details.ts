import type { KvsArchive } from '../../index.js';
import { trackText } from './codec-changes.js';
import type { Window } from './stored-window.js';

/** What a fragment holds. */
export interface FragmentDetails {
	readonly fragmentNumber: string;
	readonly tracks: readonly string[];
	/** Whether none of its tracks is video. */
	readonly hasVideo: boolean;
	readonly tags: readonly (readonly [name: string, value: string])[];
	readonly frames: number;
	readonly keyframes: number;
	/** Exceptions that the service put into the response, and damage. */
	readonly failures: readonly { readonly name: string; readonly message: string }[];
}

/** Reads a fragment: one of those that begin at a moment, by its number. Null where it is not there any more. */
export async function fragmentDetails(
	archive: KvsArchive,
	fragmentNumber: string,
	{ at, by }: { readonly at: Date; readonly by: Window['by'] },
	signal: AbortSignal,
): Promise<FragmentDetails | null> {
	let found = null as FragmentDetails | null;
	let [frames, keyframes] = [0, 0];
	const failures: FragmentDetails['failures'][number][] = [];
	// The listing's times are whole milliseconds, of times that need not be.
	const range = { from: new Date(at.getTime() - 1), to: new Date(at.getTime() + 1), by };
	for await (const event of archive.events(range, { signal })) {
		if (!('fragmentNumber' in event) || event.fragmentNumber !== fragmentNumber) continue;
		if (event.type === 'frame') {
			frames++;
			if (event.keyframe) keyframes++;
		} else if (event.type === 'fragment-failure') {
			failures.push({ name: event.name, message: event.message });
			found ??= { fragmentNumber, tracks: [], hasVideo: false, tags: [], frames, keyframes, failures };
		} else if (event.type === 'fragment') {
			found = {
				fragmentNumber,
				tracks: event.tracks.map(trackText),
				hasVideo: event.tracks.some(({ type }) => type === 'video'),
				tags: [],
				frames,
				keyframes,
				failures,
			};
		} else if (event.type === 'fragment-end' && found !== null) {
			const tags = event.tags.map(({ name, value }) => [name, valueText(value)] as const);
			found = { ...found, tags };
		}
	}
	return found && { ...found, frames, keyframes };
}

function valueText(value: string | Uint8Array | null): string {
	return value instanceof Uint8Array ? `${value.byteLength} bytes` : (value ?? '');
}
