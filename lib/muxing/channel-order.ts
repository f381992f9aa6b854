import type { Track } from '../model/track.js';

/** Names of Amazon Connect's tracks, the left channel first. */
const SIDES = ['AUDIO_FROM_CUSTOMER', 'AUDIO_TO_CUSTOMER'];

/** Tracks in the order in which their channels are side by side: of a call the customer, then the agent; else as they are. */
export function inChannelOrder(tracks: readonly Track[]): readonly Track[] {
	const sides = SIDES.flatMap((side) => tracks.find(({ name }) => name === side) ?? []);
	return sides.length < SIDES.length
		? tracks
		: [...sides, ...tracks.filter((track) => !sides.includes(track))];
}
