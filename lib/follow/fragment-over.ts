import type { FragmentEndEvent, FragmentFailureEvent, MediaEvent } from '../model/media-event.js';

/** The event itself, where a fragment is over with it: its end, or the failure of one that never began. */
export function fragmentOver(
	event: MediaEvent | { readonly type: 'caught-up' },
): FragmentEndEvent | FragmentFailureEvent | null {
	if (event.type === 'fragment-end') return event;
	return event.type === 'fragment-failure' && event.index === null ? event : null;
}
