import { areEqual } from '../model/bytes.js';
import { Track, type TrackFields } from '../model/track.js';

/** A track with other values; the same object where they are what it has already. A field of `undefined` is taken away. */
export function changedTrack(track: Track, changes: Partial<TrackFields>): Track {
	const isSame = Object.entries(changes).every(([key, value]) => {
		const own = track[key as keyof Track] ?? null;
		return (
			own === (value ?? null) ||
			(own instanceof Uint8Array && value instanceof Uint8Array && areEqual(own, value))
		);
	});
	return isSame ? track : new Track({ ...fieldsOf(track), ...changes });
}

function fieldsOf(track: Track): TrackFields {
	const { number, type, codecId, codec, name, codecPrivate, width, height, sampleRate, channels, bitDepth } =
		track;
	const { uid, defaultDurationNs, entry, nalFormat, nalLengthBytes, rotation } = track;
	return {
		number,
		type,
		codecId,
		codec,
		name,
		codecPrivate,
		width,
		height,
		sampleRate,
		channels,
		bitDepth,
		uid,
		defaultDurationNs,
		entry,
		rotation,
		nalFormat: nalFormat ?? undefined,
		nalLengthBytes: nalLengthBytes ?? undefined,
	};
}
