import type {
	FragmentEndEvent,
	FragmentFailureEvent,
	FragmentSkippedEvent,
	RunEvent,
} from '../model/media-event.js';

/** The event itself, where a fragment is over with it: its end, the failure of one that never began, or that it is left out. */
export function fragmentOver(
	event: RunEvent | { readonly type: 'caught-up' },
): FragmentEndEvent | FragmentFailureEvent | FragmentSkippedEvent | null {
	if (event.type === 'fragment-end' || event.type === 'fragment-skipped') return event;
	return event.type === 'fragment-failure' && event.index === null ? event : null;
}
