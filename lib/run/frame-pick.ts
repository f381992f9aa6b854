import { type AccessUnitForm, checkAccessUnitForm, toAccessUnit } from '../codecs/nal/access-unit.js';
import { type FrameSelection, FrameSelector } from '../frames/frame-selector.js';
import type { Frame, RunEvent } from '../model/media-event.js';

/** Which frames of a run are wanted, and in which form. */
export interface FramePickOptions {
	/** @default 'all' */
	readonly select?: FrameSelection | undefined;
	/** @default 'stored' */
	readonly as?: AccessUnitForm | undefined;
}

/** Makes a function that picks the frames that are wanted out of batches of events. Throws `InvalidOptionError`. */
export function pickFrames({
	select = 'all',
	as = 'stored',
}: FramePickOptions): (events: readonly RunEvent[]) => Frame[] {
	checkAccessUnitForm(as);
	const selector = new FrameSelector(select);
	return (events) => {
		const frames = events.filter(
			(event): event is Frame => event.type === 'frame' && selector.isSelected(event),
		);
		return as === 'stored' ? frames : frames.map((frame) => frame.withData(toAccessUnit(frame, as)));
	};
}
