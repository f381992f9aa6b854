import { FragmentEndEvent, FragmentEvent, FragmentFailureEvent, type MediaEvent } from './media-event.js';

/**
 * Gives the events of a fragment another index, for stages that leave fragments out or put them in order. Events are never
 * changed: those whose index differs are copies, which refer to the copy of their `fragment`.
 */
export class FragmentIndexer {
	#original: FragmentEvent | null = null;
	#copy: FragmentEvent | null = null;

	/** The event as one of the fragment of that index. The events of a fragment come in order, one fragment after the other. */
	indexed<Event extends Exclude<MediaEvent, { type: 'gap' }>>(event: Event, index: number): Event;
	indexed(event: Exclude<MediaEvent, { type: 'gap' }>, index: number): MediaEvent {
		if (event.index === index) return event;
		switch (event.type) {
			case 'fragment':
				return this.#copyOf(event, index);
			case 'frame':
				return event.ofFragment(this.#copyOf(event.fragment, index));
			case 'fragment-end':
				return new FragmentEndEvent(this.#copyOf(event.fragment, index), event);
			default:
				return failureAt(event, index);
		}
	}

	#copyOf(fragment: FragmentEvent, index: number): FragmentEvent {
		if (this.#copy === null || this.#original !== fragment || this.#copy.index !== index) {
			this.#original = fragment;
			this.#copy = new FragmentEvent(Object.assign({}, fragment, { index }));
		}
		return this.#copy;
	}
}

/** The same failure with another index, null for one whose fragment has not begun, and with its fragment's number. */
export function failureAt(
	failure: FragmentFailureEvent,
	index: number | null,
	fragmentNumber = failure.fragmentNumber,
): FragmentFailureEvent {
	// The error is not one of its own properties, which would show it in JSON.
	return new FragmentFailureEvent(
		Object.assign({}, failure, { index, fragmentNumber, error: failure.error }),
	);
}
