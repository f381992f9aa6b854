import type { MediaEvent } from '../model/media-event.js';
import { Stage } from '../stream/stage.js';
import { type FrameSelection, FrameSelector } from './frame-selector.js';

/** Options of {@link FrameFilter}. */
export interface FrameFilterOptions {
	/** @default 'all' */
	readonly select?: FrameSelection;
}

/** Drops frames that were not selected. Every other event passes, so that trouble stays in its place. */
export class FrameFilter extends Stage<MediaEvent, MediaEvent> {
	readonly #selector: FrameSelector;

	constructor({ select = 'all' }: FrameFilterOptions = {}) {
		super();
		this.#selector = new FrameSelector(select);
	}

	protected override process(event: MediaEvent): MediaEvent[][] {
		return event.type !== 'frame' || this.#selector.isSelected(event) ? [[event]] : [];
	}
}
