import { MediaError } from '../errors.js';
import { FragmentEndEvent, type FragmentEvent, type Frame } from '../model/media-event.js';
import type { FrameMark, PartialFragment } from './admission.js';

/** The most frames of a fragment, and events that wait for their turn: those of a hundred usual fragments and more. */
const MAX_REMEMBERED = 1_000_000;

/** A fragment that has begun to be given out: what is remembered of it until it ends, so that it can be resumed. */
export class BegunFragment implements PartialFragment {
	readonly fragment: FragmentEvent;
	readonly frames: FrameMark[] = [];

	constructor(fragment: FragmentEvent) {
		this.fragment = fragment;
	}

	/** A frame was given out. Throws {@link MediaError} where it is one too many. */
	add({ track, data, timestampMs }: Frame): void {
		this.frames.push({ trackNumber: track.number, sizeBytes: data.byteLength, timestampMs });
		checkRemembered(this.frames.length, 'frames in a fragment');
	}

	/** Its end, where the rest of it has failed. */
	failedEnd(): FragmentEndEvent {
		const { fragmentNumber, tags } = this.fragment;
		return new FragmentEndEvent(this.fragment, {
			fragmentNumber,
			frames: this.frames.length,
			bytes: this.frames.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
			tags,
			complete: false,
		});
	}
}

/** Throws {@link MediaError} where more is remembered than any fragment has. */
export function checkRemembered(count: number, what: string): void {
	if (count > MAX_REMEMBERED)
		throw new MediaError('KVS_MKV_MALFORMED', `more than ${MAX_REMEMBERED} ${what}`);
}
